"""The packages of conda's explicit lock as files, with the wheels of what pip adds."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote, urlsplit

from mlproj import inputs, platforms
from mlproj.bundle.manifest import PACKAGES
from mlproj.bundling.carried import Carried
from mlproj.environments.base import Prepared, Request
from mlproj.errors import EnvironmentFailure
from mlproj.progress import Progress

_PIP = "# pip "
_MD5_DIGITS = 32


def collect(request: Request, prepared: Prepared, staging: Path, progress: Progress, others: Sequence[str]) -> Carried:
    """The files of everything that the lock lists, for this platform. Raises EnvironmentFailure."""
    here = platforms.here()
    if any(platform != here for platform in others):
        raise EnvironmentFailure(
            "conda packages come along for this platform only", hint=f"leave --platform out, or give {platforms.shown(here)}"
        )
    assert prepared.lock is not None
    lines = prepared.lock.read_text("utf-8").splitlines()
    files: dict[str, Path] = {}
    packages: dict[str, str] = {}
    addresses = [line for line in lines if "://" in line and not line.startswith("#")]
    with progress.step(f"collecting {len(addresses)} conda packages"):
        for number, line in enumerate(addresses):
            address, _, digest = line.partition("#")
            channel, subdir, name = address.rsplit("/", 2)
            del channel
            member = f"{PACKAGES}/{number}/{subdir}/{name}"
            files[member] = _checked(_place(address, request), name, digest)
            packages[address] = member
    _add_wheels([line.removeprefix(_PIP).strip() for line in lines if line.startswith(_PIP)], prepared, staging, progress, files, packages)
    return Carried(files, {here: packages})


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


def _add_wheels(
    asked: Sequence[str], prepared: Prepared, staging: Path, progress: Progress, files: dict[str, Path], packages: dict[str, str]
) -> None:
    """What pip adds, as wheels that pip of the environment downloads or builds. Raises EnvironmentFailure."""
    if not asked:
        return
    from mlproj.bundling import pip_wheels

    for requirement in asked:
        name = re.split(r"[\s=@;\[]", requirement, maxsplit=1)[0]
        wheel = pip_wheels.of(requirement, prepared, staging / "pip" / name, progress)
        files[f"{PACKAGES}/{wheel.name}"] = wheel
        packages[name] = f"{PACKAGES}/{wheel.name}"
