"""The checks of a project as a report: one case for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from mlproj.cli.project_check import Check
from mlproj.cli.report_files.naming import project_name
from mlproj.cli.report_files.report import Case, Outcome, Report
from mlproj.cli.report_files.writing import ReportFiles
from mlproj.foundation.errors import MlprojError


@contextmanager
def of_flags(
    uri: str, junit_xml: Path | None, summary: Path | None
) -> Iterator[Callable[[Sequence[Check], bool], None]]:
    """What takes the checks of the project at *uri* and writes the files that are asked for. Raises UsageError."""
    suite = f"check of {project_name(uri)}"
    with ReportFiles(junit_xml, summary, suite=suite, case="project") as files:
        yield lambda checks, strict: files.write(
            report(suite, checks, strict), f"the {suite} ended with {_count(checks, strict)}"
        )


def report(suite: str, checks: Sequence[Check], strict: bool) -> Report:
    """What was found; with *strict* a warning fails a check, else it is in the check's output."""
    return Report(suite, [_case(check, strict) for check in checks], f"{suite}: {_count(checks, strict)}")


def _case(check: Check, strict: bool) -> Case:
    errors, warnings = _summary("error", check.errors), _summary("warning", check.warnings)
    if check.is_passed(strict):
        return Case(check.name, Outcome.PASSED, check.seconds, warnings)
    return Case(check.name, Outcome.FAILED, check.seconds, "\n".join(filter(None, (errors, warnings))))


def _summary(level: str, findings: Sequence[MlprojError]) -> str:
    return "\n".join(f"{level}: {one}" + (f"\nhint: {one.hint}" if one.hint else "") for one in findings)


def _count(checks: Sequence[Check], strict: bool) -> str:
    failed = sum(not check.is_passed(strict) for check in checks)
    return f"{failed} of {len(checks)} checks failed" if failed else f"{len(checks)} checks passed"
