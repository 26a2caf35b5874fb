"""Images from a real registry on this machine: pulled when missing, pinned by what they are, told when they cannot be had."""

from __future__ import annotations

import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlproj import paths
from tests.containers.base_image import TAG
from tests.containers.conftest import asked
from tests.containers.test_run import run_json
from tests.mlflow_server import free_port
from tests.program import mlproj, project

CONFIG = """
version: 0.1
storage: {{filesystem: {{rootdirectory: {folder}/kept}}}}
http: {{addr: "127.0.0.1:{port}"}}
"""


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a registry that keeps nothing yet; plain HTTP, which engines take on this machine only."""
    port = free_port()
    (tmp_path / "registry.yml").write_text(CONFIG.format(folder=tmp_path, port=port))
    (tmp_path / "registries.conf").write_text(f'[[registry]]\nlocation = "127.0.0.1:{port}"\ninsecure = true\n')
    monkeypatch.setenv("CONTAINERS_REGISTRIES_CONF", str(tmp_path / "registries.conf"))
    with subprocess.Popen(["docker-registry", "serve", tmp_path / "registry.yml"], stderr=subprocess.DEVNULL) as process:
        deadline = time.monotonic() + 20
        while not _answers(port):
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.05)
        yield f"127.0.0.1:{port}"
        process.terminate()


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/", timeout=5):
            return True
    except (urllib.error.URLError, OSError):
        return False


def derived(engine: str, name: str, text: str, tmp_path: Path) -> None:
    """Push an image with a file ``/which`` that holds *text*, and forget it here."""
    (tmp_path / "Dockerfile").write_text(f"FROM {TAG}\nRUN echo {text} > /which\n")
    asked(engine, "build", "--quiet", "--tag", name, "--file", str(tmp_path / "Dockerfile"), str(tmp_path))
    asked(engine, "push", "--quiet", name)
    asked(engine, "rmi", "--force", name)


@pytest.mark.needs("docker-registry")
def test_an_image_is_pulled_when_it_is_missing_and_pinned_by_its_digest(engine: str, registry: str, tmp_path: Path) -> None:
    name = f"{registry}/team/image:1"
    derived(engine, name, "first", tmp_path)
    text = f"docker_env: {{image: '{name}'}}\nentry_points: {{main: {{command: 'cat /which'}}}}\n"
    folder = project(tmp_path / "p", text)
    assert mlproj("run", folder, "--offline").code == 73

    _, run = run_json(folder)
    image = run["environment"]["image"]
    assert output(run) == "first\n" and run["environment"]["reused"] is False
    assert image["digest"].startswith(f"{registry}/team/image@sha256:")

    derived(engine, name, "second", tmp_path)  # the tag moves
    pinned = project(tmp_path / "pinned", text.replace(name, image["digest"]))
    _, again = run_json(pinned)
    assert output(again) == "first\n" and again["environment"]["image"]["id"] == image["id"]
    _, newer = run_json(folder)
    assert output(newer) == "second\n" and newer["environment"]["image"]["digest"] != image["digest"]
    _, there = run_json(folder)
    assert there["environment"]["reused"] is True

    derived_again = f"{registry}/team/image:1"
    asked(engine, "pull", "--quiet", derived_again)
    always = project(tmp_path / "always", text.replace(f"'{name}'", f"'{name}', pull: always"))
    _, asked_anew = run_json(always)
    assert output(asked_anew) == "second\n" and asked_anew["environment"]["reused"] is False
    for one in (name, image["digest"]):
        subprocess.run([engine, "rmi", "--force", one], capture_output=True, check=False)


def output(run: dict[str, str]) -> str:
    return (paths.run_dir(run["run_id"]) / "output.log").read_text()


@pytest.mark.needs("docker-registry")
def test_an_image_that_the_registry_has_not_is_told(engine: str, registry: str, tmp_path: Path) -> None:
    text = f"docker_env: {{image: '{registry}/none:1'}}\nentry_points: {{main: {{command: 'true'}}}}\n"
    done = mlproj("run", project(tmp_path / "p", text))
    assert done.code == 73 and "cannot be had" in done.err and "slip in its name" in done.err
    assert mlproj("runs", "list", "--json").document["runs"][0]["status"] == "FAILED"
