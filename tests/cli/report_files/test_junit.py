from __future__ import annotations

from datetime import datetime, timezone
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlproj.cli.report_files import junit
from mlproj.cli.report_files.report import Case, Outcome, Report

HOSTILE = st.text(st.characters(codec=None, categories=None), max_size=40) | st.sampled_from(
    ["]]>", "<![CDATA[", "&", "\0\x1b[31m", "\ud800", "\ufffe", "\x1b]0;title\x07", '"><testcase>', "a\r\nb"]
)
CASES = st.builds(Case, HOSTILE, st.sampled_from(Outcome), st.floats(), HOSTILE, HOSTILE)


@given(suite=HOSTILE, cases=st.lists(CASES, max_size=3))
def test_the_document_is_well_formed_whatever_it_holds(suite: str, cases: list[Case]) -> None:
    top = ElementTree.fromstring(junit.render(Report(suite, cases, "title")))

    assert [child.tag for child in top] == ["testsuite"]
    assert [child.tag for child in top[0]] == ["testcase"] * len(cases)
    for element, case in zip(top[0], cases, strict=True):
        assert float(element.attrib["time"]) >= 0
        kinds = {child.tag for child in element} - {"system-out"}
        assert kinds == {{"passed": None, "failed": "failure"}.get(case.outcome.value, case.outcome.value)} - {None}


def test_counts_times_and_messages_are_where_readers_look_for_them() -> None:
    cases = [
        Case("main", Outcome.PASSED, 1.5, output="ok\n"),
        Case("train", Outcome.FAILED, 2, "exit code 3\nhint: look"),
        Case("x", Outcome.ERROR, 0, "gone"),
        Case("y", Outcome.SKIPPED),
    ]
    report = Report("wine", cases, "t", started=datetime(2024, 5, 6, 7, 8, 9, tzinfo=timezone.utc))

    top = ElementTree.fromstring(junit.render(report))

    counts = {"tests": "4", "failures": "1", "errors": "1", "skipped": "1", "time": "3.500"}
    assert top.attrib == {"name": "mlproj", **counts}
    assert top[0].attrib == {"name": "wine", **counts, "timestamp": "2024-05-06T07:08:09"}
    main, train, x, _y = top[0]
    assert main.attrib == {"classname": "wine", "name": "main", "time": "1.500"}
    assert main.findtext("system-out") == "ok\n"
    assert (
        train[0].attrib == {"message": "exit code 3", "type": "failed"} and train[0].text == "exit code 3\nhint: look"
    )
    assert x[0].tag == "error"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[1;31mred\x1b[0m \x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "red link"),
        ("10%\r20%\r\nend\0", "10%\n20%\nend"),
        ("\x1b]0;never closed", "0;never closed"),
        ("grüße 𝄞 \ufffe\x85", "grüße 𝄞 \x85"),
    ],
)
def test_what_drives_a_terminal_is_left_out_and_text_stays(text: str, expected: str) -> None:
    top = ElementTree.fromstring(junit.render(Report("s", [Case("c", Outcome.PASSED, output=text)], "t")))

    assert top.findtext(".//system-out") == expected
