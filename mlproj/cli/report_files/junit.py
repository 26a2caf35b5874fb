"""JUnit's XML, in the dialect that GitHub's actions, GitLab and Jenkins read.

There is no standard; this keeps to what https://llg.cubic.org/docs/junit/ found common to them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from xml.etree import ElementTree

from mlproj.cli.report_files.clean import clean
from mlproj.cli.report_files.report import Case, Outcome, Report

_ELEMENTS = {Outcome.FAILED: "failure", Outcome.ERROR: "error", Outcome.SKIPPED: "skipped"}


def render(report: Report) -> bytes:
    """*report* as an XML document in UTF-8, well-formed whatever it holds. Times are in seconds."""
    counts = _counts(report.cases)
    top = ElementTree.Element("testsuites", {"name": "mlproj", **counts})
    started = {"timestamp": f"{report.started:%Y-%m-%dT%H:%M:%S}"} if report.started else {}
    suite = ElementTree.SubElement(top, "testsuite", {"name": clean(report.suite), **counts, **started})
    for case in report.cases:
        _add(suite, clean(report.suite), case)
    ElementTree.indent(top)
    document: bytes = ElementTree.tostring(top, encoding="utf-8", xml_declaration=True)
    return document + b"\n"


def _add(suite: ElementTree.Element, suite_name: str, case: Case) -> None:
    named = {"classname": suite_name, "name": clean(case.name), "time": _seconds(case.seconds)}
    element = ElementTree.SubElement(suite, "testcase", named)
    message = clean(case.message)
    if kind := _ELEMENTS.get(case.outcome):
        first = message.partition("\n")[0]
        ElementTree.SubElement(element, kind, {"message": first, "type": case.outcome.value}).text = message
    if output := clean(case.output):
        ElementTree.SubElement(element, "system-out").text = output


def _counts(cases: Sequence[Case]) -> dict[str, str]:
    def count(outcome: Outcome) -> str:
        return str(sum(case.outcome is outcome for case in cases))

    return {
        "tests": str(len(cases)),
        "failures": count(Outcome.FAILED),
        "errors": count(Outcome.ERROR),
        "skipped": count(Outcome.SKIPPED),
        "time": _seconds(sum(case.seconds for case in cases)),
    }


def _seconds(value: float) -> str:
    return f"{value if math.isfinite(value) and value > 0 else 0:.3f}"
