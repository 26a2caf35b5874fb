"""Folders of our own for the files of one run, and the locks that say whose they are.

Each checkout ``checkouts/NAME/`` has a sibling ``NAME.lock`` which its owner holds (``flock``) as long as it lives, so
that what a killed process left is known for what it is, whatever its process id is used for now.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

from mlproj.foundation import file_tree, paths
from mlproj.foundation.errors import SourceError


def new() -> tuple[Path, Callable[[], None]]:
    """An empty folder that is ours until the returned function is called, or this process ends. Sweeps first."""
    sweep()
    root = paths.checkouts()
    root.mkdir(parents=True, exist_ok=True)
    while True:
        name = f"{os.getpid()}-{os.urandom(4).hex()}"
        lock = root / f"{name}.lock"
        descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if _same_file(lock, descriptor):  # a sweep between open and flock takes the file for a leftover
            break
        os.close(descriptor)
    folder = root / name
    folder.mkdir(mode=0o700)

    def release() -> None:
        nonlocal descriptor
        if descriptor >= 0:
            remove(folder)
            lock.unlink(missing_ok=True)
            os.close(descriptor)
            descriptor = -1

    return folder, release


def sweep() -> int:
    """Remove checkouts whose owner is gone; returns how many there were."""
    root = paths.checkouts()
    try:
        locks = [entry for entry in root.iterdir() if entry.suffix == ".lock"]
    except FileNotFoundError:
        return 0
    return sum(_sweep_one(lock) for lock in locks)


def _sweep_one(lock: Path) -> bool:
    try:
        descriptor = os.open(lock, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if not _same_file(lock, descriptor):
            return False
        remove(lock.with_suffix(""))
        lock.unlink()
        return True
    except OSError:  # held by its owner, or a file system without locks
        return False
    finally:
        os.close(descriptor)


def _same_file(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def remove(folder: Path) -> None:
    """Remove a folder of ours with everything in it, read-only folders included; links are not followed."""
    file_tree.remove(folder)


def inside(root: Path, subdirectory: str) -> Path:
    """The folder *subdirectory* of *root*. Raises :class:`SourceError` when it is not there or a link leads out of
    *root*."""
    if not subdirectory:
        return root
    folder = root / subdirectory
    real, top = (
        Path(os.path.realpath(folder)),
        Path(os.path.realpath(root)),
    )  # unlike resolve() no error for a circle of links
    if not real.is_relative_to(top):
        raise SourceError(f"the sub-directory {subdirectory!r} is a link that leaves the source")
    if not os.path.isdir(real):  # noqa: PTH112  # that of Path raises for a name that is too long
        found = _projects_below(root)
        what = "is a file" if os.path.exists(real) else "is not in the source"  # noqa: PTH110
        raise SourceError(
            f"the sub-directory {subdirectory!r} {what}",
            hint=f"folders with an MLproject file: {', '.join(found)}"
            if found
            else "no folder of the source holds an MLproject file",
        )
    return folder


def _projects_below(root: Path, limit: int = 10, depth: int = 5) -> list[str]:
    found: list[str] = []
    for folder, folders, files in file_tree.walk(root):
        below = os.path.relpath(folder, root)
        folders[:] = sorted(name for name in folders if not name.startswith(".")) if below.count(os.sep) < depth else []
        if any(name.lower().split(".")[0] == "mlproject" for name in files):
            found.append(below)
        if len(found) == limit:
            break
    return found
