"""The one renderer: commands hand over data, this prints it as a JSON document or as text that fits the terminal."""

from __future__ import annotations

import json
import math
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mlproj.cli import terminal
from mlproj.cli.table import Column, render_fields, render_table
from mlproj.foundation import redaction

SCHEMA = 1


def print_document(content: Mapping[str, Any]) -> None:
    """Print ``{"schema": 1, …}`` with *content* on standard output, without secrets.

    NaN and infinities, which JSON does not know, are the strings ``NaN``, ``Infinity`` and ``-Infinity``.
    """
    secrets = {name: value for name, value in os.environ.items() if redaction.looks_secret(name)}
    clean = _clean({"schema": SCHEMA, **content}, secrets)
    sys.stdout.write(json.dumps(clean, indent=2, ensure_ascii=not speaks_unicode(), allow_nan=False) + "\n")


def print_lines(*texts: str) -> None:
    """Print *texts* on standard output, each on its line or lines, without secrets and without control characters."""
    for text in texts:
        sys.stdout.write(_encodable(terminal.printable(redaction.redact(text))) + "\n")


def print_prose(text: str, hanging: int = 0) -> None:
    """Print a sentence on standard output; on a terminal broken between words, further lines indented by *hanging*."""
    room = width()
    if room is None:
        return print_lines(text)
    import textwrap

    safe = terminal.printable(redaction.redact(text))
    wrapped = textwrap.wrap(safe, room, subsequent_indent=" " * hanging, break_long_words=False, break_on_hyphens=False)
    return print_lines(*wrapped)


def print_table(columns: Sequence[Column], rows: Sequence[Sequence[str]], indent: int = 0) -> None:
    """Print a table on standard output: as wide as the terminal, and whole where standard output is none."""
    safe = [[terminal.printable(redaction.redact(cell)) for cell in row] for row in rows]
    room = width()
    for line in render_table(columns, safe, room and room - indent):
        print_lines(" " * indent + line)


def print_fields(fields: Mapping[str, str] | Iterable[tuple[str, str]], indent: int = 0) -> None:
    """Print ``name  value`` lines on standard output: as wide as the terminal, and whole where standard output is
    none."""
    pairs = fields.items() if isinstance(fields, Mapping) else fields
    safe = [[terminal.printable(redaction.redact(text)) for text in pair] for pair in pairs]
    print_lines(*render_fields([(name, value) for name, value in safe], indent, width()))


def print_rows(rows: Sequence[Sequence[str]]) -> None:
    """Print rows as CSV on standard output, without secrets.

    A text that a spreadsheet would take for a formula gets an apostrophe in front, as OWASP advises; numbers stay as
    they are.
    """
    import csv
    import io

    table = io.StringIO()
    csv.writer(table, lineterminator="\n").writerows(
        [_harmless(redaction.redact(cell)) for cell in row] for row in rows
    )
    sys.stdout.write(_encodable(table.getvalue()))


def width() -> int | None:
    """How wide standard output may be, None when it is no terminal."""
    return terminal.columns() if terminal.is_terminal(sys.stdout) else None


def print_heading(text: str) -> None:
    """Print the name of a section, after an empty line."""
    sys.stdout.write("\n" + terminal.styled(_encodable(text), sys.stdout, "bold") + "\n")


def _clean(value: Any, secrets: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return redaction.redact(value, secrets).encode("utf-8", "backslashreplace").decode()  # a name of no UTF-8
    if isinstance(value, Mapping):
        return {str(key): _clean(item, secrets) for key, item in value.items()}
    if isinstance(value, Sequence):
        return [_clean(item, secrets) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def _harmless(cell: str) -> str:
    if cell[:1] not in {"=", "+", "-", "@", "\t", "\r"}:
        return cell
    try:
        float(cell)
    except ValueError:
        return f"'{cell}"
    return cell


def speaks_unicode() -> bool:
    """Whether standard output can show any character."""
    return (sys.stdout.encoding or "").lower().replace("-", "") == "utf8"


def _encodable(text: str) -> str:
    encoding = sys.stdout.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)
