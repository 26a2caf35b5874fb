"""What the tests of tracking share."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import lack
from tests.heard import Heard


@pytest.fixture
def told() -> Heard:
    return Heard()


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of one megabyte; only root can mount one."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    if (
        not mount
        or subprocess.run(
            [mount, "-t", "tmpfs", "-o", "size=1m", "tmpfs", disk], capture_output=True, check=False
        ).returncode
    ):
        lack("cannot mount a small disk here")
    try:
        yield disk
    finally:
        subprocess.run(["umount", "-l", disk], check=True)
