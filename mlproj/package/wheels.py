"""The packages of a ``pylock.toml`` as wheels: downloaded by the addresses and hashes of the lock, or built where there
is none."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from mlproj.environments.base import Environment, Prepared, Request
from mlproj.environments.declarations.requirements import Requirements
from mlproj.environments.python import interpreter, lock, relocking, resolver, target, uv_configuration
from mlproj.environments.python.index_login import Logins
from mlproj.environments.python.interpreter import Interpreter
from mlproj.environments.python.target import Target, file_name
from mlproj.foundation import platforms
from mlproj.foundation.dataclass import dataclass, replace
from mlproj.foundation.errors import EnvironmentFailure
from mlproj.foundation.progress import Progress
from mlproj.package.format import offline
from mlproj.package.format.manifest import PACKAGES
from mlproj.package.wheel_builder import Builder
from mlproj.running import inputs


@dataclass(frozen=True)
class Collected:
    """Members with their places, and the member of each package by what the lock calls that."""

    files: Mapping[str, Path]
    packages: Mapping[str, str]
    notes: tuple[str, ...] = ()


def collect(
    request: Request,
    prepared: Prepared,
    lock_file: Path,
    staging: Path,
    progress: Progress,
    *,
    moment: datetime | None,
    platform: str | None = None,
    declared: Requirements,
) -> Collected:
    """Wheels of everything that *lock_file* lists, for this machine or the *platform*; what builds them is as of
    *moment*.

    What was *declared* has the logins of the indexes that they come from.

    Raises EnvironmentFailure.
    """
    python = python_of(prepared)
    wanted = target.target_for(platform or platforms.here(), python)
    logins = Logins(declared)
    listed = lock.packages(relocking.placed(logins.restored(lock_file.read_text("utf-8")), request.root))
    entries = [entry for entry in listed if wanted.needs(entry)]
    staging.mkdir(parents=True, exist_ok=True)
    builder = Builder(staging, python, wanted, moment, progress, offline=request.offline, declared=declared)
    files: dict[str, Path] = {}
    packages: dict[str, str] = {}
    with progress.step(f"collecting {len(entries)} packages for {platforms.shown(wanted.platform)}"):
        for entry in entries:
            place = _wheel(entry, request, wanted, builder, logins)
            name = f"{PACKAGES}/{place.name}"
            files[name] = place
            packages[offline.called(entry)] = name
    return Collected(files, packages, tuple(builder.notes))


def lock_for(
    platform: str,
    request: Request,
    environment: Environment,
    prepared: Prepared,
    staging: Path,
    progress: Progress,
    declared: Requirements,
) -> Path:
    """The lock for another *platform*: what the project asks for, in the versions that this machine has. Raises
    EnvironmentFailure."""
    staging.mkdir(parents=True, exist_ok=True)
    python = python_of(prepared)
    uv = uv_configuration.uv_for(staging, declared, progress, offline=request.offline)
    with progress.step(f"resolving the packages for {platforms.shown(platform)}"):
        if declared.lock_file is not None:  # which is for all platforms
            text = lock.export(uv, declared.lock_file, python.path)
        else:
            pins = tuple(f"{name}=={version}" for name, version in prepared.packages.items())
            asked = replace(declared, constraints=(*declared.constraints, *pins))
            ask = lock.ResolveRequest(asked, python, environment.description.as_of, platform=platforms.for_uv(platform))
            text = lock.narrowed(resolver.resolve(uv, ask), python.version)
    file = staging / "pylock.toml"
    file.write_text(lock.portable(text, request.root), "utf-8")
    return file


def python_of(prepared: Prepared) -> Interpreter:
    """The Python of an environment. Raises EnvironmentFailure when it does not run."""
    found = interpreter.at(prepared.path[0] / "python", "environment")
    if found is None:
        raise EnvironmentFailure(
            "the Python of the environment does not run", hint="mlproj run --rebuild makes it anew"
        )
    return found


def _wheel(entry: Mapping[str, Any], request: Request, wanted: Target, builder: Builder, logins: Logins) -> Path:
    archive = entry.get("archive")
    wheel = archive if archive and file_name(archive).endswith(".whl") else wanted.best(entry.get("wheels") or ())
    if wheel is not None:
        return _obtained(wheel, entry, request, logins)
    if "vcs" in entry:
        return builder.of_repository(entry)
    if "directory" in entry:
        return builder.of_folder(entry)
    source = entry.get("sdist") or archive
    if source is None:
        raise EnvironmentFailure(
            f"{entry['name']} has no wheel for {platforms.shown(wanted.platform)}, and nothing to build one of"
        )
    return builder.of_archive(entry, _obtained(source, entry, request, logins))


def _obtained(wheel: Mapping[str, Any], entry: Mapping[str, Any], request: Request, logins: Logins) -> Path:
    place = Path(wheel["path"]) if "path" in wheel else _fetched(logins.added_to(str(wheel["url"])), request)
    expected = (wheel.get("hashes") or {}).get("sha256")
    try:
        is_same = not expected or hashlib.sha256(place.read_bytes()).hexdigest() == expected
    except OSError as error:
        raise EnvironmentFailure(
            f"{place}, which the lock names for {entry['name']}, cannot be read: {error.strerror}"
        ) from error
    if not is_same:
        raise EnvironmentFailure(
            f"{file_name(wheel)} of {entry['name']} is not the file that the lock names: its SHA-256 is another"
        )
    return place


def _fetched(url: str, request: Request) -> Path:
    if url.startswith("file:"):
        return Path(unquote(urlsplit(url).path))
    return inputs.fetch(url, offline=request.offline)
