"""What a backend is: takes a job, hands back a submission that can be waited for, followed and cancelled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from mlproj.foundation.dataclass import dataclass

if TYPE_CHECKING:
    import socket

LASTING = 0.5
"""Seconds that a job is to live before anything begins that a short one can do without."""


@dataclass(frozen=True)
class Job:
    """A command with everything it needs, ready to be handed over.

    ``argv`` is executed as it is (``["bash", "-c", …]`` for an entry point). ``environ`` is the whole environment.
    ``log_dir`` receives ``output.log`` and ``output.index``. ``timeout`` and ``grace`` are seconds; ``grace`` is the
    time between asking the processes to end and ending them. ``echo`` says where the output is shown while it comes:
    each stream on ours of the same name (``streams``), both on our stderr (``stderr``), or ``nowhere``.
    ``over`` is called by whoever waits when no process of it is left, and ``rescue`` is a command line that is run when
    mlproj was killed: they end what of the job is no process of ours, such as a container. ``over`` returns what is
    known of that one's end beyond its exit code.
    ``pass_on`` gives such a job a signal, and tells whether it could; it is asked for before its processes here are.
    ``when_lasting`` is called with the pid, where there is one, when the job has lived for ``LASTING`` seconds, by
    whoever waits for it: what a short job can do without begins there. ``descriptors`` are open files of ours that the
    command is to have as well. ``is_measured`` is False where the processes that can be measured are not those of the
    command, which works elsewhere.
    """

    run_id: str
    argv: tuple[str, ...]
    cwd: Path
    environ: Mapping[str, str]
    log_dir: Path
    timeout: float | None = None
    grace: float = 10.0
    echo: str = "streams"
    when_lasting: Callable[[int | None], object] | None = None
    over: Callable[[], str | None] | None = None
    pass_on: Callable[[int], bool] | None = None
    rescue: tuple[str, ...] = ()
    descriptors: tuple[int, ...] = ()
    is_measured: bool = True


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
    beyond its exit code.
    """

    exit_code: int
    stopped_by: str | None = None
    signal_number: int | None = None
    notes: tuple[str, ...] = ()
    usage: Usage | None = None
    explanation: str | None = None


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
