"""``mlproj runs diff`` over real runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.program import Result, mlproj, project
from tests.sources.repository import commit

PROJECT = (
    "entry_points: {main: {parameters: {alpha: float}, command: 'echo score={alpha} >> $MLPROJ_METRICS; cat note >"
    " out.txt'}}\n"
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A project in Git of which two commits were run with two values, from a URL."""
    place = project(tmp_path / "p", PROJECT, note="one\n")
    for name, value, text in (("one", "0.5", "one\n"), ("two", "0.25", "two\n")):
        commit(place, {"note": text})
        assert mlproj("run", f"git+file://{place}", "-P", f"alpha={value}", "--run-name", name, "--trust").code == 0
    return place


def diff(*arguments: str) -> Result:
    return mlproj("runs", "diff", *arguments)


@pytest.mark.usefixtures("folder")
def test_causes_come_before_effects_and_the_likeliest_is_named() -> None:
    shown, document = diff("one", "two"), diff("one", "two", "--json").document

    lines = shown.out.splitlines()
    assert shown.code == 0
    assert next(line for line in lines if line.startswith("  code: ")).endswith(", 1 file changed")
    assert "    note  +1 -1" in lines
    assert "  parameters: 1 parameter differs: alpha 0.5 -> 0.25" in lines
    assert ["score", "0.5", "0.25", "-0.25", "-50", "%"] in [line.split() for line in lines]
    assert lines[-1].startswith("likeliest cause: code, then parameters")
    assert document["schema"] == 1
    assert document["causes"][0]["files"] == [{"path": "note", "added": 1, "removed": 1}]
    assert [cause["state"] for cause in document["causes"] if cause["name"] in ("inputs", "platform", "variables")] == [
        "same"
    ] * 3
    assert {effect["name"]: effect["relative"] for effect in document["effects"]} == {"score": -0.5, "out.txt": None}
    assert document["conclusion"] == lines[-1]


@pytest.mark.usefixtures("folder")
def test_wrong_names_of_runs_are_usage_errors() -> None:
    assert diff("one", "nothing").code == 2
    same = diff("one", "one")
    assert same.code == 2 and "are the same run" in same.err
    assert diff("one").code == 2
