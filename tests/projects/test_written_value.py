"""Defaults that YAML reads as something else than what stands there."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlproj import projects


def command(tmp_path: Path, kind: str, written: str) -> tuple[str, list[str]]:
    """What the command gets for the default *written*, and what is said about it."""
    text = f"entry_points: {{main: {{command: 'echo {{a}}', parameters: {{a: {{{kind}default: {written}}}}}}}}}"
    found = projects.parse(text, tmp_path)
    bound = projects.bind(found.entry_points["main"], {}, cwd=tmp_path, project_dir=tmp_path)
    return bound.text.removeprefix("echo "), [str(one) for one in found.warnings]


@pytest.mark.parametrize("kind", ["type: string, ", "type: str, ", ""])
@pytest.mark.parametrize("written", ["1.10", "0x1F", "12:30:00", "010", "1_000", "0.50"])
def test_a_text_keeps_the_number_that_was_written(tmp_path: Path, kind: str, written: str) -> None:
    given, said = command(tmp_path, kind, written)

    assert given == written
    assert len(said) == 1 and f"the command gets {written}; put it in quotes" in said[0]


@pytest.mark.parametrize(("written", "given"), [("yes", "True"), ("no", "False"), ("on", "True")])
def test_a_truth_value_stays_what_mlflow_makes_of_it_and_is_told(tmp_path: Path, written: str, given: str) -> None:
    found, said = command(tmp_path, "type: string, ", written)

    assert found == given
    assert f"YAML reads {written} as the truth value {given.lower()}, and the command gets {given}" in said[0]


@pytest.mark.parametrize(
    ("kind", "written", "given"), [("int", "010", "8"), ("int", "12:30", "750"), ("float", "12:30.5", "750.5")]
)
def test_a_number_that_is_another_one_to_people_is_told(tmp_path: Path, kind: str, written: str, given: str) -> None:
    found, said = command(tmp_path, f"type: {kind}, ", written)

    assert found == given
    assert f"write {given}" in said[0]


@pytest.mark.parametrize(
    ("kind", "written", "given"),
    [
        *(("float", "1.10", "1.1"), ("int", "0x1F", "31"), ("int", "1_000", "1000"), ("bool", "yes", "True")),
        *(
            ("string", "1.1", "1.1"),
            ("string", "False", "False"),
            ("string", "false", "False"),
            ("string", "2024-01-01", "2024-01-01"),
        ),
    ],
)
def test_what_surprises_nobody_is_passed_over_in_silence(tmp_path: Path, kind: str, written: str, given: str) -> None:
    assert command(tmp_path, f"type: {kind}, ", written) == (given, [])


def test_choices_are_compared_with_what_was_written(tmp_path: Path) -> None:
    text = "entry_points: {main: {command: 'echo {a}', parameters: {a: {type: string, choices: [1.10, 010]}}}}"
    point = projects.parse(text, tmp_path).entry_points["main"]

    assert point.parameters["a"].choices == ("1.10", "010")
    assert projects.bind(point, {"a": "1.10"}, cwd=tmp_path, project_dir=tmp_path).text == "echo 1.10"
