from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from mlproj import paths
from mlproj.environments.containers import image
from tests.conftest import has, lack
from tests.containers import base_image


@pytest.fixture(params=["docker", "podman"])
def engine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Each real engine, with the base image; nothing of a run may be left in it."""
    name = str(request.param)
    usable(name)
    monkeypatch.setenv("MLPROJ_CONTAINER_ENGINE", name)
    yield name
    forgotten(name)


def usable(engine: str) -> None:
    """Make the base image, or lack the engine."""
    if not has(engine):
        lack(f"{engine} is not on this machine, or does not answer")
    base_image.make(engine)


def forgotten(engine: str) -> None:
    """Remove the images that were made for this test's cache."""
    for identity in {*asked(engine, "image", "ls", "--quiet", "--filter", f"label={image.label()}").split()}:
        subprocess.run([engine, "image", "rm", "--force", identity], capture_output=True, check=False)


def containers(engine: str) -> list[str]:
    """The names of the containers of this test's runs, running or not."""
    command = [engine, "ps", "--all", "--filter", f"label=mlproj.home={paths.home()}", "--format", "{{.Names}}"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


def asked(engine: str, *arguments: str) -> str:
    """What the engine answers."""
    return subprocess.run([engine, *arguments], check=True, capture_output=True, text=True).stdout.strip()
