"""--in-container: projects that declare no container, in images that are made of their environments."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from mlproj.foundation import paths
from tests import tiny_package
from tests.containers import base_image
from tests.containers.base_image import PYTHON, TAG
from tests.containers.conftest import asked, containers, forgotten, images
from tests.program import mlproj
from tests.r_repository import Repository, lock, record

MAIN = "import os, sys, tiny; print(tiny.x, tiny.__file__, sys.prefix, os.getuid())\n"


def project(folder: Path, dependency: str = "./tiny", main: str = MAIN) -> Path:
    (folder / "tiny").mkdir(parents=True)
    for name, content in tiny_package.files().items():
        (folder / name).write_text(content)
    (folder / "MLproject").write_text(
        "python_env: python_env.yaml\nentry_points: {main: {command: 'python main.py'}}\n"
    )
    (folder / "python_env.yaml").write_text(f"python: '{PYTHON}'\ndependencies: ['{dependency}']\n")
    (folder / "main.py").write_text(main)
    return folder


def run(folder: Path, *arguments: str, env: dict[str, str] | None = None) -> tuple[str, dict[str, Any]]:
    done = mlproj("run", folder, *arguments, "--json", env=env)
    assert done.code == 0, done.err
    record = done.document["run"]
    return (paths.run_dir(record["run_id"]) / "output.log").read_text(), record


def test_a_python_project_runs_in_an_image_of_its_environment(engine: str, tmp_path: Path) -> None:
    folder = project(tmp_path / "p")
    out, record = run(folder, f"--in-container={TAG}")
    assert out == f"tiny /opt/mlproj/env/lib/python{PYTHON}/site-packages/tiny.py /opt/mlproj/env {os.getuid()}\n"
    environment = record["environment"]
    assert (environment["kind"], environment["manager"], environment["reused"]) == ("container", engine, False)
    assert (
        environment["lock"] == "pylock.toml"
        and 'name = "tiny"' in (paths.run_dir(record["run_id"]) / "pylock.toml").read_text()
    )
    assert str(tmp_path) not in (paths.run_dir(record["run_id"]) / "pylock.toml").read_text()
    assert environment["image"]["base"]["name"] == TAG and environment["image"]["name"].startswith(
        f"mlproj-env:{environment['key']}-"
    )
    anew = run(folder, f"--in-container={TAG}", "--rebuild")[1]["environment"]
    assert anew["reused"] is False and anew["image"]["id"] != environment["image"]["id"]
    environment = anew
    again = run(folder, f"--in-container={TAG}")[1]["environment"]
    assert again["reused"] is True and again["image"]["id"] == environment["image"]["id"]
    # Whoever has the image needs no mlproj.
    assert (
        asked(engine, "run", "--rm", environment["image"]["id"], "python", "-c", "import tiny; print(tiny.x)") == "tiny"
    )
    left = asked(engine, "run", "--rm", environment["image"]["id"], "find", f"/tmp/{tmp_path.parts[2]}", "-type", "f")
    assert left == "", "what was only needed to install is in the image"
    assert [name.removeprefix("localhost/") for name in images(engine)] == [environment["image"]["name"]]
    planned = mlproj("run", folder, f"--in-container={TAG}", "--dry-run")
    assert f"in a container of {TAG}, run by {engine}" in planned.out and "environment is ready" in planned.out


@pytest.mark.parametrize("dependency", ["./tiny", "-e ./tiny"])
def test_code_that_is_installed_is_the_codes_of_now(engine: str, tmp_path: Path, dependency: str) -> None:
    folder = project(tmp_path / "with space", dependency)
    assert run(folder, f"--in-container={TAG}")[0].startswith("tiny /opt/")
    (folder / "tiny" / "tiny.py").write_text("x = 'changed'\n")
    assert run(folder, f"--in-container={TAG}")[0].startswith("changed /opt/")
    assert sorted(place.name for place in (folder / "tiny").iterdir()) == ["backend.py", "pyproject.toml", "tiny.py"]


def test_a_conda_project_runs_in_an_image_of_its_environment(
    engine: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.conda_channel import PLACEHOLDER, Channel

    channel = Channel(tmp_path / "channels" / "main")
    channel.python()
    channel.library("tiny", "7", "x = 'of conda'\n")
    channel.add("tool", "3", {"bin/tool": f"#!/bin/sh\necho tool of {PLACEHOLDER}\n"})
    channel.add(
        "greeter",
        "1",
        {"etc/conda/activate.d/greet.sh": 'export GREETING="hello from $CONDA_PREFIX"\n'},
        noarch="generic",
    )
    channel.index()
    monkeypatch.delenv("MLPROJ_CONDA")
    monkeypatch.setenv("MLPROJ_CONDA_CHANNEL_ALIAS", channel.folder.parent.as_uri())
    folder = project(
        tmp_path / "p", main=MAIN + "print(os.environ['GREETING'], os.environ['MINE'], flush=True); os.system('tool')\n"
    )
    (folder / "MLproject").write_text("conda_env: conda.yaml\nentry_points: {main: {command: 'python main.py'}}\n")
    text = "channels: [main]\ndependencies: [python, tiny, tool, greeter]\nvariables: {MINE: 'a b'}\n"
    (folder / "conda.yaml").write_text(text)
    out, record = run(folder, f"--in-container={TAG}")
    first, second, third = out.splitlines()
    assert first.startswith("of conda /opt/mlproj/env/lib/") and second == "hello from /opt/mlproj/env a b"
    assert third == "tool of /opt/mlproj/env"
    assert record["environment"]["lock"] == "conda.lock.txt" and record["environment"]["kind"] == "container"
    assert run(folder, f"--in-container={TAG}")[1]["environment"]["reused"] is True


def test_without_an_environment_the_image_is_used_as_it_is(engine: str, tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "MLproject").write_text("entry_points: {main: {command: 'pwd; ls'}}\n")
    out, record = run(tmp_path / "p", f"--in-container={TAG}")
    assert out == "/mlflow/projects/code\nMLproject\n" and record["environment"]["image"]["name"] == TAG
    again = mlproj("reproduce", "last")
    assert again.code == 0, again.err
    refused = mlproj("run", tmp_path / "p", "--in-container")
    assert refused.code == 2 and "--in-container=python:3.11" in refused.err


def test_what_cannot_be_is_told(engine: str, tmp_path: Path) -> None:
    folder = project(tmp_path / "p")
    local = mlproj("run", folder, f"--in-container={TAG}", "--env-manager=local")
    assert local.code == 2 and "are both given" in local.err
    assert mlproj("run", folder, "--in-container=a b").code == 2
    dockerfile = f"FROM {TAG}\nRUN rm /usr/bin/python3*\n"
    subprocess.run(
        [engine, "build", "-t", "mlproj-test:none", "-"], input=dockerfile, text=True, check=True, capture_output=True
    )
    lacking = mlproj("run", folder, "--in-container=mlproj-test:none")
    assert lacking.code == 73 and f"the image has no Python {PYTHON}" in lacking.err and "Traceback" not in lacking.err
    asked(engine, "image", "rm", "mlproj-test:none")
    (folder / "python_env.yaml").write_text(f"python: '{PYTHON}'\ndependencies: [./broken]\n")
    (folder / "tiny").rename(folder / "broken")
    (folder / "broken" / "backend.py").write_text(tiny_package.BROKEN)
    broken = mlproj("run", folder, f"--in-container={TAG}")
    assert broken.code == 73 and "it cannot be built" in broken.err
    assert containers(engine) == [] and images(engine) == []
    (folder / "MLproject").write_text(f"docker_env: {{image: '{TAG}'}}\nentry_points: {{main: {{command: 'true'}}}}\n")
    declared = mlproj("run", folder, f"--in-container={TAG}")
    assert declared.code == 2 and "declare no container" in declared.err


def test_prune_removes_what_is_not_used(engine: str, tmp_path: Path) -> None:
    folder = project(tmp_path / "p")
    run(folder, f"--in-container={TAG}")
    asked(engine, "create", "--name", "mlproj-build-0123-45", "--label", f"mlproj.image={paths.cache()}", TAG, "true")
    assert mlproj("env", "prune", "--older-than", "1h", "--json").document["images"] == [] and len(images(engine)) == 1
    assert "mlproj-build-0123-45" not in asked(engine, "ps", "--all", "--format", "{{.Names}}").split()
    assert "removed 1 image of container engines" in mlproj("env", "prune").out
    assert images(engine) == []
    assert run(folder, f"--in-container={TAG}")[1]["environment"]["reused"] is False


@pytest.mark.needs("docker", "Rscript")
def test_a_project_in_r_runs_in_an_image_of_its_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLPROJ_CONTAINER_ENGINE", "docker")
    image = base_image.make_r("docker")
    repository = Repository(tmp_path / "cran")
    repository.add("top", "1.0", "x <- function() paste('top with', leaf::x())\n", needs="Imports: leaf\n")
    repository.add("leaf", "2.0", archived=True)
    folder = tmp_path / "p"
    folder.mkdir()
    (folder / "renv.lock").write_text(lock(repository.url, record("leaf", "2.0"), record("top", "1.0")))
    (folder / "main.R").write_text("cat(top::x(), system.file(package = 'leaf'), fill = 200)\n")
    planned = mlproj("run", folder, "-e", "main.R", "--in-container", "--dry-run", env={"PATH": _without_r(tmp_path)})
    assert "R 4.2.1; in a container of rocker/r-ver:4.2.1, run by docker" in planned.out, planned.err
    try:
        out, made = run(folder, "-e", "main.R", f"--in-container={image}", "--offline")
        assert out.split() == ["top", "with", "leaf", "2.0", "/opt/mlproj/env/library/leaf"]
        assert made["environment"]["lock"] == "renv.lock"
        assert run(folder, "-e", "main.R", f"--in-container={image}")[1]["environment"]["reused"] is True
        failed = mlproj("run", folder, "-e", "main.R", f"--in-container={base_image.make('docker')}")
        assert failed.code == 73 and "the image has no R" in failed.err
    finally:
        forgotten("docker", paths.cache())


def _without_r(tmp_path: Path) -> str:
    """A PATH with docker and bash and without R."""
    (tmp_path / "bin").mkdir()
    for name in ("docker", "bash"):
        (tmp_path / "bin" / name).symlink_to(str(shutil.which(name)))
    return str(tmp_path / "bin")
