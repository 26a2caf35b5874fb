"""``mlproj runs``: look at what was recorded, follow it, hide it and bring it back."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click

from mlproj import paths
from mlproj.cli import complete, options
from mlproj.cli.command_table import Group
from mlproj.cli.output import print_document, print_lines
from mlproj.errors import UsageError
from mlproj.tracking.base import Run, Status, TrackingStore


@click.group("runs", cls=Group)
def group() -> None:
    """List, show, follow, delete and restore recorded runs.

    RUN is a run's id or the beginning of it, its name, or "last".
    """


@group.command("list")
@click.option("--experiment", metavar="NAME", shell_complete=complete.experiments, help="Only runs of this experiment.")
@click.option(
    "--status",
    "statuses",
    type=click.Choice([status.value for status in Status], case_sensitive=False),
    multiple=True,
    help="Only runs with this status; repeatable.",
)
@click.option("--last", "limit", metavar="N", type=click.IntRange(min=1), help="Only the newest N runs.")
@click.option("--deleted", is_flag=True, help="The deleted runs instead of the others.")
@options.as_json
def list_command(experiment: str | None, statuses: tuple[str, ...], limit: int | None, deleted: bool, as_json: bool) -> None:
    """List runs, the newest first."""
    with _store() as store:
        runs = store.list_runs(
            experiment_name=experiment,
            statuses=[Status(status.upper()) for status in statuses],
            lifecycle_stage="deleted" if deleted else "active",
            limit=limit,
        )
    if as_json:
        _print_json(runs)
    else:
        from mlproj.cli import run_view

        run_view.print_list(runs)


@group.command("show")
@click.argument("run", metavar="RUN", shell_complete=complete.runs)
@options.as_json
def show_command(run: str, as_json: bool) -> None:
    """Show everything that is recorded about a run."""
    with _store() as store:
        record = _find(store, run)
    if as_json:
        from mlproj.tracking.record import to_json

        print_document({"run": to_json(record)})
    else:
        from mlproj.cli import run_view

        run_view.print_run(record)


@group.command("delete")
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, shell_complete=complete.runs)
@options.as_json
def delete_command(runs: tuple[str, ...], as_json: bool) -> None:
    """Hide runs from lists. Nothing is lost: "mlproj runs restore" brings them back."""
    _move(runs, "deleted", as_json)


@group.command("restore")
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, shell_complete=complete.deleted_runs)
@options.as_json
def restore_command(runs: tuple[str, ...], as_json: bool) -> None:
    """Bring deleted runs back."""
    _move(runs, "active", as_json)


@group.command("logs")
@click.argument("run", metavar="RUN", shell_complete=complete.runs)
@click.option("-f", "--follow", is_flag=True, help="Go on showing what a running run prints, until it ends.")
@click.option("--stdout", "stream", flag_value="stdout", default="all", help="Only what the run wrote to its standard output.")
@click.option("--stderr", "stream", flag_value="stderr", help="Only what the run wrote to its standard error.")
def logs_command(run: str, follow: bool, stream: str) -> None:
    """Print what a run printed, both of its streams in the order they came, byte by byte."""
    from mlproj.backends import output_log
    from mlproj.tracking import liveness

    with _store() as store:
        record = _find(store, run)
    run_dir = paths.run_dir(record.run_id)
    out = sys.stdout.buffer
    for block in output_log.read(run_dir, stream, follow, lambda: not record.status.ended and liveness.owner_lives(run_dir, record.pid)):
        out.write(block)
        out.flush()


@contextmanager
def _store() -> Iterator[TrackingStore]:
    """The store, after runs whose process is gone were given the status they deserve."""
    from mlproj import tracking
    from mlproj.tracking import liveness

    store = tracking.open()
    try:
        liveness.reap(store)
        yield store
    finally:
        store.close()


def _find(store: TrackingStore, reference: str) -> Run:
    """The run that *reference* means; ``last`` is the newest one that is not deleted."""
    if reference != "last":
        return store.get_run(reference)
    newest = store.list_runs(limit=1)
    if not newest:
        raise UsageError("there is no last run: none was recorded yet", hint="mlproj run records one")
    return newest[0]


def _move(references: tuple[str, ...], stage: str, as_json: bool) -> None:
    """Set the lifecycle stage of all the runs, after all of them were found."""
    with _store() as store:
        found = {run.run_id: run for run in (_find(store, reference) for reference in references)}
        for run_id in found:
            store.update_run(run_id, lifecycle_stage=stage)
        moved = [store.get_run(run_id) for run_id in found]
    if as_json:
        _print_json(moved)
        return
    for run in moved:
        print_lines(f"{'deleted' if stage == 'deleted' else 'restored'} {run.run_name} ({run.run_id})")


def _print_json(runs: list[Run]) -> None:
    from mlproj.tracking.record import to_json

    documents: list[dict[str, Any]] = [to_json(run) for run in runs]
    print_document({"runs": documents})
