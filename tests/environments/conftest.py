"""A package index of the test's own, and a way to ask for an environment from plain requirements."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from mlproj.environments.base import Declaration, Prepared, Request
from mlproj.environments.declarations.requirements import Requirements
from mlproj.environments.python import environment
from mlproj.environments.python.environment import PythonEnvironment
from tests import package_index
from tests.heard import Heard
from tests.package_index import Index


@pytest.fixture
def progress() -> Heard:
    return Heard()


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    """The only index that uv and pip know in this test; packages are cached in a folder of the test's own."""
    for name in [name for name in os.environ if name.startswith(("UV_", "PIP_"))]:
        monkeypatch.delenv(name)
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv-cache"))
    monkeypatch.setenv("UV_NO_CONFIG", "1")
    with package_index.serve() as running:
        monkeypatch.setenv("UV_DEFAULT_INDEX", running.url)
        yield running


ResolveRequest = Callable[..., PythonEnvironment]


@pytest.fixture
def ask(tmp_path: Path, progress: Heard) -> ResolveRequest:
    """``ask("six==1.0", as_of="2020-01-01", …)``: the environment decided for these requirements in
    ``tmp_path/project``."""

    def decide(
        *packages: str, requirements: Requirements | None = None, root: Path | None = None, **request: Any
    ) -> PythonEnvironment:
        folder = root or tmp_path / "project"
        folder.mkdir(exist_ok=True)
        wanted = replace(
            requirements or Requirements(python=_THIS), packages=packages or (requirements or Requirements()).packages
        )
        asked = Request(project_dir=folder, root=folder, **request)
        return environment.for_requirements(
            asked, Declaration("requirements", folder / "requirements.txt", "in the test"), wanted, progress
        )

    return decide


def _this() -> str:
    import sys

    return f"{sys.version_info[0]}.{sys.version_info[1]}"


_THIS = _this()


def run(prepared: Prepared, *argv: str) -> str:
    """What a command says in an environment; fails the test when it fails."""
    import subprocess

    done = subprocess.run(argv, env=prepared.apply(os.environ), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=timezone.utc)
