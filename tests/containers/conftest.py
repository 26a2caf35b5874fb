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
    if not has(name):
        lack(f"{name} is not on this machine, or does not answer")
    monkeypatch.setenv("MLPROJ_CONTAINER_ENGINE", name)
    base_image.make(name)
    yield name
    made = subprocess.run(
        [name, "image", "ls", "--quiet", "--filter", f"label={image.label()}"], capture_output=True, text=True, check=True
    )
    for identity in {*made.stdout.split()}:
        subprocess.run([name, "image", "rm", "--force", identity], capture_output=True, check=False)


def containers(engine: str) -> list[str]:
    """The names of the containers of this test's runs, running or not."""
    command = [engine, "ps", "--all", "--filter", f"label=mlproj.home={paths.home()}", "--format", "{{.Names}}"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()


def asked(engine: str, *arguments: str) -> str:
    """What the engine answers."""
    return subprocess.run([engine, *arguments], check=True, capture_output=True, text=True).stdout.strip()
