"""``mlproj runs``: look at what was recorded, compare it, follow it, hide it and bring it back."""

from __future__ import annotations

import sys
from typing import Any

import click

from mlproj.cli import complete, options
from mlproj.cli.command_table import Group
from mlproj.cli.output import print_document, print_lines, print_rows
from mlproj.cli.recorded import find, opened_store
from mlproj.foundation import paths
from mlproj.foundation.errors import UsageError
from mlproj.tracking.base import Run, RunChanges, Status, TrackingStore

_PAGE = 1000

as_csv = click.option(
    "--csv", "as_csv", is_flag=True, help="Print comma-separated values, for spreadsheets and scripts."
)


@click.group("runs", cls=Group)
def group() -> None:
    """List, show, compare, explain, follow, delete and restore recorded runs.

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
@click.option(
    "--filter",
    "filter",
    metavar="EXPRESSION",
    default="",
    help="Only runs that match, such as \"metrics.rmse < 1 AND params.kind = 'a'\".",
)
@click.option(
    "--sort",
    metavar="KEY",
    multiple=True,
    help='Order by this, such as "metrics.rmse" or "start_time DESC"; repeatable.',
)
@click.option(
    "--last", "limit", metavar="N", type=click.IntRange(min=1), help="Only the first N runs: the newest, or by --sort."
)
@click.option(
    "--columns", metavar="NAMES", help="Show these, separated by commas, such as metrics.rmse,params.alpha,status."
)
@click.option("--deleted", is_flag=True, help="The deleted runs instead of the others.")
@options.as_json
@as_csv
def list_command(
    experiment: str | None,
    statuses: tuple[str, ...],
    filter: str,
    sort: tuple[str, ...],
    limit: int | None,
    columns: str | None,
    deleted: bool,
    as_json: bool,
    as_csv: bool,
) -> None:
    """List runs, the newest first.

    EXPRESSION and KEY are MLflow's search language: metrics.NAME, params.NAME, tags.NAME and attributes such as status,
    start_time or run_name, compared by = != < <= > >= LIKE ILIKE IN, joined by AND. A time may be written as
    '2026-11-29' or '2026-11-29T12:30'; without a zone (Z, +02:00) it is in that of this machine.
    """
    _not_both(as_json, as_csv)
    chosen = [name.strip() for name in (columns or "").split(",") if name.strip()]
    with opened_store() as store:
        asked = [Status(status.upper()) for status in statuses]
        stage = "deleted" if deleted else "active"
        if filter.strip() or sort:
            runs = _search(store, experiment, asked, filter=filter, order_by=sort, lifecycle_stage=stage, limit=limit)
        else:
            runs = store.list_runs(experiment_name=experiment, statuses=asked, lifecycle_stage=stage, limit=limit)
    if as_json:
        return _print_json(runs)
    from mlproj.cli import run_view

    return (run_view.print_list_as_csv if as_csv else run_view.print_list)(runs, chosen)


@group.command("show")
@click.argument("run", metavar="RUN", shell_complete=complete.runs)
@options.as_json
@as_csv
def show_command(run: str, as_json: bool, as_csv: bool) -> None:
    """Show everything that is recorded about a run.

    --csv prints every point of its metrics: key, step, timestamp (ms), value.
    """
    _not_both(as_json, as_csv)
    with opened_store() as store:
        record = find(store, run)
        histories = {} if as_json else {key: store.metric_history(record.run_id, key) for key in record.metrics}
    if as_json:
        from mlproj.tracking.record import to_json

        return print_document({"run": to_json(record)})
    from mlproj.cli import run_view

    if as_csv:
        points = (
            [point.key, str(point.step), str(point.timestamp), repr(point.value)]
            for history in histories.values()
            for point in history
        )
        return print_rows([["key", "step", "timestamp", "value"], *points])
    return run_view.print_run(record, histories)


@group.command("compare")
@click.argument("runs", metavar="RUN RUN...", nargs=-1, required=True, shell_complete=complete.runs)
@click.option("--all", "everything", is_flag=True, help="Also what is the same.")
@options.as_json
@as_csv
def compare_command(runs: tuple[str, ...], everything: bool, as_json: bool, as_csv: bool) -> None:
    """Show where runs differ: results, code, parameters, inputs, packages, metrics, outputs."""
    _not_both(as_json, as_csv)
    if len(runs) < 2:
        raise UsageError("one run cannot be compared with itself", hint="name two runs or more")
    from mlproj.cli import compare_view
    from mlproj.tracking import comparison

    with opened_store() as store:
        found = [find(store, reference) for reference in runs]
    facts = comparison.compare(found, _lock_of)
    if as_json:
        documents = [
            {"section": fact.section, "name": fact.name, "differs": fact.differs, "values": list(fact.values)}
            for fact in facts
        ]
        return print_document(
            {"runs": [{"run_id": run.run_id, "run_name": run.run_name} for run in found], "facts": documents}
        )
    if as_csv:
        return compare_view.print_comparison_as_csv(found, facts)
    compare_view.print_comparison(found, facts, everything=everything)
    if len(found) == 2:
        compare_view.print_uncommitted_changes(*found)
    return None


@group.command("diff")
@click.argument("one", metavar="A", shell_complete=complete.runs)
@click.argument("other", metavar="B", shell_complete=complete.runs)
@options.as_json
def diff_command(one: str, other: str, as_json: bool) -> None:
    """Explain why two runs differ: what could be the cause, the likeliest first, and what came out differently.

    Looked at are the code, parameters, inputs, packages, Python, how the environment was made, the machine, and the
    environment variables that change results. The exit code is 0 whether the runs differ or not.
    """
    from mlproj import difference
    from mlproj.cli import diff_view

    with opened_store() as store:
        runs = find(store, one), find(store, other)
    if runs[0].run_id == runs[1].run_id:
        raise UsageError(f"{one!r} and {other!r} are the same run", hint="mlproj runs list shows which there are")
    found = difference.explain(*runs, _lock_of)
    if as_json:
        return print_document(diff_view.to_json(runs, found))
    return diff_view.print_difference(*runs, found)


def _lock_of(run: Run) -> bytes | None:
    from mlproj.run_folder import record
    from mlproj.tracking.comparison import lock_name

    name = lock_name(run)
    return record.read(run.run_id, run.artifact_uri, name) if name else None


def _search(
    store: TrackingStore,
    experiment: str | None,
    statuses: list[Status],
    *,
    filter: str,
    limit: int | None,
    **search: Any,
) -> list[Run]:
    """All pages of a search, up to *limit* runs; *statuses* is one more condition."""
    from mlproj.tracking.search import shorthand
    from mlproj.tracking.search.vocabulary import RUNS

    if statuses:
        listed = ", ".join(repr(status.value) for status in statuses)
        # MLflow's own servers know no IN for a status.
        condition = f"attributes.status = {listed}" if len(statuses) == 1 else f"attributes.status IN ({listed})"
        filter = f"{filter} AND {condition}" if filter.strip() else condition
    filter = shorthand.expanded(filter, RUNS)
    experiment_ids = [store.get_experiment(name=experiment).experiment_id] if experiment is not None else None
    found: list[Run] = []
    token: str | None = None
    while True:
        size = _PAGE if limit is None else min(limit - len(found), _PAGE)
        page = store.search_runs(experiment_ids=experiment_ids, filter=filter, limit=size, page_token=token, **search)
        found += page.items
        token = page.next_page_token
        if token is None or (limit is not None and len(found) >= limit):
            return found


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
@click.option(
    "--stdout", "stream", flag_value="stdout", default="all", help="Only what the run wrote to its standard output."
)
@click.option("--stderr", "stream", flag_value="stderr", help="Only what the run wrote to its standard error.")
def logs_command(run: str, follow: bool, stream: str) -> None:
    """Print what a run printed, both of its streams in the order they came, byte by byte."""
    from mlproj.run_folder import liveness, output_log

    with opened_store() as store:
        record = find(store, run)
    run_dir = paths.run_dir(record.run_id)
    out = sys.stdout.buffer
    if not run_dir.is_dir() and stream == "all":  # it ran elsewhere
        from mlproj.run_folder import record as kept

        out.write(kept.read(record.run_id, record.artifact_uri, output_log.LOG) or b"")
        return
    for block in output_log.read(
        run_dir, stream, follow, lambda: not record.status.ended and liveness.owner_lives(run_dir, record.pid)
    ):
        out.write(block)
        out.flush()


def _move(references: tuple[str, ...], stage: str, as_json: bool) -> None:
    """Set the lifecycle stage of all the runs, after all of them were found."""
    with opened_store() as store:
        found = {run.run_id: run for run in (find(store, reference) for reference in references)}
        for run_id in found:
            store.update_run(run_id, RunChanges(lifecycle_stage=stage))
        moved = [store.get_run(run_id) for run_id in found]
    if as_json:
        _print_json(moved)
        return
    for run in moved:
        print_lines(f"{'deleted' if stage == 'deleted' else 'restored'} {run.run_name} ({run.run_id})")


def _not_both(as_json: bool, as_csv: bool) -> None:
    if as_json and as_csv:
        raise UsageError("--json and --csv cannot both be printed", hint="choose one of them")


def _print_json(runs: list[Run]) -> None:
    from mlproj.tracking.record import to_json

    documents: list[dict[str, Any]] = [to_json(run) for run in runs]
    print_document({"runs": documents})
