from __future__ import annotations

from pathlib import Path

import pytest

from mlproj import environments
from mlproj.environments.base import Declaration, Request
from mlproj.errors import EnvironmentFailure, UsageError
from mlproj.progress import Silent


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


def test_containers_and_conda_say_what_to_use_instead(tmp_path: Path) -> None:
    docker = Declaration("docker_env", options={"image": "x"})
    for manager, declared in (("docker", None), ("auto", docker), ("uv", docker), ("conda", None)):
        with pytest.raises(EnvironmentFailure) as failure:
            environments.resolve(_request(tmp_path, manager, declared), Silent())
        assert failure.value.exit_code == 73
        assert failure.value.hint is not None and "--env-manager local" in failure.value.hint


def test_an_unknown_manager_lists_the_known_ones(tmp_path: Path) -> None:
    with pytest.raises(UsageError) as failure:
        environments.resolve(_request(tmp_path, "pixi"), Silent())
    assert failure.value.hint is not None and "virtualenv" in failure.value.hint
