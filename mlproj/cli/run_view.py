"""Recorded runs as people read them: a line each, or one in full."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from mlproj.cli import chart, run_columns
from mlproj.cli.output import print_fields, print_heading, print_rows, print_table, speaks_unicode, width
from mlproj.cli.table import Column
from mlproj.foundation import paths, quantity
from mlproj.tracking import comparison
from mlproj.tracking.base import Metric, Run

_COLUMNS = (
    Column("RUN"),
    Column("STATUS"),
    Column("STARTED", dispensable=2),
    Column("TOOK", right=True, dispensable=3),
    Column("NAME", narrowest=18),
    Column("EXPERIMENT", narrowest=10, dispensable=4),
    Column("ENTRY POINT", narrowest=11, dispensable=1),
    Column("SOURCE", narrowest=16, dispensable=5),
)
_SHORT_ID = 8
_CHART_WIDTH = 30
_NARROW_CHART_WIDTH = 20
_WIDE = 110  # columns of a terminal where a metric, its chart and its range stand on one line


def print_list(runs: Sequence[Run], chosen: Sequence[str] = ()) -> None:
    """A table of *runs*; on a terminal with short ids, elsewhere with whole ones.

    Beside the columns *chosen* by name it has the run's id only; without any, the usual ones and what tells the runs
    apart.
    """
    if not runs:
        sys.stderr.write("no runs\n")
        return
    short = width() is not None
    further = run_columns.named(chosen) or run_columns.informative(runs)
    usual = _COLUMNS[:1] if chosen else _COLUMNS
    added = [
        Column(column.title, narrowest=8, dispensable=0 if chosen else 6 + index, right=column.is_number)
        for index, column in enumerate(further)
    ]
    rows = [[*_row(run, short)[: len(usual)], *(column.cell(run) for column in further)] for run in runs]
    print_table([*usual, *added], rows)


def print_list_as_csv(runs: Sequence[Run], chosen: Sequence[str] = ()) -> None:
    """*runs* with a heading, a column for everything that any of them has or for what was *chosen*."""
    columns = run_columns.named(["run_id", *chosen]) if chosen else run_columns.everything(runs)
    print_rows([[column.title for column in columns], *([column.cell(run) for column in columns] for run in runs)])


def _row(run: Run, short: bool) -> list[str]:
    return [
        run.run_id[:_SHORT_ID] if short else run.run_id,
        run.status.value,
        quantity.moment(run.start_time),
        _took(run),
        run.run_name,
        run.experiment_name,
        run.entry_point or "",
        _short_source(run.source) if short else _source(run.source),
    ]


def print_run(run: Run, histories: Mapping[str, Sequence[Metric]] | None = None) -> None:
    """Everything that is recorded about *run*, in sections; empty ones are left out.

    A metric with several points in *histories* is shown with a small chart of them.
    """
    print_fields(_summary(run))
    _section("source", _document(run.source))
    _section("parameters", run.params)
    _section("metrics", {key: _metric(value, (histories or {}).get(key, ())) for key, value in run.metrics.items()})
    _section("tags", run.tags)
    _section(
        "environment", _document({name: value for name, value in (run.environment or {}).items() if name != "machine"})
    )
    _section("machine", _document(comparison.machine(run)))
    _section("variables", comparison.variables(run))
    _section("inputs", {str(given.get("parameter")): _file(given, "uri") for given in run.inputs})
    if run.outputs:
        print_heading("outputs")
        columns = (
            Column("SIZE", right=True),
            Column("PATH", narrowest=20),
            Column("SHA256", narrowest=12),
            Column("KEPT", dispensable=1),
        )
        print_table(
            columns,
            [[quantity.size(out.size), out.path, out.sha256 or "", "yes" if out.kept else "no"] for out in run.outputs],
            indent=2,
        )
    print_heading("files")
    print_fields({"log, plan, lock": str(paths.run_dir(run.run_id)), "artifacts": run.artifact_uri}, 2)


def _summary(run: Run) -> list[tuple[str, str]]:
    deleted = " (deleted)" if run.lifecycle_stage == "deleted" else ""
    code = "" if run.exit_code is None else f", exit code {run.exit_code}"
    fields = [
        ("run", f"{run.run_name}{deleted}"),
        ("id", run.run_id),
        ("experiment", f"{run.experiment_name} (id {run.experiment_id})"),
        ("status", f"{run.status.value}{code}"),
        ("reason", run.status_reason or ""),
        ("started", quantity.moment(run.start_time, seconds=True)),
        ("ended", quantity.moment(run.end_time, seconds=True)),
        ("took", _took(run)),
        ("by", "@".join(part for part in (run.user, run.host) if part)),
        ("entry point", run.entry_point or ""),
        ("command", (run.command or "").strip()),
    ]
    return [(name, value) for name, value in fields if value]


def _metric(latest: float, points: Sequence[Metric]) -> str:
    if len(points) < 2:
        return f"{latest:.12g}"
    values = [point.value for point in points]
    room = width()
    is_narrow = room is not None and room < _WIDE
    drawn = chart.sparkline(values, _NARROW_CHART_WIDTH if is_narrow else _CHART_WIDTH, speaks_unicode())
    finite = [value for value in values if math.isfinite(value)] or values
    between = "\n" if is_narrow else "  "
    return f"{latest:<12.6g} {drawn}{between}{len(points)} points, {min(finite):.6g} to {max(finite):.6g}"


def _section(title: str, fields: Mapping[str, str]) -> None:
    if fields:
        print_heading(title)
        print_fields(fields, indent=2)


def _document(document: Mapping[str, Any] | None) -> dict[str, str]:
    """The parts of a JSON document that hold something, as text; the items of a list stand on a line each."""
    return {
        key.replace("_", " "): _text(value)
        for key, value in (document or {}).items()
        if value not in (None, "", [], {})
    }


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (list, tuple)):
        return "\n".join(_text(item) for item in value)
    if isinstance(value, Mapping):
        return "\n".join(f"{key}: {_text(item)}" for key, item in value.items())
    return str(value)


def _file(document: Mapping[str, Any], name: str) -> str:
    size = document.get("size")
    details = [quantity.size(size)] if isinstance(size, int) else []
    if document.get("sha256"):
        details.append(f"sha256 {document['sha256']}")
    return "\n".join([str(document.get(name) or ""), *details])


def _took(run: Run) -> str:
    if run.start_time is None or run.end_time is None:
        return ""
    return quantity.duration(max(run.end_time - run.start_time, 0) / 1000)


def _source(source: Mapping[str, Any] | None) -> str:
    if not source:
        return ""
    where = str(source.get("uri") or "")
    inside = _inside(source)
    commit = source.get("commit")
    return where + (f"#{inside}" if inside else "") + (f"@{commit}" if commit else "")


def _short_source(source: Mapping[str, Any] | None) -> str:
    """The last part of the source's name and the beginning of its commit."""
    if not source:
        return ""
    where = str(source.get("uri") or "").rstrip("/").removesuffix(".git").replace(":", "/").rpartition("/")[2]
    inside, commit = _inside(source), source.get("commit")
    return (
        where
        + (f"#{inside}" if inside else "")
        + (f"@{commit[:7]}" if commit else "")
        + ("*" if source.get("dirty") else "")
    )


def _inside(source: Mapping[str, Any]) -> str | None:
    """The folder of the project within its source; that of a folder on this machine is in its path already."""
    return None if source.get("kind") == "folder" else source.get("subdirectory")
