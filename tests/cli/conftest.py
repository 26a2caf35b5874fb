from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from mlproj.cli import failure
from mlproj.cli.main import _run
from tests.program import Result

Cli = Callable[..., Result]


@pytest.fixture
def cli(capsys: pytest.CaptureFixture[str]) -> Cli:
    """``mlproj ARGUMENTS`` in this process, with everything but the fast path of ``--version``."""

    def call(*arguments: str | Path) -> Result:
        capsys.readouterr()
        code = failure.guard(_run, [str(argument) for argument in arguments])
        out, err = capsys.readouterr()
        return Result(code, out, err)

    return call
