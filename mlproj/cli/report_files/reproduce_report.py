"""What came of doing a run again as a report: a case for how it ended, for each metric and each file, and for whether
runs were alike."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mlproj.cli.report_files.report import Case, Outcome, Report, Table
from mlproj.cli.report_files.writing import ReportFiles
from mlproj.reproduction.audit import Audit
from mlproj.reproduction.verdict import UNKNOWN, Verdict
from mlproj.tracking.base import Run


@contextmanager
def of_flags(reference: str, junit_xml: Path | None, summary: Path | None) -> Iterator[Callable[[Run, Audit], None]]:
    """What takes what came of doing the run *reference* again and writes the files that are asked for. Raises
    UsageError."""
    suite = f"reproduction of {reference}"
    with ReportFiles(junit_xml, summary, suite=suite, case="ending") as files:
        yield lambda run, audit: files.write(
            report(suite, run, audit), f"of {run.run_name}: {audit.verdicts[0].summary}"
        )


def report(suite: str, original: Run, audit: Audit) -> Report:
    """What was compared, run by run."""
    several = len(audit.verdicts) > 1
    cases = [
        case
        for number, one in enumerate(audit.verdicts, 1)
        for case in _cases(one, f"run {number}: " if several else "")
    ]
    runs = [(f"{one.after.run.run_name} ({one.after.run.run_id})", one.summary) for one in audit.verdicts]
    return Report(
        suite=suite,
        cases=[*cases, *([_alike(audit.among)] if several else [])],
        title=f"{original.run_name} ({original.run_id}): {audit.verdicts[0].word}",
        tables=(
            Table("Runs", ("run", "verdict"), runs),
            Table("Causes", ("cause", ""), [(cause.name, cause.text) for cause in audit.causes]),
        ),
    )


def _cases(verdict: Verdict, prefix: str) -> Iterator[Case]:
    run = verdict.after.run
    seconds = max(0, (run.end_time or 0) - (run.start_time or 0)) / 1000
    yield Case(f"{prefix}ending", Outcome.FAILED if verdict.ending else Outcome.PASSED, seconds, verdict.ending or "")
    for metric in verdict.metrics:
        message_text = f"{metric.state}: {metric.before!r}, now {metric.after!r}"
        yield Case(
            f"{prefix}metric {metric.name}",
            _outcome(metric.is_good, metric.state),
            message="" if metric.is_good else message_text,
        )
    for file in verdict.files:
        message_text = "\n".join([file.state, *file.details])
        yield Case(
            f"{prefix}file {file.path}",
            _outcome(file.is_good, file.state),
            message="" if file.is_good else message_text,
        )


def _outcome(is_good: bool, state: str) -> Outcome:
    return Outcome.PASSED if is_good else Outcome.ERROR if state == UNKNOWN else Outcome.FAILED


def _alike(among: Sequence[Verdict]) -> Case:
    differing = [
        f"{one.before.run.run_name} and {one.after.run.run_name}: {one.reason}" for one in among if not one.reproduced
    ]
    return Case("the runs are alike", Outcome.FAILED if differing else Outcome.PASSED, message="\n".join(differing))
