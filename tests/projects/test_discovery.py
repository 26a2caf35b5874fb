"""Which file makes a folder a project."""

from __future__ import annotations

from pathlib import Path

import pytest

from mlproj import projects
from mlproj.projects.discovery import find, projects_below
from mlproj.projects.file_system import names


@pytest.mark.parametrize(
    "name", ["MLproject", "MLProject", "mlproject", "MLPROJECT", "MLproject.yaml", "mlproject.yml"]
)
def test_the_name_may_be_in_any_case_and_end_in_yaml(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("name: x\n")

    assert find(tmp_path) == (tmp_path / name, ())


@pytest.mark.parametrize("name", ["MLproject.txt", "MLprojects", "my.MLproject", "MLproject.json"])
def test_other_names_do_not_count(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text("name: x\n")

    assert find(tmp_path) == (None, ())


def test_of_several_the_one_that_mlflow_documents_wins_with_a_warning(tmp_path: Path) -> None:
    for name in ("MLproject.yaml", "mlproject", "MLProject", "MLproject"):
        (tmp_path / name).write_text("name: x\n")

    found = projects.load(tmp_path)

    assert found.file == tmp_path / "MLproject"
    assert "MLProject, mlproject, MLproject.yaml is there too and ignored" in str(found.warnings[0])


def test_a_folder_of_that_name_is_none(tmp_path: Path) -> None:
    (tmp_path / "MLProject").mkdir()
    (tmp_path / "MLProject" / "MLproject").write_text("name: x\n")
    (tmp_path / ".hidden").mkdir()

    assert find(tmp_path) == (None, ())
    assert projects_below(tmp_path) == ["MLProject"]


def test_a_folder_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert find(tmp_path / "nowhere") == (None, ())
    assert names(tmp_path / "nowhere") == []
