"""The environment of an earlier run, or of a package, as its lock says: to be made again exactly."""

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
    container's image. ``packages`` is a folder with the files of all packages, for a machine without network; ``interpreter`` the
    program of a Python that came along.
    """

    of: str
    kind: str
    manager: str
    python: str | None = None
    as_of: datetime | None = None
    lock: Path | None = None
    image: Mapping[str, Any] = field(default_factory=dict)
    packages: Path | None = None
    interpreter: Path | None = None
