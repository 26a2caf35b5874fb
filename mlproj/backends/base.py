"""What a backend is: takes a job, hands back a submission that can be waited for, followed and cancelled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from mlproj.foundation.dataclass import dataclass

if TYPE_CHECKING:
    import socket

LASTING = 0.5
"""Seconds that a job has to live before anything starts that a short job can do without."""


@dataclass(frozen=True)
class Job:
    """A command with everything it needs, ready for a backend.

    ``argv`` is executed as it is (``["bash", "-c", …]`` for an entry point) with exactly the variables of ``environ``.
    ``log_dir`` receives ``output.log`` and ``output.index``. ``timeout`` and ``grace`` are seconds; ``grace`` is the
    time between asking the processes to end and killing them. ``echo`` says where the output is also shown: each
    stream on ours of the same name (``streams``), both on our stderr (``stderr``), or ``nowhere``.

    Where the command does not run as a process of this machine (in a container), three fields stand in for what cannot
    be done to processes here. ``send_signal`` sends a signal to it and returns whether it could; it is tried before
    the processes here get the signal. ``on_end`` removes what is left of it when no process here is left, and returns
    what is known of its end beyond an exit code. ``cleanup_argv`` is a command line that removes it when mlproj itself
    was killed. ``is_measured`` is False then: the processes here are not those of the command.

    ``on_lasting`` is called with the pid, where there is one, once the job has lived for ``LASTING`` seconds: what a
    short job can do without begins there. ``descriptors`` are open files that the command inherits. ``start_sign`` is a
    file that the command's shell empties when the command begins (see :mod:`mlproj.run_folder.start_sign`), None where
    nothing tells that. ``encloser`` is the program that makes a sandbox for the command, by the name that its own
    errors begin with: where that fails before the command begins, starting the job once more may do.
    """

    run_id: str
    argv: tuple[str, ...]
    cwd: Path
    environ: Mapping[str, str]
    log_dir: Path
    timeout: float | None = None
    grace: float = 10.0
    echo: str = "streams"
    on_lasting: Callable[[int | None], object] | None = None
    on_end: Callable[[], str | None] | None = None
    send_signal: Callable[[int], bool] | None = None
    cleanup_argv: tuple[str, ...] = ()
    descriptors: tuple[int, ...] = ()
    is_measured: bool = True
    start_sign: Path | None = None
    encloser: str | None = None


@dataclass(frozen=True)
class Usage:
    """What a job used in all: seconds of processors, and at its peak bytes of memory (of its largest process)."""

    cpu_seconds: float
    peak_memory: int


@dataclass(frozen=True)
class Outcome:
    """How a job ended. ``exit_code`` is what a shell would show (128 + n for signal n).

    ``stopped_by`` is None when the job ended by itself, else ``"timeout"``, ``"cancelled"`` or ``"signal"`` (with
    ``signal_number``: the one that we received and passed on, or that someone else killed the command with).
    ``notes`` are faults that did not stop the job and belong in its record, such as a log cut by a full disk. ``usage``
    is that of the processes that somebody waited for, where it is known. ``explanation`` is what is known of the end
    beyond its exit code. ``has_begun`` tells whether the command itself was started, by its sign: without one, whatever
    it was handed to ended in its place, and an exit code of 0 is no success. None where the job has no sign.
    """

    exit_code: int
    stopped_by: str | None = None
    signal_number: int | None = None
    notes: tuple[str, ...] = ()
    usage: Usage | None = None
    explanation: str | None = None
    has_begun: bool | None = None


class Submission(Protocol):
    """A job that was handed over."""

    @property
    def pid(self) -> int | None:
        """The process on this machine, where there is one."""

    def wait(self) -> Outcome:
        """Wait for the end. No process of the job is left when this returns."""

    def cancel(self) -> None:
        """Ask the job to end, from any thread; after the grace time it is killed. Returns at once."""

    def interrupt(self, signal_number: int) -> None:
        """Pass on a signal that we received; after the grace time (or at the second signal) the job is killed."""


class Backend(Protocol):
    """A place where jobs run."""

    def submit(self, job: Job) -> Submission:
        """Start the job. Raises ServiceError when the backend is out of reach."""


class StandIn(Protocol):
    """Answers what a command with a network of its own says to ``ports`` of its loopback."""

    @property
    def ports(self) -> tuple[int, ...]:
        """The ports that are listened at."""

    def accept(self, connection: socket.socket) -> None:
        """Take a connection to one of them."""
