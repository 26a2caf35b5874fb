from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from mlproj.foundation import paths
from mlproj.sources import workspace

HOLD = (
    "import sys; from mlproj.sources import workspace; folder, _ = workspace.new(); print(folder, flush=True);"
    " sys.stdin.read()"
)


def holder() -> tuple[subprocess.Popen[str], Path]:
    """A process that owns a checkout until its input ends."""
    process = subprocess.Popen([sys.executable, "-c", HOLD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


def test_what_a_killed_process_left_is_swept_by_the_next() -> None:
    process, folder = holder()
    (folder / "file").touch()
    process.send_signal(signal.SIGKILL)
    process.communicate()

    new, release = workspace.new()

    assert not folder.exists()
    assert new.is_dir()
    release()
    assert list(paths.checkouts().iterdir()) == []


def test_what_a_living_process_works_in_is_left_alone() -> None:
    process, folder = holder()
    (folder / "file").touch()

    assert workspace.sweep() == 0
    assert (folder / "file").exists()
    process.communicate("")
    assert workspace.sweep() == 1
    assert not folder.exists()


def test_sweeping_follows_no_links(tmp_path: Path) -> None:
    (tmp_path / "precious").mkdir()
    (tmp_path / "precious" / "file").touch()
    paths.checkouts().mkdir(parents=True)
    (paths.checkouts() / "1-0.lock").touch()
    (paths.checkouts() / "1-0").mkdir()
    (paths.checkouts() / "1-0" / "link").symlink_to(tmp_path / "precious")

    assert workspace.sweep() == 1
    assert (tmp_path / "precious" / "file").exists()


def test_a_lock_that_cannot_be_opened_is_left(tmp_path: Path) -> None:
    (paths.checkouts() / "x.lock").mkdir(parents=True)

    assert workspace.sweep() == 0


def test_a_checkout_can_be_seen_by_its_owner_only() -> None:
    folder, release = workspace.new()

    assert folder.stat().st_mode & 0o077 == 0
    assert folder.name.startswith(f"{os.getpid()}-")
    release()
