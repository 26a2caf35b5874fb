"""``mlproj env``: the environments in the cache, and the room they take."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import click

from mlproj.cli import complete, options
from mlproj.cli.command_table import Group
from mlproj.cli.output import print_document, print_fields, print_heading, print_lines, print_table, width
from mlproj.cli.table import Column
from mlproj.environments.cache import inventory
from mlproj.environments.containers import leftovers as containers_left
from mlproj.foundation import paths, quantity
from mlproj.run_folder import liveness

if TYPE_CHECKING:
    from mlproj.environments.cache.inventory import Stored

_COLUMNS = (
    Column("KEY"),
    Column("PYTHON"),
    Column("SIZE", right=True),
    Column("PACKAGES", right=True, dispensable=3),
    Column("LAST USED"),
    Column("MADE BY", dispensable=2),
    Column("AS OF", dispensable=1),
    Column("DECLARED IN", narrowest=11),
)
_SHORT_KEY = 12


@click.group("env", cls=Group)
def group() -> None:
    """List, show and remove the environments built so far.

    They are a cache: a run that needs one that is gone makes it again. KEY is an environment's key or the beginning of
    it.
    """


@group.command("list")
@options.as_json
def list_command(as_json: bool) -> None:
    """List environments with their sizes, the last used first."""
    found = inventory.installed()
    if as_json:
        print_document({"environments": [_document(one) for one in found]})
    elif not found:
        sys.stderr.write("no environments\n")
    else:
        print_table(_COLUMNS, [_row(one, short=width() is not None) for one in found])
        sys.stderr.write(f"{_count(len(found))}, {quantity.size(sum(one.size for one in found))}\n")


@group.command("show")
@click.argument("key", metavar="KEY", shell_complete=complete.environments)
@options.as_json
def show_command(key: str, as_json: bool) -> None:
    """Show what an environment was made from and what is installed in it."""
    one = inventory.show(key)
    if as_json:
        print_document({"environment": _document(one)})
        return
    print_fields([(name, value) for name, value in _summary(one) if value])
    _section("asked for", one.requirements)
    _section("notes", one.notes)
    if one.packages:
        print_heading("installed")
        print_fields(dict(sorted(one.packages.items())), indent=2)


@group.command("remove")
@click.argument("keys", metavar="KEY...", nargs=-1, required=True, shell_complete=complete.environments)
@options.as_json
def remove_command(keys: tuple[str, ...], as_json: bool) -> None:
    """Remove environments. One that a running command uses stays, and that is an error."""
    whole = dict.fromkeys(inventory.show(key).key for key in keys)  # a wrong key is refused before anything is removed
    removed = [inventory.remove(key) for key in whole]
    if as_json:
        print_document({"removed": [one.key for one in removed], "freed": sum(one.size for one in removed)})
        return
    for one in removed:
        print_lines(f"removed {one.key[:_SHORT_KEY]}, {quantity.size(one.size)}")


@group.command("prune")
@click.option(
    "--older-than",
    metavar="DURATION",
    callback=options.duration,
    help="Only those not used for so long, such as 30d or 12h. Default: all.",
)
@options.as_json
def prune_command(older_than: float | None, as_json: bool) -> None:
    """Remove the environments that nothing is using now, and what builds and runs that were killed left behind."""
    age = None if older_than is None else timedelta(seconds=older_than)
    pruned, in_engines = inventory.prune(age), containers_left.remove(_is_over, age)
    for trouble in in_engines.troubles:
        sys.stderr.write(f"warning: {trouble}\n")
    if as_json:
        print_document({**asdict(pruned), "containers": in_engines.runs, "images": in_engines.images})
        return
    if in_engines.runs:
        print_lines(f"removed {_number(len(in_engines.runs), 'container')} of runs that were killed")
    if in_engines.images:
        print_lines(f"removed {_number(len(in_engines.images), 'image')} of container engines")
    kept = f"; {_count(len(pruned.kept_in_use))} in use stayed" if pruned.kept_in_use else ""
    leftovers = f" and {pruned.leftovers} left over from killed builds" if pruned.leftovers else ""
    print_lines(f"removed {_count(len(pruned.removed))}{leftovers}, {quantity.size(pruned.freed)} freed{kept}")


def _is_over(run_id: str) -> bool:
    return not liveness.owner_lives(paths.run_dir(run_id), None)


def _count(number: int) -> str:
    return _number(number, "environment")


def _number(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _row(one: Stored, short: bool) -> list[str]:
    return [
        one.key[:_SHORT_KEY] if short else one.key,
        one.python or one.language or "",
        quantity.size(one.size),
        str(len(one.packages)),
        _time(one.last_used),
        one.manager,
        f"{one.as_of:%Y-%m-%d}" if one.as_of else "",
        one.declaration,
    ]


def _summary(one: Stored) -> list[tuple[str, str]]:
    return [
        ("key", one.key),
        ("kind", one.kind),
        ("python", one.python or ""),
        ("language", one.language or ""),
        ("made by", one.manager),
        ("declared in", one.declaration),
        ("as of", f"{one.as_of:%Y-%m-%d %H:%M} UTC" if one.as_of else ""),
        ("made", _time(one.created)),
        ("last used", _time(one.last_used) + (" (in use now)" if one.in_use else "")),
        ("size", quantity.size(one.size)),
        ("folder", str(one.folder)),
    ]


def _section(title: str, lines: Sequence[str]) -> None:
    if lines:
        print_heading(title)
        print_lines(*(f"  {line}" for line in lines))


def _document(one: Stored) -> dict[str, Any]:
    """*one* as JSON: sizes in bytes, times in UTC as ISO 8601."""
    fields = asdict(one)
    moments = {
        name: value.isoformat().replace("+00:00", "Z") for name, value in fields.items() if isinstance(value, datetime)
    }
    return {**fields, **moments, "folder": str(one.folder)}


def _time(moment: datetime) -> str:
    return quantity.moment(int(moment.timestamp() * 1000))
