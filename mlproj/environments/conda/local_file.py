"""Packages of channels on this machine, which no tool holds to the hash that the channel says: they do that with what
they download."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import IO
from urllib.parse import unquote, urlsplit

from mlproj.environments.conda.locked import Package
from mlproj.foundation.errors import EnvironmentFailure

ANOTHER = "the file is not the one that its channel describes: try again, and tell the channel's maintainer"
"""What to do about a file with another hash."""


def path_of(url: str) -> Path | None:
    """The file that an address means, None for one elsewhere."""
    return Path(unquote(urlsplit(url).path)) if url.startswith("file://") else None


def check(packages: Iterable[Package]) -> None:
    """Hold those of *packages* that are files of this machine to their hashes. Raises EnvironmentFailure."""
    for package in packages:
        if file := path_of(package.url):
            _check(package, file)


def _check(package: Package, file: Path) -> None:
    expected, kind = (package.sha256, "sha256") if package.sha256 else (package.md5, "md5")
    try:
        with file.open("rb") as stream:
            found = _digest(stream, kind)
    except OSError as error:
        raise EnvironmentFailure(f"the conda packages cannot be installed: {file}: {error.strerror}") from error
    if expected and found != expected:
        message = f"the conda packages cannot be installed: {file.name} has another {kind} than its channel says"
        raise EnvironmentFailure(message, hint=ANOTHER)


def _digest(stream: IO[bytes], kind: str) -> str:
    digest = hashlib.new(kind, usedforsecurity=False)
    while block := stream.read(1 << 20):
        digest.update(block)
    return digest.hexdigest()
