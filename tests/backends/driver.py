"""A small mlproj for fault tests: one job, signals passed on, the outcome told in a file.

``python -m tests.backends.driver RESULT JSON``; RESULT is written when the job is over.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from mlproj.backends.base import Job
from mlproj.backends.local import LocalBackend

REPOSITORY = Path(__file__).parents[2]


def main() -> None:
    result, options = Path(sys.argv[1]), json.loads(sys.argv[2])
    if "file_size" in options:
        resource.setrlimit(resource.RLIMIT_FSIZE, (options["file_size"], resource.RLIM_INFINITY))
    submission = LocalBackend().submit(job_of(options))

    def pass_on(number: int, _frame: FrameType | None) -> None:
        submission.interrupt(number)

    if options.get("handlers", True):
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, pass_on)
    outcome = submission.wait()
    told = {
        **outcome.__dict__,
        "usage": outcome.usage and outcome.usage.__dict__,
        "peak_kib": _peak(),
    }
    partial = result.with_suffix(".part")
    partial.write_text(json.dumps(told))
    partial.rename(result)


def _peak() -> int:
    """The most memory that this program had. What getrusage(2) tells on Linux counts the process that it was forked
    from, too."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return int(status.partition("VmHWM:")[2].split()[0])


def job_of(options: dict[str, Any]) -> Job:
    return Job(
        run_id=options["run_id"],
        argv=tuple(options["argv"]),
        cwd=Path("/"),
        environ=dict(os.environ),
        log_dir=Path(options["log_dir"]),
        timeout=options.get("timeout"),
        grace=options.get("grace", 30.0),
        echo=options.get("echo", "streams"),
    )


def command(result: Path, **options: Any) -> list[str]:
    """The command line that runs this program."""
    return [sys.executable, "-m", "tests.backends.driver", str(result), json.dumps(options)]


class Driver:
    """This program, started on a shell command, with its streams in our hands."""

    def __init__(
        self, folder: Path, script: str, *, run_id: str = "outer", popen: dict[str, Any] | None = None, **options: Any
    ) -> None:
        self.result = folder / f"{run_id}.json"
        self.log_dir = folder / run_id
        self.run_id = run_id
        arguments = command(
            self.result, run_id=run_id, argv=["bash", "-c", script], log_dir=str(self.log_dir), **options
        )
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **(popen or {})}
        self.process: subprocess.Popen[bytes] = subprocess.Popen(arguments, cwd=REPOSITORY, **streams)

    def numbers(self) -> list[int]:
        """The next line of the job's output, as numbers."""
        assert self.process.stdout is not None
        return [int(word) for word in self.process.stdout.readline().split()]

    def line(self) -> bytes:
        """The next line of the job's output."""
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def outcome(self) -> dict[str, Any]:
        """How the job ended, when it has."""
        _, errors = self.process.communicate()
        assert self.result.exists(), errors
        told: dict[str, Any] = json.loads(self.result.read_text())
        return told


if __name__ == "__main__":
    main()
