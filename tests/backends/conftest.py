"""Jobs for the tests of backends."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from mlproj.backends.base import Job
from tests.backends.driver import Driver

MakeJob = Callable[..., Job]
StartDriver = Callable[..., Driver]


@pytest.fixture
def make_job(tmp_path: Path) -> MakeJob:
    def make(script: str, **options: Any) -> Job:
        settings: dict[str, Any] = {
            "run_id": f"run-{tmp_path.name}-{os.getpid()}",
            "log_dir": tmp_path / "run",
            "echo": "nowhere",
            **options,
        }
        return Job(argv=("bash", "-c", script), cwd=tmp_path, environ=dict(os.environ), **settings)

    return make


@pytest.fixture
def drive(tmp_path: Path) -> StartDriver:
    def start(script: str, **options: Any) -> Driver:
        return Driver(tmp_path, script, **options)

    return start
