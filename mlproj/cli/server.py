"""``mlproj server``: the store for a team, spoken to as MLflow's clients speak; and its tokens."""

from __future__ import annotations

import sys
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any

import click

from mlproj.cli import options
from mlproj.cli.command_table import Group
from mlproj.cli.listening import in_url, is_loopback, listen
from mlproj.cli.output import print_document, print_lines, print_table
from mlproj.cli.table import Column
from mlproj.foundation.errors import UsageError

if TYPE_CHECKING:
    from mlproj.server.token_file import Token, TokenFile

_STORE = click.option(
    "--store",
    metavar="URI",
    help=(
        "Where runs are kept: sqlite:///FILE, postgresql://USER@HOST/NAME. [default: MLPROJ_TRACKING_URI, else"
        " mlproj.db in MLPROJ_HOME]"
    ),
)


@click.group("server", cls=Group, invoke_without_command=True, subcommand_metavar="[COMMAND]")
@click.option(
    "--host", metavar="ADDRESS", default="127.0.0.1", show_default=True, help="Listen there; 0.0.0.0 is every address."
)
@click.option(
    "--port",
    metavar="N",
    type=click.IntRange(0, 65535),
    default=5000,
    show_default=True,
    help="Listen there; 0 is any free one.",
)
@_STORE
@click.option(
    "--artifacts", metavar="PLACE", help="Where files are kept: a folder, s3://… [default: artifacts beside the store]"
)
@click.option(
    "--workers",
    metavar="N",
    type=click.IntRange(1, 64),
    default=1,
    show_default=True,
    help="Number of worker processes.",
)
@click.option(
    "--allow-host", metavar="NAME", multiple=True, help="Answer to that name only, as behind a proxy; may be repeated."
)
@click.option("--log-requests", is_flag=True, help="Write a line for every request to standard error.")
@click.pass_context
def group(
    context: click.Context,
    host: str,
    port: int,
    store: str | None,
    artifacts: str | None,
    workers: int,
    allow_host: tuple[str, ...],
    log_requests: bool,
) -> None:
    """Serve runs, models and files to MLflow's clients and to browsers, until Ctrl-C.

    Programs use it with MLFLOW_TRACKING_URI=http://ADDRESS:PORT. On this machine nobody needs a token; at any other
    address, or under a name given with --allow-host, everybody does: see "mlproj server token --help".
    """
    if context.invoked_subcommand is not None:
        return
    closed = bool(allow_host) or not is_loopback(host)
    if closed:
        _check_tokens(store, host if not allow_host else allow_host[0])
    from mlproj.server.guard import LOOPBACK
    from mlproj.server.serving import Service, serve

    hosts = list(allow_host) or (None if closed else sorted(LOOPBACK | {in_url(host)}))
    service = Service(store, artifacts, hosts, closed, log_requests)
    with listen(host, port) as listening:

        def ready() -> None:
            print_lines(f"serving at http://{in_url(host)}:{listening.getsockname()[1]} (Ctrl-C ends this)")
            sys.stdout.flush()

        if workers == 1:
            serve(service, listening, ready, lambda _end: None)
        else:
            from mlproj.server.workers import supervise

            supervise(service, listening, workers, ready)


@group.group("token", cls=Group)
def token_group() -> None:
    """Make, list and revoke the tokens that let people and programs use the server.

    Programs send one with MLFLOW_TRACKING_TOKEN, or with MLFLOW_TRACKING_USERNAME (anything) and
    MLFLOW_TRACKING_PASSWORD.
    """


@token_group.command("create")
@click.argument("name", metavar="NAME")
@click.option(
    "--scope",
    type=click.Choice(["read", "write", "admin"]),
    default="write",
    show_default=True,
    help="read; write: log as well; admin: delete experiments, runs, models and files as well.",
)
@click.option(
    "--expires", metavar="DURATION", callback=options.duration, help="Good for so long only, such as 30d or 12h."
)
@_STORE
@options.as_json
def create_command(name: str, scope: str, expires: float | None, store: str | None, as_json: bool) -> None:
    """Make a token and print it. It is shown this once: only its hash is kept."""
    from mlproj.server.access import Scope

    secret, token = _tokens(store).create(name, Scope[scope.upper()], expires)
    if as_json:
        print_document({"token": {**_document(token), "secret": secret}})
    else:
        print_lines(secret)


@token_group.command("list")
@_STORE
@options.as_json
def list_command(store: str | None, as_json: bool) -> None:
    """List tokens, without what would let somebody in."""
    tokens = _tokens(store).known()
    if as_json:
        print_document({"tokens": [_document(token) for token in tokens]})
    elif not tokens:
        sys.stderr.write("no tokens\n")
    else:
        rows = [[token.name, token.scope, _moment(token.created), _end_of(token)] for token in tokens]
        print_table((Column("NAME"), Column("SCOPE"), Column("CREATED"), Column("EXPIRES")), rows)


@token_group.command("revoke")
@click.argument("name", metavar="NAME")
@_STORE
@options.as_json
def revoke_command(name: str, store: str | None, as_json: bool) -> None:
    """Make a token worthless at once, also for a server that is running."""
    token = _tokens(store).revoke(name)
    if as_json:
        print_document({"revoked": _document(token)})
    else:
        print_lines(f"revoked {token.name}")


def _tokens(store: str | None) -> TokenFile:
    from mlproj.server.token_file import TokenFile, beside

    return TokenFile(beside(store))


def _document(token: Token) -> dict[str, Any]:
    return {name: value for name, value in asdict(token).items() if name != "sha256"} | {"expired": token.expired}


def _moment(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds).astimezone():%Y-%m-%d %H:%M}"


def _end_of(token: Token) -> str:
    return "never" if token.expires is None else _moment(token.expires) + (" (over)" if token.expired else "")


def _check_tokens(store: str | None, name: str) -> None:
    """Raise UsageError when nobody could use a server that others can reach."""
    if all(token.expired for token in _tokens(store).known()):
        where = f" --store {store}" if store else ""
        raise UsageError(
            f"a server that others can reach as {name} needs a token, and there is none",
            hint=f"make one: mlproj server token create NAME{where}",
        )
