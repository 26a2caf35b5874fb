"""``mlproj ci init``: the files are read and their lines really run."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from tests.cli.ci_files import runner
from tests.cli.conftest import Cli
from tests.program import project
from tests.sources.repository import commit

HOSTILE = "it's; $(touch pwned) `touch pwned` ${{ secrets.X }} \"'\n"
PROJECT = {
    "entry_points": {
        "main": {
            "command": "echo score={alpha} >> $MLPROJ_METRICS; echo x > out.txt",
            "parameters": {"alpha": {"default": 0.5}},
        },
        HOSTILE: {"command": "exit 3"},
        "needy": {"command": "echo {word}", "parameters": {"word": "string"}},
    }
}

TEXT = yaml.safe_dump(PROJECT, sort_keys=False)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with a project in a folder whose name is hostile too."""
    folder = tmp_path / "repository"
    commit(folder, {"a b'${{ x }}/MLproject": TEXT, "README": ""})
    return folder


def written(cli: Cli, kind: str, folder: Path) -> dict[str, Any]:
    result = cli("ci", "init", kind, folder)
    assert result.code == 0, result.err
    file = Path(result.out.partition("\n")[0].removeprefix("written: "))
    document: dict[str, Any] = yaml.safe_load(file.read_text())
    return document


def assert_junit(place: Path, name: str, failures: str) -> None:
    top = ElementTree.parse(place / ".mlproj/reports" / name).getroot()
    assert (top.attrib["failures"], top.attrib["errors"]) == (failures, "0")


def test_a_workflow_of_github_checks_runs_and_compares(cli: Cli, repository: Path, tmp_path: Path) -> None:
    document = written(cli, "github", repository / "a b'${{ x }}")
    main, hostile = document["jobs"]["run"]["strategy"]["matrix"]["include"]
    base = tmp_path / "base"

    def run(job: str, matrix: dict[str, Any], name: str, event: str) -> runner.Job:
        return runner.github(document, job, matrix, repository, tmp_path / name, base, event)

    check = run("check", {}, "check", "push")
    assert check.succeeded and "## check of" in check.summary, check.said
    first = run("run", main, "first", "push")
    assert first.succeeded and "Compared" not in first.summary, first.said
    commit(repository, {"a b'${{ x }}/MLproject": TEXT.replace("0.5", "0.25")})
    second = run("run", main, "second", "pull_request")
    assert second.succeeded, second.said
    assert "\n    likeliest cause: code, then parameters" in second.summary
    assert "code: the code differs: commits" in second.summary and "uncommitted" not in second.summary
    failed = run("run", {**hostile, "number": 2}, "failed", "push")
    assert not failed.succeeded and "with exit code 3" in failed.summary, failed.said

    assert_junit(check.place, "check.xml", "0")
    assert_junit(second.place, "run.xml", "0")
    assert_junit(failed.place, "run.xml", "1")
    assert len(list((second.place / ".mlproj/home/runs").iterdir())) == 1
    assert not list(tmp_path.rglob("pwned"))


def test_a_pipeline_of_gitlab_checks_runs_and_compares(cli: Cli, repository: Path, tmp_path: Path) -> None:
    document = written(cli, "gitlab", repository / "a b'${{ x }}")
    base = tmp_path / "base"

    def run(job: str, name: str, policy: str) -> runner.Job:
        return runner.gitlab(document, job, repository, tmp_path / name, base, policy)

    check, first = run("check", "check", "pull"), run("run main", "first", "pull-push")
    commit(repository, {"a b'${{ x }}/MLproject": TEXT.replace("0.5", "0.25")})
    second, failed = run("run main", "second", "pull"), run("run entry point 2", "failed", "pull")

    assert check.succeeded and first.succeeded and second.succeeded, check.said + first.said + second.said
    assert "\n    likeliest cause: code, then parameters" in second.summary and "Compared" not in first.summary
    assert not failed.succeeded and "with exit code 3" in failed.summary, failed.said
    assert_junit(failed.place, "run.xml", "1")
    assert not list(tmp_path.rglob("pwned"))


