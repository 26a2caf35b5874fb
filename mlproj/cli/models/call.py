"""``mlproj models call``: asks a served model."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import click

from mlproj.cli import options
from mlproj.cli.output import print_document, print_lines
from mlproj.foundation.errors import SourceError, UsageError

_TYPES = {".csv": "text/csv", ".parquet": "application/vnd.apache.parquet"}


@click.command("call")
@click.argument("url", metavar="URL")
@click.option(
    "-i", "--input", "source", metavar="FILE", required=True, help="A .json, .jsonl, .csv or .parquet file; - is JSON."
)
@click.option(
    "--content-type", metavar="TYPE", help="What the input is, such as text/csv. Default: by the name of the file."
)
@click.option("--params", metavar="JSON", help="Parameters of the model, as an object.")
@click.option("--token-from-env", metavar="VARIABLE", help="Send the token that this environment variable holds.")
@click.option(
    "--timeout",
    metavar="DURATION",
    callback=options.duration,
    default="60s",
    show_default=True,
    help="How long to wait for the answer.",
)
@options.as_json
def command(
    url: str,
    source: str,
    content_type: str | None,
    params: str | None,
    token_from_env: str | None,
    timeout: float,
    as_json: bool,
) -> None:
    """Ask the model that is served at URL, and print its predictions as JSON.

    The input may be a whole request body, a row ({"a": 1}), a list of rows, or a table.
    """
    from mlproj.models.client import call

    kind = content_type or _TYPES.get(Path(source).suffix.lower(), "application/json")
    given = _given(source, kind)
    predictions = call(
        url, given, params=_object(params), token=_token(token_from_env), content_type=kind, timeout=timeout
    )
    if as_json:
        print_document({"predictions": predictions})
    else:
        print_lines(json.dumps(predictions, ensure_ascii=False))


def _given(source: str, kind: str) -> Any:
    """The JSON value in *source*, or its bytes if it is no JSON by its *kind*."""
    try:
        content = sys.stdin.buffer.read() if source == "-" else Path(source).read_bytes()
    except OSError as error:
        raise SourceError(f"cannot read {source}: {error.strerror}") from error
    if kind != "application/json":
        return content
    try:
        if source.lower().endswith(".jsonl"):
            return [json.loads(line) for line in content.splitlines() if line.strip()]
        return json.loads(content)
    except (ValueError, RecursionError) as error:
        where = "standard input" if source == "-" else source
        raise UsageError(f"{where} is no JSON: {error}", hint="name what it is with --content-type") from None


def _object(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise UsageError("--params: expected an object in JSON, such as '{\"k\": 3}'")
    return found


def _token(variable: str | None) -> str | None:
    if variable is None:
        return None
    token = os.environ.get(variable)
    if not token or not token.isascii() or not token.isprintable():
        raise UsageError(f"--token-from-env: {variable} holds no token")
    return token
