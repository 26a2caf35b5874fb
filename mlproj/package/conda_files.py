"""The packages of conda's explicit lock as files, with the wheels of what pip adds."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from mlproj.environments.base import Declaration, Prepared, Request
from mlproj.environments.conda import requested
from mlproj.environments.declarations.requirements import Requirements
from mlproj.environments.python import lock, uv_configuration
from mlproj.environments.python.index_login import Logins
from mlproj.foundation import platforms
from mlproj.foundation.errors import EnvironmentFailure
from mlproj.foundation.progress import Progress
from mlproj.package import wheels
from mlproj.package.bundled_files import BundledDependencies
from mlproj.package.format import offline
from mlproj.package.format.manifest import PACKAGES
from mlproj.running import inputs

_PIP = "# pip "
_MD5_DIGITS = 32


def collect(
    request: Request,
    prepared: Prepared,
    lock_file: Path,
    staging: Path,
    progress: Progress,
    *,
    others: Sequence[str],
    moment: datetime | None,
    declaration: Declaration,
) -> BundledDependencies:
    """The files of everything that *lock_file* lists, for this platform. Raises EnvironmentFailure."""
    here = platforms.here()
    if any(platform != here for platform in others):
        raise EnvironmentFailure(
            "conda packages come along for this platform only",
            hint=f"leave --platform out, or give {platforms.shown(here)}",
        )
    lines = lock_file.read_text("utf-8").splitlines()
    files: dict[str, Path] = {}
    packages: dict[str, str] = {}
    addresses = [line for line in lines if "://" in line and not line.startswith("#")]
    with progress.step(f"collecting {len(addresses)} conda packages"):
        for number, line in enumerate(addresses):
            address, _, digest = line.partition("#")
            _channel, subdir, name = address.rsplit("/", 2)
            member = f"{PACKAGES}/{number}/{subdir}/{name}"
            files[member] = _checked(_place(address, request), name, digest)
            packages[address] = member
    asked = [line.removeprefix(_PIP).strip() for line in lines if line.startswith(_PIP)]
    if not asked:
        return BundledDependencies(files, {here: packages})
    added = _of_pip(asked, moment, request, prepared, staging, progress, _declared(declaration))
    return BundledDependencies({**files, **added.files}, {here: {**packages, **added.packages}}, notes=added.notes)


def _declared(declaration: Declaration) -> Requirements:
    """What the project's own file asks pip for: it has the indexes, and their logins."""
    if declaration.file is None or not requested.is_native(declaration):
        return Requirements()
    return requested.read(declaration.file).pip


def _place(address: str, request: Request) -> Path:
    if address.startswith("file:"):
        return Path(unquote(urlsplit(address).path))
    return inputs.fetch(address, offline=request.offline)


def _checked(place: Path, name: str, digest: str) -> Path:
    expected = digest.removeprefix("sha256:")
    kind = "md5" if len(expected) == _MD5_DIGITS else "sha256"
    try:
        found = hashlib.new(kind, place.read_bytes(), usedforsecurity=False).hexdigest()
    except OSError as error:
        raise EnvironmentFailure(f"{name} of the lock cannot be read: {error.strerror}") from error
    if expected and found != expected:
        raise EnvironmentFailure(f"{name} is not the file that the lock names: its {kind} is another")
    return place


def _of_pip(
    asked: Sequence[str],
    moment: datetime | None,
    request: Request,
    prepared: Prepared,
    staging: Path,
    progress: Progress,
    declared: Requirements,
) -> wheels.Collected:
    """What pip adds, as wheels by the lines of the lock. Raises EnvironmentFailure."""
    staging.mkdir(parents=True, exist_ok=True)
    logins = Logins(declared)
    placed = {line: logins.restored(_placed(line, request.root)) for line in asked}
    (staging / "pip.txt").write_text("\n".join(placed.values()) + "\n", "utf-8")
    uv = uv_configuration.uv_for(staging, declared, progress, offline=request.offline)
    python = prepared.path[0] / "python"
    compiling = ("pip", "compile", "pip.txt", "--no-deps", "--quiet", "--python", python)
    uv.check(
        "the packages of pip cannot be found again",
        *compiling,
        "--format",
        "pylock.toml",
        "--output-file",
        "pylock.toml",
    )
    found = wheels.collect(
        request, prepared, staging / "pylock.toml", staging, progress, moment=moment, declared=declared
    )
    entries = lock.packages((staging / "pylock.toml").read_text("utf-8"))
    members = {line: found.packages[offline.called(_entry_of(placed[line], entries))] for line in asked}
    return wheels.Collected(found.files, members, found.notes)


def _placed(line: str, root: Path) -> str:
    """A line of the lock with the folders of the project, which are relative there, at *root*."""
    return re.sub(r"^(-e )?\.(?=/|$)", lambda match: f"{match[1] or ''}{root}", line)


def _entry_of(line: str, entries: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The entry of a ``pylock.toml`` that a line of pip's became. Raises EnvironmentFailure when there is none."""
    asked = line.removeprefix("-e ")
    name = lock.name_of(asked)
    for entry in entries:
        folder = (entry.get("directory") or {}).get("path")
        if entry["name"] == name or (name is None and folder and Path(folder) == Path(asked)):
            return entry
    raise EnvironmentFailure(f"what pip was asked for with {line!r} cannot be found again")
