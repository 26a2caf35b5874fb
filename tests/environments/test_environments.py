from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mlproj import environments
from mlproj.environments.base import Declaration, Request
from mlproj.foundation.errors import EnvironmentFailure, InvalidProject, UsageError
from mlproj.foundation.progress import Silent
from tests.heard import Heard


def _request(folder: Path, manager: str, declared: Declaration | None = None) -> Request:
    return Request(project_dir=folder, root=folder, manager=manager, declared=declared)


def test_local_runs_in_the_current_environment(tmp_path: Path) -> None:
    environment = environments.resolve(_request(tmp_path, "local", Declaration("docker_env")), Silent())
    assert (environment.description.kind, environment.description.key) == ("system", None)
    assert "the declared one is not made" in environment.description.notes[0]
    assert environment.is_ready()
    prepared = environment.prepare(Silent())
    assert prepared.reused
    assert prepared.apply({"PATH": "/bin", "X": "1"}) == {"PATH": "/bin", "X": "1"}


def test_a_project_that_declares_and_imports_nothing_runs_in_the_current_environment(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("import json\n")
    assert environments.resolve(_request(tmp_path, "auto"), Silent()).description.kind == "system"


def test_a_manager_that_cannot_make_what_is_declared_says_what_to_use_instead(tmp_path: Path) -> None:
    docker = Declaration("docker_env", options={"image": "x"})
    hints = {
        "docker": "docker_env: {image: …}",
        "uv": "--env-manager local",
        "virtualenv": "--env-manager local",
        "conda": "--env-manager",
    }
    for manager, hint in hints.items():
        with pytest.raises(EnvironmentFailure) as failure:
            environments.resolve(_request(tmp_path, manager, None if manager == "docker" else docker), Silent())
        assert failure.value.exit_code == 73
        assert failure.value.hint is not None and hint in failure.value.hint


@pytest.mark.parametrize("manager", ["auto", "uv", "local"])
def test_a_program_in_r_without_r_is_told_before_anything_is_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, manager: str
) -> None:
    (tmp_path / "fit.R").write_text("print(1)\n")
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    for fields in ({"script": tmp_path / "fit.R", "command": "Rscript fit.R"}, {"command": "Rscript -e 'print(1)'"}):
        request = Request(project_dir=tmp_path, root=tmp_path, manager=manager, **fields)
        with pytest.raises(EnvironmentFailure, match="Rscript is not on PATH") as failure:
            environments.resolve(request, Silent())
        assert "--in-container=r-base" in str(failure.value.hint)


def test_an_unknown_manager_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as failure:
        environments.resolve(_request(tmp_path, "pixi"), Silent())
    assert failure.value.hint is not None and "virtualenv" in failure.value.hint


@pytest.mark.parametrize(
    ("cache", "here", "shown"),
    [("cache", ".", "p/sub/"), ("cache", "p/sub", ""), ("cache", "other", "../p/sub/"), (".", "other", "sub/")],
)
def test_files_are_named_from_where_people_stand_and_in_a_checkout_from_its_root(
    tmp_path: Path, progress: Heard, monkeypatch: pytest.MonkeyPatch, cache: str, here: str, shown: str
) -> None:
    top, tmp_path = tmp_path, tmp_path / "p"
    file = tmp_path / "sub" / "python_env.yaml"
    file.parent.mkdir(parents=True)
    (top / "other").mkdir()
    monkeypatch.setenv("MLPROJ_CACHE", str(top / cache))
    monkeypatch.chdir(top / here)
    request = replace(_request(tmp_path, "auto", Declaration("python_env", file)), offline=True)

    file.write_text("pyhton: '3.10'\ndependencies: 3\n")
    with pytest.raises(InvalidProject) as failure:
        environments.resolve(request, progress)
    file.write_text("pyhton: '3.10'\ndependencies: []\n")
    environments.resolve(request, progress)

    assert str(failure.value) == f"{shown}python_env.yaml:2:15: 'dependencies' must be a list"
    assert progress.warnings == [f"{shown}python_env.yaml:1:1: unknown key 'pyhton', did you mean 'python'?"]
