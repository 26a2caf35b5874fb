from __future__ import annotations

import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlproj.environments.containers import image
from mlproj.foundation import paths
from tests.conftest import has, lack
from tests.containers import base_image
from tests.containers.model_folder import greeter
from tests.mlflow_server import free_port
from tests.program import mlproj

MODEL_IMAGE = "mlproj-test-model"
_CONFIG = """
version: 0.1
storage: {{filesystem: {{rootdirectory: {folder}/kept}}}}
http: {{addr: "127.0.0.1:{port}"}}
"""


@pytest.fixture(params=["docker", "podman"])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Each real engine, with the base image; nothing of a run may be left in it."""
    name = str(request.param)
    usable(name)
    monkeypatch.setenv("MLPROJ_CONTAINER_ENGINE", name)
    yield name
    forgotten(name, paths.cache())


def usable(engine: str) -> None:
    """Make the base image, or lack the engine."""
    if not has(engine):
        lack(f"{engine} is not on this machine, or does not answer")
    base_image.make(engine)


def forgotten(engine: str, cache: Path) -> None:
    """Remove the images that were made for *cache*."""
    for identity in {*asked(engine, "image", "ls", "--quiet", "--filter", f"label={image.label(cache)}").split()}:
        subprocess.run([engine, "image", "rm", "--force", identity], capture_output=True, check=False)


def containers(engine: str) -> list[str]:
    """The names of the containers of this test's runs, running or not."""
    command = [engine, "ps", "--all", "--filter", f"label=mlproj.home={paths.home()}", "--format", "{{.Names}}"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


def images(engine: str) -> list[str]:
    """The names of the images that were made for this test's cache."""
    named = ("--format", "{{.Repository}}:{{.Tag}}", "--filter", f"label={image.label()}")
    return asked(engine, "image", "ls", *named).split()


def asked(engine: str, *arguments: str) -> str:
    """What the engine answers."""
    return subprocess.run([engine, *arguments], check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture(scope="session")
def model_images(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, dict[str, Any]]]:
    """What was said of the images of two models, one that says hello and then one that says bye, which docker has."""
    usable("docker")
    made = {}
    names = {word: f"{MODEL_IMAGE}:{word}" for word in ("hello", "bye")}
    folders = {name: tmp_path_factory.mktemp(name) for name in ("home", "cache")}
    env = {"MLPROJ_HOME": str(folders["home"]), "MLPROJ_CACHE": str(folders["cache"])}
    try:
        for word, name in names.items():
            model = greeter(tmp_path_factory.mktemp(word) / "m", word)
            options = ("--image", name, "--base", base_image.TAG, "--force", "--json")
            done = mlproj("models", "package", model, *options, env=env)
            assert done.code == 0, done.out + done.err
            made[word] = done.document["image"]
        yield made
    finally:
        for name in names.values():
            subprocess.run(["docker", "image", "rm", "--force", name], capture_output=True, check=False)
        forgotten("docker", folders["cache"])


@pytest.fixture
def left_nothing() -> Iterator[None]:
    """Afterwards the images of environments that the test made are gone."""
    yield
    forgotten("docker", paths.cache())


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a registry that keeps nothing yet; plain HTTP, which engines take on this machine only."""
    port = free_port()
    (tmp_path / "registry.yml").write_text(_CONFIG.format(folder=tmp_path, port=port))
    insecure(port, tmp_path, monkeypatch)
    with subprocess.Popen(
        ["docker-registry", "serve", tmp_path / "registry.yml"], stderr=subprocess.DEVNULL
    ) as process:
        deadline = time.monotonic() + 20
        while not _answers(port):
            assert time.monotonic() < deadline and process.poll() is None
            time.sleep(0.05)
        yield f"127.0.0.1:{port}"
        process.terminate()


def insecure(port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let podman take plain HTTP of *port*, too."""
    with (tmp_path / "registries.conf").open("a") as file:
        file.write(f'[[registry]]\nlocation = "127.0.0.1:{port}"\ninsecure = true\n')
    monkeypatch.setenv("CONTAINERS_REGISTRIES_CONF", str(tmp_path / "registries.conf"))


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/v2/", timeout=5):
            return True
    except (urllib.error.URLError, OSError):
        return False
