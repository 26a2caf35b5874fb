"""A search for a commit as people read it, and as data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlproj.bisection.finding import Finding
from mlproj.bisection.notebook import Entry
from mlproj.bisection.question import Question
from mlproj.bisection.rule import number
from mlproj.cli.output import print_document, print_heading, print_lines, print_table, width
from mlproj.cli.table import Column
from mlproj.foundation.progress import Progress
from mlproj.sources.ancestry import Step

_SHORT = 10
_SHORT_ID = 8
_MOST_LISTED = 50  # suspects


def known(question: Question, entries: Mapping[str, Entry]) -> int:
    """How many of the commits in question have an entry."""
    return sum(step.name in entries for step in question.steps)


def show_plan(question: Question, entries: Mapping[str, Entry], as_json: bool) -> None:
    """What a search would do; *entries* are what was measured before."""
    between = len(question.steps) - 2
    at_most = (2 + between.bit_length()) * question.repeat
    if as_json:
        ends = {"good": _step_document(question.good), "bad": _step_document(question.bad)}
        counts = {"commits_between": between, "runs_at_most": at_most, "known": known(question, entries)}
        return print_document(
            {"plan": {**question.about, **ends, **counts, "experiment": question.request.experiment_name}}
        )
    return print_lines(
        f"good end: {_line(question.good)}",
        f"bad end:  {_line(question.bad)}",
        f"{between} commits between them; {at_most} runs at most if none is skipped; known from before:"
        f" {known(question, entries)}",
        f"runs are recorded in the experiment {question.request.experiment_name or question.request.experiment_id}",
    )


def show(finding: Finding, reporter: Progress, as_json: bool) -> None:
    """Print what came of a search; the next thing to do goes to *reporter*."""
    if as_json:
        print_document({"bisect": _document(finding)})
    else:
        _print_tried(finding)
        _print_answer(finding)
    for hint in _hints(finding):
        reporter.note(hint)


def _print_tried(finding: Finding) -> None:
    metric = Column(finding.question.metric.upper(), narrowest=8, right=True)
    columns = [Column("COMMIT"), Column("DATE", dispensable=2), metric, Column("VERDICT"), Column("RUN", dispensable=1)]
    columns += [Column("SUBJECT", narrowest=16), Column("REMARK", narrowest=12, dispensable=3)]
    rows = [_row(finding, step) for step in finding.question.steps if step.name in finding.tried]
    used = len(columns) if any(row[-1] for row in rows) else len(columns) - 1
    print_table(columns[:used], [row[:used] for row in rows])


def _row(finding: Finding, step: Step) -> list[str]:
    entry = finding.tried[step.name]
    ids = [run_id[:_SHORT_ID] if width() is not None else run_id for run_id in entry.run_ids]
    value = "" if entry.value is None else number(entry.value)
    remark = entry.skipped or entry.note or ""
    return [step.name[:_SHORT], _day(step), value, finding.verdict(step.name), " ".join(ids), step.subject, remark]


def _print_answer(finding: Finding) -> None:
    if finding.culprit:
        print_heading(f"first bad commit: {finding.culprit.name}")
        print_lines(
            *(f"  {line}" for line in (finding.culprit.subject, f"{finding.culprit.author}, {_day(finding.culprit)}"))
        )
    else:
        print_heading(f"{len(finding.suspects)} commits may be the first bad one")
        columns = (
            Column("COMMIT"),
            Column("DATE"),
            Column("AUTHOR", narrowest=8, dispensable=1),
            Column("SUBJECT", narrowest=16),
        )
        print_table(
            columns,
            [[step.name, _day(step), step.author, step.subject] for step in finding.suspects[:_MOST_LISTED]],
            indent=2,
        )
        if len(finding.suspects) > _MOST_LISTED:
            print_lines(f"  … and {len(finding.suspects) - _MOST_LISTED} more, which --json lists")
    print_lines("", *([f"bad is {finding.question.metric} {finding.rule}"] if finding.rule else []), _counted(finding))


def _counted(finding: Finding) -> str:
    builds = f"{finding.builds} {'environment' if finding.builds == 1 else 'environments'} built"
    before = finding.runs - finding.new_runs
    return f"{finding.runs} {'run' if finding.runs == 1 else 'runs'}, {builds}" + (
        f"; {before} of the runs from before" if before else ""
    )


def _hints(finding: Finding) -> list[str]:
    if finding.stopped:
        return [
            f"stopped before building more than --max-builds {finding.question.max_builds}; the same command goes on"
            " from there"
        ]
    if finding.culprit is None:
        return ["the others among them could not be run; --retry-skipped tries them again"]
    hints = []
    names = {step.name for step in finding.question.steps}
    if any(parent not in names for parent in finding.culprit.parents):
        hints.append("it is a merge: what changed the metric may have come with the branch that it brought in")
    before, after = _neighbours(finding, finding.culprit)
    if before and after:
        hints.append(f"what differs: mlproj runs diff {before[:_SHORT_ID]} {after[:_SHORT_ID]}")
    return hints


def _neighbours(finding: Finding, culprit: Step) -> tuple[str | None, str | None]:
    """The run of the last good commit before the culprit, and that of the culprit."""
    good = [name for name in finding.tried if finding.verdict(name) == "good"]
    before = next((parent for parent in culprit.parents if parent in good), good[-1])
    return _last_run(finding.tried[before]), _last_run(finding.tried[culprit.name])


def _last_run(entry: Entry) -> str | None:
    return entry.run_ids[-1] if entry.run_ids else None


def _document(finding: Finding) -> dict[str, Any]:
    question, rule = finding.question, finding.rule
    return {
        **question.about,
        "good": _tried_document(finding, question.good),
        "bad": _tried_document(finding, question.bad),
        "threshold": rule.threshold if rule else None,
        "bad_is_higher": rule.bad_is_higher if rule else None,
        "state": "found" if finding.culprit else "stopped" if finding.stopped else "suspects",
        "first_bad": _step_document(finding.culprit) if finding.culprit else None,
        "suspects": [_step_document(step) for step in finding.suspects],
        "tried": [_tried_document(finding, step) for step in question.steps if step.name in finding.tried],
        "runs": finding.runs,
        "new_runs": finding.new_runs,
        "builds": finding.builds,
        "experiment": question.request.experiment_name,
    }


def _tried_document(finding: Finding, step: Step) -> dict[str, Any]:
    entry = finding.tried.get(step.name, Entry())
    return {
        **_step_document(step),
        "value": entry.value,
        "values": list(entry.values),
        "verdict": finding.verdict(step.name) if step.name in finding.tried else None,
        "skipped": entry.skipped,
        "note": entry.note,
        "run_ids": list(entry.run_ids),
        "builds": entry.builds,
    }


def _step_document(step: Step) -> dict[str, Any]:
    """One commit; ``date`` is the author's, ISO 8601 in UTC."""
    date = step.date.isoformat().replace("+00:00", "Z") if step.date else None
    return {
        "commit": step.name,
        "parents": list(step.parents),
        "date": date,
        "author": step.author,
        "subject": step.subject,
    }


def _line(step: Step) -> str:
    return f"{step.name[:_SHORT]} {_day(step)} {step.subject}"


def _day(step: Step) -> str:
    return f"{step.date:%Y-%m-%d}" if step.date else ""
