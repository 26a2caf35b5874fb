"""What the system itself says about processes."""

from __future__ import annotations

import os
import select
import subprocess
import time
from pathlib import Path


def is_alive(pid: int) -> bool:
    """Whether *pid* runs; a zombie does not."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, check=False).stdout.strip()
    return bool(state) and not state.startswith(b"Z")


def await_end(pid: int, patience: float = 60.0) -> None:
    """Return when *pid* has ended; it need not be our child."""
    if hasattr(os, "pidfd_open"):
        try:
            descriptor = os.pidfd_open(pid)
        except ProcessLookupError:
            return
        try:
            assert select.select([descriptor], [], [], patience)[0], f"process {pid} is still there"
        finally:
            os.close(descriptor)
        return
    give_up = time.monotonic() + patience
    while is_alive(pid):
        assert time.monotonic() < give_up, f"process {pid} is still there"
        time.sleep(0.02)


def watchers(run_id: str) -> list[int]:
    """The watchdogs of run *run_id*."""
    listing = subprocess.run(
        ["ps", "-A", "-ww", "-o", "pid=,stat=,args="], capture_output=True, check=True, text=True
    ).stdout
    rows = [line.split(None, 2) for line in listing.splitlines()]
    return [
        int(row[0])
        for row in rows
        if len(row) == 3 and not row[1].startswith("Z") and "mlproj-watchdog" in row[2] and f" {run_id} " in row[2]
    ]


def open_descriptors() -> int:
    """How many files this process holds open."""
    return len(list(Path("/dev/fd").iterdir()))
