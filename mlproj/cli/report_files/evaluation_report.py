"""The requirements of an evaluation as a report: one case for each."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from mlproj.cli.report_files.report import Case, Outcome, Report, Table
from mlproj.cli.report_files.writing import ReportFiles
from mlproj.foundation.redaction import mask_url

if TYPE_CHECKING:
    from mlproj.models.evaluation.result import Evaluation


@contextmanager
def of_flags(model: str, junit_xml: Path | None, summary: Path | None) -> Iterator[Callable[[Evaluation], None]]:
    """What takes the evaluation of *model* and writes the files that are asked for. Raises UsageError."""
    suite = f"evaluation of {mask_url(model)}"
    with ReportFiles(junit_xml, summary, suite=suite, case="evaluation") as files:
        yield lambda evaluation: files.write(report(suite, evaluation), "the model was evaluated")


def report(suite: str, evaluation: Evaluation) -> Report:
    """A case for each requirement; without any, one that says that the model was measured."""
    cases = [
        Case(one.text, Outcome.PASSED if one.is_met else Outcome.FAILED, message="" if one.is_met else one.explanation)
        for one in evaluation.judgements
    ]
    count = len(cases)
    title = f"{evaluation.missed} of {count} requirements missed" if evaluation.missed else f"{count} requirements met"
    tables = [Table("Measures", ("measure", "value"), _rows(evaluation))]
    return Report(suite, cases or [Case("measured", Outcome.PASSED)], f"{suite}: {title}", tables)


def _rows(evaluation: Evaluation) -> list[tuple[str, str]]:
    return [(name, f"{value:.6g}") for name, value in evaluation.model.metrics.items()]
