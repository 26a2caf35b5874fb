"""Choosing an entry point by name, or without one."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlproj import projects
from mlproj.foundation.errors import UsageError
from mlproj.projects.base import Project
from tests.projects.building import project


def refusal(found: Project, name: str | None) -> UsageError:
    with pytest.raises(UsageError) as caught:
        projects.resolve_entry_point(found, name)
    return caught.value


def declaring(directory: Path, *names: str) -> Project:
    return project(directory, "entry_points:\n" + "".join(f"  {name}: {{command: ls}}\n" for name in names))


def test_main_is_the_default(tmp_path: Path) -> None:
    assert projects.resolve_entry_point(declaring(tmp_path, "train", "main")).name == "main"


def test_the_only_one_is_taken_when_there_is_no_main(tmp_path: Path) -> None:
    assert projects.resolve_entry_point(declaring(tmp_path, "train")).name == "train"
    assert "no entry point called 'main'" in refusal(declaring(tmp_path, "train"), "main").message


def test_without_main_the_declared_ones_are_listed(tmp_path: Path) -> None:
    error = refusal(declaring(tmp_path, "train", "test"), None)

    assert error.message == "there is no entry point called 'main'"
    assert error.hint == "declared: train, test; choose one with -e, such as -e train"


def test_a_slip_is_recognised(tmp_path: Path) -> None:
    assert refusal(declaring(tmp_path, "train", "test"), "trian").message.endswith("did you mean 'train'?")


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("x.py", "python x.py"),
        ("sub/a b.py", "python 'sub/a b.py'"),
        ("x.sh", "/bin/zsh x.sh"),
        ("x.R", "Rscript x.R"),
        ("{n}.py", "python '{n}.py'"),
    ],
)
def test_a_script_is_an_entry_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, command: str) -> None:
    monkeypatch.setenv("SHELL", "/bin/zsh")
    (tmp_path / "sub").mkdir()
    (tmp_path / name).write_text("")

    point = projects.resolve_entry_point(projects.load(tmp_path), name)

    assert point.script == tmp_path / name
    assert projects.bind(point, {"n": "1"}, cwd=tmp_path, project_dir=tmp_path).text == f"{command} --n 1"


def test_a_shell_script_runs_with_bash_where_no_shell_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SHELL", raising=False)
    (tmp_path / "x.sh").write_text("")

    assert projects.resolve_entry_point(projects.load(tmp_path), "x.sh").command == "bash x.sh"


def test_a_declared_entry_point_wins_over_a_script(tmp_path: Path) -> None:
    (tmp_path / "x.py").write_text("")

    assert projects.resolve_entry_point(declaring(tmp_path, "x.py"), "x.py").command == "ls"


@pytest.mark.parametrize("name", ["../x.py", "/etc/x.py", "sub/../../x.py"])
def test_a_script_outside_of_the_project_is_refused(tmp_path: Path, name: str) -> None:
    assert "outside of the project" in refusal(projects.load(tmp_path), name).message


def test_a_missing_script_is_told_with_those_there(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("")

    error = refusal(projects.load(tmp_path), "trian.py")

    assert error.message == "there is no entry point and no script called 'trian.py'; did you mean 'train.py'?"
    assert error.hint == "scripts there: train.py; run one with -e, such as -e train.py"
    assert "no script called" in refusal(projects.load(tmp_path), "a\0.py").message


def test_a_project_in_a_subfolder_is_pointed_at(tmp_path: Path) -> None:
    (tmp_path / "MLProject").mkdir()
    (tmp_path / "MLProject" / "MLproject").write_text("name: x\n")

    error = refusal(projects.load(tmp_path), None)

    assert error.message == "the folder has no MLproject file, so there is no entry point 'main'"
    assert error.hint == "there is a project in MLProject: add #MLProject to the source"


def test_an_empty_folder_says_so(tmp_path: Path) -> None:
    assert refusal(projects.load(tmp_path), None).hint == "run a script of the project with -e SCRIPT.py"
