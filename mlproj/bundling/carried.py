"""What a package brings along for machines without network: the packages of the environment, and a Python to use."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlproj import platforms
from mlproj.dataclass import dataclass, field
from mlproj.environments.base import Environment, Prepared, Request
from mlproj.progress import Progress


@dataclass(frozen=True)
class Carried:
    """``files`` are members by name with their places; ``packages`` names, for each platform, the member of each package.

    ``locks`` are those of further platforms. ``interpreter`` is the folder of a Python, which ``python`` describes. ``notes`` say what
    does not come along.
    """

    files: Mapping[str, Path] = field(default_factory=dict)
    packages: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    locks: Mapping[str, Path] = field(default_factory=dict)
    interpreter: Path | None = None
    python: Mapping[str, Any] | None = None
    notes: tuple[str, ...] = ()


def of(
    environment: Environment,
    request: Request,
    prepared: Prepared,
    staging: Path,
    progress: Progress,
    *,
    others: Sequence[str],
    python: bool,
) -> Carried:
    """What *environment*, which is *prepared*, consists of; files that have to be made are put into *staging*.

    Raises EnvironmentFailure for what cannot be had as a file that another machine can install.
    """
    if prepared.lock is None:
        return Carried(notes=("the project has no environment of its own: nothing was added for machines without network",))
    if prepared.lock.name == "conda.lock.txt":
        from mlproj.bundling import conda_files

        return conda_files.collect(request, prepared, staging, progress, others, environment.description.as_of)
    from mlproj.bundling import moved_python, wheels

    here, moment = platforms.here(), environment.description.as_of
    collected = {here: wheels.collect(request, prepared, prepared.lock, staging / here, progress, moment=moment)}
    locks: dict[str, Path] = {}
    for platform in others:
        if platform != here:
            locks[platform] = wheels.lock_for(platform, request, environment, prepared, staging / platform, progress)
            collected[platform] = wheels.collect(
                request, prepared, locks[platform], staging / platform, progress, moment=moment, platform=platform
            )
    files = {name: place for one in collected.values() for name, place in one.files.items()}
    packages = {platform: one.packages for platform, one in collected.items()}
    notes = tuple(note for one in collected.values() for note in one.notes)
    if not python:
        return Carried(files, packages, locks, notes=notes)
    folder, told = moved_python.of(prepared, staging / "python", progress)
    if folder is None:
        return Carried(files, packages, locks, notes=(*notes, told))
    return Carried(files, packages, locks, folder, moved_python.described(folder, prepared), notes)
