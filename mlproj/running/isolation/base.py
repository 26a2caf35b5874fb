"""How a command is kept apart from this machine: one protocol for every kind."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from mlproj.backends.base import Job, StandIn
from mlproj.environments.base import Network, Prepared
from mlproj.foundation.dataclass import dataclass
from mlproj.foundation.progress import Progress

HERE = Network("127.0.0.1", "127.0.0.1")
"""How a process of this machine reaches a server of ours."""


@dataclass(frozen=True)
class Sandbox:
    """What the sandbox is made ``by``, and what it does not keep the command from, a line each, for people."""

    by: str
    not_confined: tuple[str, ...]


@dataclass(frozen=True)
class Reach:
    """What of its run a command reaches: the run's folder, the folder for artifacts, the ``port`` of the run's tracking
    server here, and the address of the ``store`` of runs, from which a sandbox keeps it away. ``stand_in`` answers at
    other ports, where the command has a network of its own."""

    run_dir: Path
    artifacts: Path
    port: int
    store: str | None
    stand_in: StandIn | None = None


class Isolation(Protocol):
    """Where the command of a run is put. ``writes_here``: whether it can write where the run's files are on this
    machine."""

    writes_here: bool

    def network(self, prepared: Prepared) -> Network:
        """How its programs reach a server of ours."""

    def inherited(self, prepared: Prepared) -> dict[str, str]:
        """The variables of ours that the command gets, as the *prepared* environment changes them."""

    def placed(
        self, job: Job, prepared: Prepared, reach: Reach, progress: Progress
    ) -> AbstractContextManager[Callable[[], Job]]:
        """What puts *job* where it is to run and returns it ready for a backend; what it needs there lasts as long as
        the block."""
