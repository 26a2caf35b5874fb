"""The protocol of every kind of isolation: how a command is kept apart from this machine."""

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
"""The network of a process on this machine: the loopback."""


@dataclass(frozen=True)
class Sandbox:
    """A sandbox as it is shown: the program that it is made ``by``, and a line for each thing that it does
    not keep the command from."""

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
    """Decides where the command of a run runs. ``writes_here``: whether the program can write to the run's files at
    the paths they have on this machine."""

    writes_here: bool

    def network(self, prepared: Prepared) -> Network:
        """How the command's programs reach a server of this process."""

    def inherited(self, prepared: Prepared) -> dict[str, str]:
        """The variables of this process that the command gets, as the *prepared* environment changes them."""

    def isolated(
        self, job: Job, prepared: Prepared, reach: Reach, progress: Progress
    ) -> AbstractContextManager[Callable[[], Job]]:
        """Yield a function that prepares *job* to run in isolation and returns it for a backend. What the job needs
        there lasts as long as the block."""
