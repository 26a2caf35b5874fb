"""Runs in containers done again: in the very image, and with the very packages."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlproj.foundation import paths
from tests.containers.base_image import TAG
from tests.containers.conftest import asked, forgotten, usable
from tests.containers.test_in_container import project as python_project
from tests.containers.test_in_container import run
from tests.program import Result, mlproj, project


@pytest.fixture
def docker(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """One engine will do: nothing here is an engine's own."""
    usable("docker")
    monkeypatch.setenv("MLPROJ_CONTAINER_ENGINE", "docker")
    yield "docker"
    forgotten("docker", paths.cache())


def reproduce(run_id: str, *arguments: str) -> tuple[Result, dict[str, Any]]:
    done = mlproj("reproduce", run_id, *arguments, "--json")
    return done, done.document


def locks(name: str, *run_ids: str) -> set[bytes]:
    return {(paths.run_dir(run_id) / name).read_bytes() for run_id in run_ids}


def test_an_image_that_was_built_here_is_used_again_by_what_it_contains(docker: str, tmp_path: Path) -> None:
    text = "docker_env: {dockerfile: Dockerfile}\nentry_points: {main: {command: 'cat /which > out'}}\n"
    folder = project(tmp_path / "p", text, Dockerfile=f"FROM {TAG}\nRUN echo one > /which\n")
    _, made = run(folder)
    (folder / "Dockerfile").write_text(f"FROM {TAG}\nRUN echo two > /which\n")

    done, document = reproduce(made["run_id"], "--times", "2")
    assert done.code == 0, done.err + done.out
    again = [one["run_id"] for one in document["reproduction"]["runs"]]
    assert len(locks("image.json", made["run_id"], *again)) == 1

    asked(docker, "image", "rm", "--force", made["environment"]["image"]["id"])
    gone, document = reproduce(made["run_id"])
    assert gone.code == 73 and "came from no registry" in document["error"]["message"]


def test_packages_in_an_image_are_those_of_the_lock(docker: str, tmp_path: Path) -> None:
    folder = python_project(tmp_path / "p", "-e ./tiny", "import tiny; open('out', 'w').write(tiny.x)\n")
    _, made = run(folder, f"--in-container={TAG}")
    (folder / "tiny" / "tiny.py").write_text("x = 'changed'\n")

    done, document = reproduce(made["run_id"])
    assert done.code == 0, done.err + done.out
    assert len(locks("pylock.toml", made["run_id"], document["reproduction"]["runs"][0]["run_id"])) == 1


def test_an_image_that_was_used_as_it_is_is_used_again(docker: str, tmp_path: Path) -> None:
    folder = project(tmp_path / "p", "entry_points: {main: {command: 'pwd > out; echo $PYTHONHASHSEED >> out'}}\n")
    _, made = run(folder, f"--in-container={TAG}", env={"PYTHONHASHSEED": "7"})
    assert (folder / "out").read_text() == "/mlflow/projects/code\n\n", "a container is given nothing of ours"
    done, document = reproduce(made["run_id"])
    assert done.code == 0, done.err + done.out
    assert len(locks("image.json", made["run_id"], document["reproduction"]["runs"][0]["run_id"])) == 1
