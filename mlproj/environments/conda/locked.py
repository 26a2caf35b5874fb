"""The packages of a conda environment by address and hash: what solving results in, and what is installed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any

from mlproj.foundation.dataclass import dataclass

NAME = "conda.lock.txt"
EXPLICIT = "@EXPLICIT"
PIP = "# pip "
"""What a line begins with that holds a requirement for pip; to conda a comment."""


@dataclass(frozen=True)
class Package:
    """One package, its addresses without credentials. ``record`` is what its channel says of it, as plain data; hashes
    are hexadecimal."""

    url: str
    channel: str
    record: Mapping[str, Any]

    @property
    def name(self) -> str:
        """Its name."""
        return str(self.record["name"])

    @property
    def version(self) -> str:
        """Its version."""
        return str(self.record["version"])

    @property
    def sha256(self) -> str | None:
        """SHA-256 of its file."""
        return self.record.get("sha256")

    @property
    def md5(self) -> str | None:
        """MD5 of its file, which old channels alone have."""
        return self.record.get("md5")


def explicit(packages: Iterable[Package], platform: str, pip: Iterable[str] = ()) -> str:
    """conda's own format of a lock, with what pip installed as comments.

    https://docs.conda.io/projects/conda/en/latest/user-guide/tasks/manage-environments.html#identical-conda-envs
    """
    lines = [f"# platform: {platform}", EXPLICIT]
    for package in sorted(packages, key=lambda one: one.name):
        hashed = f"#sha256:{package.sha256}" if package.sha256 else f"#{package.md5}" if package.md5 else ""
        lines.append(package.url + hashed)
    return "\n".join([*lines, *(f"{PIP}{line}" for line in pip)]) + "\n"


def digest(packages: Iterable[Package]) -> str:
    """A digest of what would be installed."""
    lines = sorted(f"{package.url}#{package.sha256 or package.md5}" for package in packages)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()
