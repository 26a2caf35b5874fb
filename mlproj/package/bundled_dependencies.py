"""What a package brings along for machines without network: the packages of the environment, and a Python to use."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from mlproj.environments.base import Environment, Prepared, Request
from mlproj.environments.cache import transaction
from mlproj.foundation import platforms
from mlproj.foundation.dataclass import replace
from mlproj.foundation.progress import Progress
from mlproj.package import conda_files
from mlproj.package.bundled_files import BundledDependencies


def collect(
    environment: Environment,
    request: Request,
    prepared: Prepared,
    staging: Path,
    progress: Progress,
    *,
    others: Sequence[str],
    python: bool,
) -> BundledDependencies:
    """What *environment*, which is *prepared*, consists of; files that have to be made are put into *staging*.

    Raises EnvironmentFailure for what cannot be had as a file that another machine can install.
    """
    if prepared.lock is None:
        return BundledDependencies(
            notes=("the project has no environment of its own: nothing was added for machines without network",)
        )
    if prepared.lock.name == "conda.lock.txt":
        return conda_files.collect(
            request,
            prepared,
            _lock_of(request, prepared),
            staging,
            progress,
            others=others,
            moment=environment.description.as_of,
            declaration=environment.description.declaration,
        )
    bundled = _wheels(environment, request, prepared, staging, progress, others)
    if not python:
        return bundled
    from mlproj.package import moved_python

    moved = moved_python.copy_python(prepared, staging / "python", progress)
    return replace(bundled, interpreter=moved.folder, python=moved.described, notes=(*bundled.notes, *moved.notes))


def _wheels(
    environment: Environment,
    request: Request,
    prepared: Prepared,
    staging: Path,
    progress: Progress,
    others: Sequence[str],
) -> BundledDependencies:
    from mlproj.environments.declarations.declaration import read
    from mlproj.package import wheels

    declared = read(environment.description.declaration, request)
    here, moment = platforms.here(), environment.description.as_of
    lock = _lock_of(request, prepared)
    collected = {
        here: wheels.collect(request, prepared, lock, staging / here, progress, moment=moment, declared=declared)
    }
    locks: dict[str, Path] = {}
    for other in others:
        if other != here:
            locks[other] = wheels.lock_for(other, request, environment, prepared, staging / other, progress, declared)
            collected[other] = wheels.collect(
                request,
                prepared,
                locks[other],
                staging / other,
                progress,
                moment=moment,
                platform=other,
                declared=declared,
            )
    assert prepared.lock is not None
    roots = transaction.description(prepared.lock.parent).get("import_roots") or ()
    return BundledDependencies(
        files={name: place for one in collected.values() for name, place in one.files.items()},
        packages={platform: one.packages for platform, one in collected.items()},
        locks=locks,
        import_roots=[(int(index), str(folder)) for index, folder in roots],
        notes=tuple(dict.fromkeys(note for one in collected.values() for note in one.notes)),
    )


def _lock_of(request: Request, prepared: Prepared) -> Path:
    """The lock of *prepared*; of a package that is packaged again the one that names the files which it brought."""
    if request.locked and request.locked.kept and request.locked.lock:
        return request.locked.lock
    assert prepared.lock is not None
    return prepared.lock
