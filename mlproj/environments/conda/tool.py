"""What solves and installs conda packages: one protocol for py-rattler and for the programs of the user's."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Protocol

from mlproj.environments.conda.credentials import Credentials
from mlproj.environments.conda.locked import Package
from mlproj.foundation.dataclass import dataclass
from mlproj.foundation.errors import EnvironmentFailure, ServiceError

RATTLER = "rattler"
NAMES = ("micromamba", "mamba", "conda")
"""Programs that do it, the fastest first."""
MANAGERS = ("conda", RATTLER)
"""What ``--env-manager`` says to have conda's packages and nothing else."""


class ChannelUnreachable(ServiceError):
    """A channel cannot be asked, or who asks it does not work."""


class Unsolvable(EnvironmentFailure):
    """No packages of the channels fulfil what is asked for."""


@dataclass(frozen=True)
class Access:
    """How channels are asked: with the *credentials* of their addresses and those that the user keeps for the tool, or
    (``offline``) not at all."""

    credentials: Credentials
    offline: bool


class Tool(Protocol):
    """Solves and installs conda packages."""

    @property
    def name(self) -> str:
        """``rattler``, ``conda``, ``mamba`` or ``micromamba``."""

    def can_leave_out_newer(self) -> bool:
        """Whether it can solve with the packages that there were at some moment."""

    def solve(
        self, addresses: Sequence[str], specs: Sequence[str], moment: datetime | None, access: Access
    ) -> list[Package]:
        """The packages that fulfil *specs*, each from the first of the channels that has any of its name (strict
        priority).

        Packages that came after *moment* are left out. Raises ChannelAway, Unsolvable.
        """

    def described(self, addresses: Sequence[str], access: Access) -> list[Package]:
        """The packages at explicit *addresses* (``URL#hash``). Raises EnvironmentFailure."""

    def install(self, packages: Sequence[Package], staging: Path, final: Path, access: Access) -> None:
        """Put *packages* into the folder *staging*, which will be moved to *final*. Raises EnvironmentFailure."""