def test_only_what_needs_no_parameters_is_run_unless_it_is_chosen(cli: Cli, tmp_path: Path) -> None:
    folder = project(tmp_path / "p", TEXT, script__py="print()\n")

    def chosen(*arguments: str) -> Any:
        return cli("ci", "init", "github", folder, "--print", "--json", *arguments).document

    assert chosen()["entry_points"] == ["main", HOSTILE]
    assert chosen("-e", "main", "-e", "script.py", "-e", "main")["entry_points"] == ["main", "script.py"]
    assert chosen("-e", "needy")["error"]["message"] == "the entry point 'needy' cannot be run without a value for word"
    assert chosen("-e", "mian")["error"]["exit_code"] == 2
    assert not (folder / ".github").exists()


@pytest.mark.parametrize(("kind", "name"), [("github", ".github/workflows/mlproj.yml"), ("gitlab", ".gitlab-ci.yml")])
def test_a_file_that_is_there_is_replaced_by_force_only(cli: Cli, tmp_path: Path, kind: str, name: str) -> None:
    folder = project(tmp_path / "p", "entry_points: {main: {command: 'true'}}\n")
    file = folder / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text("mine\n")

    refused = cli("ci", "init", kind, folder)
    assert (refused.code, file.read_text()) == (2, "mine\n")
    assert str(file) in refused.err and "--force" in refused.err
    assert cli("ci", "init", kind, folder, "--print").out.startswith("# Written by") and file.read_text() == "mine\n"
    replaced = cli("ci", "init", kind, folder, "--force")
    assert replaced.out.splitlines() == [f"written: {file}", "it runs: 'main'"]
    assert file.read_text() == cli("ci", "init", kind, folder, "--print").out


def test_environments_are_kept_by_the_files_that_they_follow(cli: Cli, tmp_path: Path) -> None:
    folder = project(
        tmp_path / "p", "conda_env: conda.yaml\nentry_points: {main: {command: python a.py}}\n", conda__yaml="name: x\n"
    )

    github, gitlab = (yaml.safe_load(cli("ci", "init", kind, folder, "--print").out) for kind in ("github", "gitlab"))

    steps = github["jobs"]["run"]["steps"]
    keys = [step["with"]["key"] for step in steps if step.get("uses") == "actions/cache@v4"]
    assert len(keys) == 1 and keys[0].endswith("${{ hashFiles('MLproject', 'conda.yaml') }}")
    assert gitlab["run main"]["cache"][0]["key"]["files"] == ["MLproject", "conda.yaml"]
    assert any("mlproj[conda]" in step.get("run", "") for step in steps)


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        (
            "entry_points: {main: {command: 'echo {x}', parameters: {x: int}}}\n",
            2,
            "no entry point that can be run without parameters",
        ),
        ("entry_points: 3\n", 65, "entry_points"),
    ],
)
def test_what_cannot_be_run_is_told_and_nothing_is_written(
    cli: Cli, tmp_path: Path, text: str, code: int, message: str
) -> None:
    folder = project(tmp_path / "p", text)

    result = cli("ci", "init", "gitlab", folder)

    assert (result.code, [path.name for path in folder.iterdir()]) == (code, ["MLproject"])
    assert message in result.err


def test_a_project_elsewhere_and_an_unknown_service_are_usage_errors(cli: Cli, tmp_path: Path) -> None:
    assert cli("ci", "init", "github", "https://example.org/p.git").code == 2
    assert cli("ci", "init", "jenkins").code == 2
    (tmp_path / ".github").write_text("")
    result = cli("ci", "init", "github", project(tmp_path, "entry_points: {main: {command: 'true'}}\n"))
    assert result.code == 69 and "cannot be written" in result.err
