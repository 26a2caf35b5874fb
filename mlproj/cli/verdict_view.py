"""What came of doing a run again, as people read it and as a program does."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlproj.cli.output import print_heading, print_lines, print_prose, print_table
from mlproj.cli.table import Column
from mlproj.reproduction.audit import Audit
from mlproj.reproduction.divergence import Divergence
from mlproj.reproduction.verdict import SAME, FileVerdict, MetricVerdict, Verdict
from mlproj.tracking.base import Run
from mlproj.tracking.record import number

_MOST_NAMED = 5
_MOST = 20  # metrics and files of a run that are shown


def to_json(original: Run, audit: Audit) -> dict[str, Any]:
    """``reproduction`` of ``mlproj reproduce --json`` (schema 1)."""
    return {
        "of": _named(original),
        "reproduced": audit.reproduced,
        "deterministic": audit.is_deterministic if audit.among else None,
        "runs": [_verdict_document(verdict) for verdict in audit.verdicts],
        "parting": _parting_document(audit.parting) if audit.parting else None,
        "lacking": list(audit.lacking),
        "causes": [{"name": cause.name, "text": cause.text, "proof": cause.proof} for cause in audit.causes],
    }


def _named(run: Run) -> dict[str, str]:
    return {"run_id": run.run_id, "run_name": run.run_name}


def _verdict_document(verdict: Verdict) -> dict[str, Any]:
    return {
        **_named(verdict.after.run),
        "status": verdict.after.run.status.value,
        "exit_code": verdict.after.run.exit_code,
        "verdict": verdict.word,
        "summary": verdict.summary,
        "reproduced": verdict.reproduced,
        "exact": verdict.is_exact,
        "ending": verdict.ending,
        "metrics": [
            {
                "name": one.name,
                "state": one.state,
                "before": None if one.before is None else number(one.before),
                "after": None if one.after is None else number(one.after),
                "step": one.step,
            }
            for one in verdict.metrics
        ],
        "files": [
            {
                "path": one.path,
                "state": one.state,
                "before": one.before,
                "after": one.after,
                "details": list(one.details),
                "only_time": one.only_time,
            }
            for one in verdict.files
        ],
        "ignored": list(verdict.ignored),
    }


def _parting_document(parting: Divergence) -> dict[str, Any]:
    return {
        "metric": parting.metric,
        "step": parting.step,
        "values": [number(value) for value in parting.values] if parting.values else None,
        "line": parting.line,
        "texts": list(parting.texts) if parting.texts else None,
    }


def print_audit(original: Run, audit: Audit) -> None:
    """The verdict on each run, what differs, and what to make of it."""
    for verdict in audit.verdicts:
        print_lines(
            "", f"{verdict.after.run.run_name} ({verdict.after.run.run_id[:8]}), which does {original.run_name} again"
        )
        _print_verdict(verdict)
    if audit.lacking:
        more = f" and {len(audit.lacking) - _MOST_NAMED} more" if len(audit.lacking) > _MOST_NAMED else ""
        print_prose(f"it may lack what Git ignores in the folder: {', '.join(audit.lacking[:_MOST_NAMED])}{more}")
    if audit.among:
        _print_among(audit)
    elif not audit.reproduced:
        print_lines(
            f"what may be the cause: mlproj runs diff {original.run_id[:8]} {audit.verdicts[0].after.run.run_id[:8]}"
        )


def _print_verdict(verdict: Verdict) -> None:
    metrics, files = _shown(verdict.metrics), _shown(verdict.files)
    if metrics:
        rows = [(one.name, _value(one.before), _value(one.after), _metric_state(one)) for one in metrics]
        print_table([Column("metric", narrowest=12), Column("then"), Column("now"), Column("")], rows, indent=2)
    if files:
        print_table([Column("file", narrowest=16), Column("")], [(one.path, _state(one)) for one in files], indent=2)
    if more := len(verdict.metrics) + len(verdict.files) - len(metrics) - len(files):
        print_lines(f"  and {more} more metrics and files, which --json lists")
    for one in files:
        if one.details:
            print_lines(f"  {one.path}:", *(f"    {line}" for line in one.details))
    if verdict.ignored:
        print_prose(f"  not compared: {', '.join(verdict.ignored)}", hanging=4)
    print_prose(verdict.summary)


def _shown(found: Sequence[Any]) -> list[Any]:
    """What differs, and of the rest as much as can be looked at."""
    return sorted(found, key=lambda one: one.state == SAME)[:_MOST]


def _metric_state(one: MetricVerdict) -> str:
    return one.state + ("" if one.step is None else f", from step {one.step} on")


def _state(one: FileVerdict) -> str:
    return f"{one.state} (in dates, times and ids only)" if one.only_time else one.state


def _value(value: float | None) -> str:
    return "" if value is None else repr(value)


def _print_among(audit: Audit) -> None:
    if audit.is_deterministic:
        return print_lines("", f"the {len(audit.verdicts)} new runs came out alike")
    print_heading("the new runs differ among themselves")
    for verdict in audit.among:
        if not verdict.reproduced:
            print_prose(
                f"  {verdict.before.run.run_name} and {verdict.after.run.run_name}: {verdict.reason}", hanging=4
            )
    if audit.parting:
        _print_parting(audit.parting)
    for cause in audit.causes:
        how = "shown by runs with it set" if cause.proof == "tried" else "found by reading"
        print_prose(f"  {cause.name} ({how}): {cause.text}", hanging=4)
    if not audit.causes:
        print_prose(
            "  no cause was found: look for clocks, threads, the network and whatever else changes from run to run",
            hanging=4,
        )
    return None


def _print_parting(parting: Divergence) -> None:
    if parting.metric and parting.values:
        one, other = parting.values
        print_prose(f"  they first diverge at {parting.metric}, step {parting.step}: {one!r} and {other!r}", hanging=4)
    if parting.texts:
        print_lines(
            f"  the first line of output that differs is line {parting.line}:",
            *(f"    {text}" for text in parting.texts),
        )
