"""What an earlier run, or a package, fixes beforehand: the environment as its lock says, and values of parameters."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from mlproj.dataclass import dataclass, field


@dataclass(frozen=True)
class Locked:
    """What was recorded of an environment. ``of`` names for people where it comes from.

    ``kind`` and ``manager`` are those of the record, ``python`` the version that was used, ``as_of`` the moment (UTC) that packages
    were resolved at. ``lock`` is the file that names every package, None where nothing was locked; ``image`` what is known of a
    container's image. ``kept`` is the lock as it is to be kept with the run, where ``lock`` names files of this machine: of packages
    that came along. ``interpreter`` is the program of a Python that did.
    """

    of: str
    kind: str
    manager: str
    python: str | None = None
    as_of: datetime | None = None
    lock: Path | None = None
    image: Mapping[str, Any] = field(default_factory=dict)
    kept: Path | None = None
    interpreter: Path | None = None


@dataclass(frozen=True)
class Given:
    """What comes with the files of a package: its environment, and the entry point and parameters of the run that it was made of.

    ``notes`` are for people.
    """

    locked: Locked | None = None
    entry_point: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
