"""``--junit-xml`` and ``--summary`` of real commands."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.program import Result, mlproj, project

PROJECT = """entry_points:
  main:
    parameters: {word: {type: string, default: a|b}}
    command: "echo \\"rmse=0.5\\" >> $MLPROJ_METRICS; echo said {word}; echo x > out.txt"
  bad: {command: "echo '\\x1b[31mboom\\x1b[0m' >&2; exit 7"}
  slow: {command: "sleep 30"}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return project(tmp_path / "wine", PROJECT)


def run(folder: Path, *arguments: str, **env: str) -> tuple[Result, ElementTree.Element, str]:
    xml, text = folder.parent / "report.xml", folder.parent / "summary.md"
    result = mlproj("run", folder, "--junit-xml", xml, "--summary", text, *arguments, env=env)
    return result, ElementTree.fromstring(xml.read_bytes()), text.read_text()


def test_a_run_that_finished_is_one_passed_case_with_its_tables(folder: Path) -> None:
    result, xml, summary = run(folder)

    (case,) = xml.iter("testcase")
    assert result.code == 0
    assert case.attrib.items() >= {"classname": "wine", "name": "main"}.items() and float(case.attrib["time"]) > 0
    assert [child.tag for child in case] == ["system-out"] and case.findtext("system-out") == "said a|b\n"
    assert summary.startswith("## main of wine: FINISHED\n")
    for row in ("| word | a\\|b |", "| rmse | 0.5 |", "| out.txt | 2 B |"):
        assert row in summary
    assert "system/" not in summary


def test_a_run_that_failed_says_its_code_and_the_end_of_its_output(folder: Path) -> None:
    result, xml, summary = run(folder, "-e", "bad")

    (case,) = xml.iter("testcase")
    assert result.code == 7
    assert (xml.attrib["failures"], case[0].tag) == ("1", "failure")
    assert case[0].attrib["message"].startswith("ended FAILED with exit code 7")
    assert case.findtext("system-out") == "boom\n"
    assert "```text\nboom\n```" in summary


def test_a_run_that_took_too_long_failed(folder: Path) -> None:
    result, xml, _summary = run(folder, "-e", "slow", "--timeout", "200ms", "--grace", "1s")

    assert result.code == 124
    assert "timed out after 0.2 s" in next(xml.iter("failure")).attrib["message"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["-e", "mian"], "did you mean 'main'?"), (["-P", "no-such"], "no-such"), (["-v", "v1"], "v1")],
)
def test_what_cannot_be_started_is_written_as_an_error(folder: Path, arguments: list[str], message: str) -> None:
    result, xml, summary = run(folder, *arguments)

    assert (result.code, xml.attrib["errors"]) == (2, "1")
    assert message in (next(xml.iter("error")).text or "")
    assert "could not be done" in summary


def test_an_environment_that_cannot_be_made_is_an_error(folder: Path) -> None:
    (folder / "requirements.txt").write_text("no-such-package-at-all==1\n")

    result, xml, _summary = run(folder, "--offline")

    assert result.code == 73
    assert "no-such-package-at-all" in (next(xml.iter("error")).text or "")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--junit-xml", "nowhere/x.xml"], "the folder nowhere does not exist"),
        (["--summary", "."], "is a directory"),
        (["--junit-xml", "same", "--summary", "./same"], "both name"),
        (["--summary", "x.md", "--dry-run"], "--dry-run runs nothing"),
    ],
)
def test_files_that_make_no_sense_are_told_before_anything_runs(
    folder: Path, arguments: list[str], message: str
) -> None:
    result = mlproj("run", folder, *arguments, cwd=folder)

    assert result.code == 2 and message in result.err
    assert not (folder / "out.txt").exists()


def test_a_file_that_cannot_be_written_does_not_hide_how_the_run_ended(folder: Path) -> None:
    result = mlproj("run", folder, "-e", "bad", "--junit-xml", "/dev/full", "--json")

    assert result.code == 69
    assert result.document["error"]["message"].startswith(
        "/dev/full cannot be written: No space left on device; the run "
    )
    assert "ended FAILED with exit code 7" in result.document["error"]["message"]
    assert mlproj("runs", "show", "last", "--json").document["run"]["exit_code"] == 7


def test_a_file_that_cannot_be_written_does_not_hide_what_kept_the_run_from_starting(folder: Path) -> None:
    result = mlproj("run", folder, "-e", "nothing", "--summary", "/dev/full")

    assert result.code == 2
    assert "warning: /dev/full cannot be written" in result.err and "'nothing'" in result.err


def test_a_file_is_replaced_and_the_summary_of_a_github_job_is_added_to(folder: Path, tmp_path: Path) -> None:
    for name in ("report.xml", "step.md"):
        (tmp_path / name).write_text("before\n")
    (tmp_path / "link.md").symlink_to(tmp_path / "step.md")

    for _time in range(2):
        arguments = ("--junit-xml", tmp_path / "report.xml", "--summary", tmp_path / "link.md", "--strict")
        assert mlproj("check", folder, *arguments, env={"GITHUB_STEP_SUMMARY": str(tmp_path / "step.md")}).code == 0

    assert "before" not in (tmp_path / "report.xml").read_text()
    assert (tmp_path / "step.md").read_text().count("before\n\n## check of ") == 1
    assert (tmp_path / "step.md").read_text().count("## check of ") == 2
    assert (tmp_path / "link.md").is_symlink()


def test_each_check_is_a_case(folder: Path, tmp_path: Path) -> None:
    text = (
        "entry_points:\n  main: {command: python gone.py}\n  bad: {command: 'echo {nmae}', parameters: {name:"
        " string}}\n"
    )
    project(folder, text)

    result = mlproj("check", folder, "--junit-xml", tmp_path / "r.xml", "--offline", "--json")
    xml = ElementTree.parse(tmp_path / "r.xml").getroot()
    strict = mlproj("check", folder, "--junit-xml", tmp_path / "strict.xml", "--offline", "--strict")

    assert result.code == strict.code == 65
    assert [case.attrib["name"] for case in xml.iter("testcase")] == [
        "project", "entry point main", "entry point bad", "environment", "what the code needs", "imports",
    ]  # fmt: skip
    assert xml.attrib["failures"] == "1"
    assert "did you mean 'name'?" in (next(xml.iter("failure")).text or "")
    assert ElementTree.parse(tmp_path / "strict.xml").getroot().attrib["failures"] == "2"


def test_a_check_of_nothing_is_an_error(tmp_path: Path) -> None:
    result = mlproj("check", tmp_path / "nothing", "--junit-xml", tmp_path / "r.xml")

    assert result.code == 66
    assert ElementTree.parse(tmp_path / "r.xml").getroot().attrib["errors"] == "1"


def test_secrets_are_in_neither_file_even_when_the_program_prints_them(folder: Path) -> None:
    project(
        folder, "entry_points: {main: {command: 'echo $MY_TOKEN {api_key}; exit 1', parameters: {api_key: string}}}\n"
    )

    _result, xml, summary = run(folder, "-P", "api_key=quiet-quiet", MY_TOKEN="hush-hush")

    assert xml.findtext(".//system-out") == "**** ****\n"
    assert "-hush" not in summary and "-quiet" not in summary


def test_findings_are_shown_also_when_a_file_cannot_be_written(folder: Path) -> None:
    project(folder, "entry_points: {main: {command: 'echo {nmae}', parameters: {name: string}}}\n")

    result = mlproj("check", folder, "--summary", "/dev/full")

    assert result.code == 69
    assert "did you mean 'name'?" in result.err and "1 of 5 checks failed" in result.err
