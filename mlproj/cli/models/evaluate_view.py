"""An evaluation on the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from mlproj.cli.output import print_fields, print_heading, print_lines, print_prose, print_table
from mlproj.cli.table import Column
from mlproj.models.evaluation.report import interval, number

if TYPE_CHECKING:
    from mlproj.models.evaluation.job import Done
    from mlproj.models.evaluation.result import Evaluation, SliceResult


def show(done: Done) -> None:
    """Print what was measured, the comparison, the slices, and which requirements are met."""
    evaluation = done.evaluation
    print_fields(_facts(evaluation))
    _measures(evaluation)
    _comparison(evaluation)
    for column in dict.fromkeys(one.part.column for one in evaluation.slices):
        _slices(evaluation, [one for one in evaluation.slices if one.part.column == column])
    _requirements(evaluation)
    if done.run is not None:
        print_lines("", f"recorded as {done.run.run_name} ({done.run.run_id})")


def _facts(evaluation: Evaluation) -> list[tuple[str, str]]:
    data = evaluation.data
    facts = [("model", evaluation.model.opened.address)]
    if evaluation.baseline is not None:
        facts.append(("baseline", evaluation.baseline.opened.address))
    return [
        *facts,
        ("data", f"{data.path}, {len(data.frame)} rows, target {evaluation.request.target}"),
        ("kind", f"{evaluation.kind.value}: {evaluation.reason}"),
        ("answers", evaluation.model.explanation),
        *(("note", note) for note in evaluation.notes),
    ]


def _measures(evaluation: Evaluation) -> None:
    model, baseline = evaluation.model, evaluation.baseline
    confidence = f"{evaluation.request.resampling.confidence:.0%} INTERVAL"
    columns = [Column("MEASURE", narrowest=12), Column("MODEL", right=True), Column(confidence, dispensable=1)]
    if baseline is not None:
        columns += [Column("BASELINE", right=True), Column(confidence, dispensable=2)]
    rows = []
    for name, value in model.metrics.items():
        row = [name, number(value), interval(model.intervals.get(name))]
        if baseline is not None:
            row += [number(baseline.metrics.get(name)), interval(baseline.intervals.get(name))]
        rows.append(row)
    print_heading("measures")
    print_table(columns, rows)


def _comparison(evaluation: Evaluation) -> None:
    found = evaluation.comparison
    if found is None:
        return
    print_heading("model less baseline")
    confidence = f"{evaluation.request.resampling.confidence:.0%} INTERVAL"
    rows = [[name, number(value), interval(found.intervals.get(name))] for name, value in found.differences.items()]
    columns = [Column("MEASURE", narrowest=12), Column("DIFFERENCE", right=True), Column(confidence, dispensable=1)]
    print_table(columns, rows)
    print_prose(f"{found.test.name}: p = {number(found.test.p_value)} ({found.test.compared})")


def _slices(evaluation: Evaluation, parts: list[SliceResult]) -> None:
    print_heading(f"by {parts[0].part.column}")
    names = list(evaluation.headlines)
    columns = [Column("SLICE", narrowest=10), Column("ROWS", right=True)]
    for place, name in enumerate(names):
        columns.append(Column(name.upper(), right=True, dispensable=place))
        if evaluation.baseline is not None:
            columns.append(Column("BASELINE", right=True, dispensable=place + 1))
    print_table(columns, [_slice(one, names) for one in parts])


def _slice(one: SliceResult, names: list[str]) -> list[str]:
    row = [one.part.shown + (" (few)" if one.is_small else ""), str(one.rows)]
    for name in names:
        row.append(number(one.metrics.get(name)))
        if one.baseline is not None:
            row.append(number(one.baseline.get(name)))
    return row


def _requirements(evaluation: Evaluation) -> None:
    if not evaluation.judgements:
        return
    print_heading("requirements")
    columns = [Column("", narrowest=6), Column("REQUIREMENT", narrowest=12), Column("MEASURED", narrowest=16)]
    print_table(
        columns, [["met" if one.is_met else "MISSED", one.text, one.explanation] for one in evaluation.judgements]
    )
    if evaluation.missed:
        print_lines("", f"{evaluation.missed} of {len(evaluation.judgements)} requirements missed")
