"""``mlproj sync``: deliver what was recorded for a tracking server and waits on this disk."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from mlproj.cli import options
from mlproj.cli.output import print_document, print_lines
from mlproj.cli.terminal import printable
from mlproj.foundation import env_vars
from mlproj.foundation.errors import ServiceError, UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mlproj.outbox import Outbox


@click.command("sync")
@click.argument("server", metavar="[SERVER]", required=False)
@click.option("--dry-run", is_flag=True, help="Only say what waits.")
@options.as_json
def command(server: str | None, dry_run: bool, as_json: bool) -> None:
    """Deliver the runs that were recorded for a tracking server while it was out of reach.

    SERVER is its address; without it the one that MLPROJ_TRACKING_URI names, or the only one for which something waits.
    It can be done again at any time: nothing is doubled. Exit code 69 when the server
    did not take everything; runs whose program goes on are none of it.
    """
    if dry_run:
        _show([one for one in _outboxes() if server is None or one.server == _address(server)], as_json)
        return
    address = server or _usual()
    if address is None:
        _tell({}, 0, as_json)
        return
    from mlproj import outbox
    from mlproj.outbox import delivery

    delivered, left = delivery.everything(outbox.open_outbox(address), address)
    waiting = {
        entry.run_id: entry.trouble or "its program is running, or another process is delivering it" for entry in left
    }
    _tell(waiting, delivered, as_json)
    if any(entry.trouble for entry in left):
        sys.stderr.write(f"{_address(address)} did not take everything: mlproj sync --dry-run lists what waits\n")
        raise SystemExit(ServiceError.exit_code)


def _outboxes() -> list[Outbox]:
    from mlproj import outbox

    return list(outbox.known())


def _address(server: str) -> str:
    """Without credentials. Raises UsageError."""
    from mlproj.http.client import HttpClient

    return HttpClient(server).uri


def _usual() -> str | None:
    """The server that is meant when none is named; None when nothing waits. Raises UsageError when it could be
    several."""
    from mlproj import tracking

    chosen = env_vars.TRACKING_URI.get()
    if tracking.is_server(chosen):
        return chosen
    waiting = [one.server for one in _outboxes() if _waiting(one)]
    if len(waiting) > 1:
        raise UsageError(
            f"runs wait for {len(waiting)} servers: {', '.join(waiting)}", hint="name one: mlproj sync SERVER"
        )
    return waiting[0] if waiting else None


def _waiting(box: Outbox) -> Mapping[str, str | None]:
    """The runs that wait and what kept them from being delivered."""
    from contextlib import closing

    from mlproj.outbox.ledger import Ledger

    with closing(Ledger(box.folder / "runs.db")) as ledger:
        return {entry.run_id: entry.trouble for entry in ledger.waiting()}


def _show(boxes: list[Outbox], as_json: bool) -> None:
    found = {box.server: _waiting(box) for box in boxes}
    if as_json:
        print_document(
            {
                "waiting": [
                    {"server": server, "run_id": run, "trouble": why}
                    for server, runs in found.items()
                    for run, why in runs.items()
                ]
            }
        )
        return
    for server, runs in found.items():
        for run_id, why in runs.items():
            print_lines(f"{run_id} waits for {server}" + (f": {printable(why)}" if why else ""))
    if not any(found.values()):
        sys.stderr.write("nothing waits\n")


def _tell(waiting: Mapping[str, str], delivered: int, as_json: bool) -> None:
    if as_json:
        print_document(
            {"delivered": delivered, "waiting": [{"run_id": run_id, "trouble": why} for run_id, why in waiting.items()]}
        )
        return
    print_lines(f"delivered {delivered} run{'' if delivered == 1 else 's'}")
    for run_id, why in waiting.items():
        sys.stderr.write(f"waits: {run_id}: {printable(why)}\n")
