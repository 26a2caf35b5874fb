"""``mlproj import``: bring in what was recorded elsewhere."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

import click

from mlproj.cli import options
from mlproj.cli.command_table import Group
from mlproj.cli.output import print_document, print_lines
from mlproj.cli.reporter import make_reporter
from mlproj.foundation.errors import UsageError
from mlproj.foundation.redaction import mask_url


@click.group("import", cls=Group)
def group() -> None:
    """Bring in what was recorded elsewhere."""


@group.command("mlruns")
@click.argument("place", metavar="PATH|URI")
@options.verbosity
@options.as_json
def mlruns_command(place: str, verbosity: int, as_json: bool) -> None:
    """Bring in the runs of MLflow: an mlruns folder, a SQLite file, or a server (https://host).

    Runs keep their ids, experiments their names, and the files that were logged are copied. It can be done again: what
    is new there is added, nothing is doubled.
    """
    from mlproj import tracking
    from mlproj.mlflow_import import transfer

    reporter = make_reporter(verbosity, json=as_json)
    path = None if tracking.is_server(place) else _path(place)
    store = tracking.open()
    try:
        if path is None:
            from mlproj.mlflow_import import server_import

            done = server_import.import_server(store, place, reporter)
        else:
            done = transfer.import_folder(store, path, reporter)
    finally:
        store.close()
    if as_json:
        print_document({"imported": {"new": done.new, "updated": done.updated, "left": done.left}})
        return
    left = f"; {len(done.left)} left alone, which were recorded here" if done.left else ""
    print_lines(f"{len(done.new)} new runs, {len(done.updated)} brought up to date{left}")


def _path(place: str) -> Path:
    """The local path of *place*, which may be a ``file:`` or ``sqlite:`` URI. Raises UsageError for another kind."""
    scheme, separator, rest = place.partition(":")
    if not separator or len(scheme) < 2 or Path(place).exists():
        return Path(place).expanduser()
    if scheme == "sqlite" and rest.startswith("///"):
        return Path(rest.removeprefix("///"))
    if scheme == "file":
        return Path(unquote(urlsplit(place).path))
    raise UsageError(
        f"runs cannot be imported from {mask_url(place)}",
        hint="name an mlruns folder or a SQLite file on this machine, or a server: https://host",
    )
