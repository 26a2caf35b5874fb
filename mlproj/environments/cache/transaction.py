"""Built environments in the cache: made whole or not at all, once for all runs, and never removed under a running
command.

``envs/KEY/`` holds ``environment.json`` (what it is), ``pylock.toml`` and ``venv/``. It appears by one rename, so a
folder of that name is complete. ``envs/.KE….lock`` is locked (``flock``, which the kernel gives back when a process
dies in whatever way): exclusively while the environment is built or removed, shared as long as a process uses it.
Builds take place in ``envs/.KE….*.building``; what a killed build left is cleared by the next build or prune. Such a
name has the beginning of the key only, and is as long as a key: a path in a program that was built there can be
replaced by the final one.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import time
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlproj.foundation import paths
from mlproj.foundation.errors import EnvironmentFailure
from mlproj.foundation.progress import Progress

MARKER = "environment.json"
BUILDING = ".building"
REMOVED = ".removed"
_STEM = 18
"""Characters of the key that names beside its folder begin with."""
_BETWEEN_LOOKS = 0.2
"""Seconds; for the rare environment that is used, and so locked, while its interpreter is gone."""
_in_use: dict[Path, int] = {}
"""Folders that this process uses, with the descriptor that holds the shared lock until the process ends."""

Build = Callable[[Path], Mapping[str, Any]]
"""Fills an empty folder and returns what ``environment.json`` shall hold; whatever it raises, the folder is gone."""


def find(key: str) -> Path | None:
    """The folder of the environment *key* when it is built and its interpreter is still there."""
    folder = paths.environments() / key
    python = folder / "venv" / "bin" / "python"
    # Not every conda environment has a Python, but where there is a link it must lead somewhere.
    return folder if (folder / MARKER).exists() and (python.exists() or not python.is_symlink()) else None


def description(folder: Path) -> dict[str, Any]:
    """What ``environment.json`` says."""
    try:
        content = json.loads((folder / MARKER).read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def obtain(key: str, build: Build, progress: Progress, *, rebuild: bool = False) -> tuple[Path, bool]:
    """The folder of environment *key*, built when needed, and whether it was there; it stays until this process ends.

    A second caller waits for the first. Raises what *build* raises, and :class:`EnvironmentFailure` for a full
    disk, or for a rebuild of an environment that a running command uses.
    """
    folder = paths.environments() / key
    try:
        if rebuild:
            give_up(folder)
            with exclusive(folder):
                _replace(folder, build)
        announce = [lambda: progress.note("another run is making this environment; waiting for it")]
        while not _use(folder):
            rebuild = _build_alone(folder, build, announce) or rebuild
    except OSError as error:
        raise _full_disk(error) from error
    return folder, not rebuild


def _build_alone(folder: Path, build: Build, announce: list[Callable[[], None]]) -> bool:
    """Build *folder* unless another process holds its lock; then wait until that one has built or given up.

    Returns whether it was built here. What is in *announce* is called (once) when there is something to wait for.
    Waiting takes the shared lock: the process that built it goes on to use it, which must not keep the others waiting.
    """
    descriptor = _open_lock(folder)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if announce:
                announce.pop()()
            fcntl.flock(descriptor, fcntl.LOCK_SH)
            if find(folder.name) is None:
                time.sleep(_BETWEEN_LOOKS)
            return False
        if find(folder.name) is not None:
            return False
        _replace(folder, build)
        return True
    finally:
        os.close(descriptor)


def _full_disk(error: OSError) -> Exception:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return EnvironmentFailure(
            f"the environment does not fit on the disk of {paths.environments()}",
            hint="mlproj env prune --older-than 30d frees space, or set MLPROJ_CACHE to a larger disk",
        )
    return EnvironmentFailure(
        f"the environment cannot be kept in {paths.environments()}: {error}", hint="set MLPROJ_CACHE to another folder"
    )


def _replace(folder: Path, build: Build) -> None:
    clear_leftovers(folder)
    staging = _beside(folder, f".{os.urandom(2).hex()[:3]}{BUILDING}")
    staging.mkdir(mode=0o700)
    try:
        content = build(staging)
        # The names alone: what comes before them is written in each script as its own language quotes it.
        point_at(staging / "venv" / "bin", staging.name.encode(), folder.name.encode())
        (staging / MARKER).write_text(
            json.dumps({"schema": 1, "created": time.time(), **content}, indent=1) + "\n", "utf-8"
        )
        discard(folder)
        staging.rename(folder)
    finally:
        if staging.exists():
            _remove_tree(staging)


def point_at(scripts: Path, built: bytes, final: bytes) -> None:
    """Let the *scripts* of an environment, which hold the path (or its last name) it was *built* at, have the *final*
    one."""
    from mlproj.environments.python import shebang

    for script in shebang.files(scripts):
        content = script.read_bytes()
        if built in content:
            shebang.replace(script, content.replace(built, final))


def _use(folder: Path) -> bool:
    """Take the shared lock on *folder* for the rest of this process; False when it is not built."""
    if folder not in _in_use:
        if find(folder.name) is None:
            return False
        descriptor = _open_lock(folder)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        _in_use[folder] = descriptor
    if find(folder.name) is None:
        give_up(folder)
        return False
    os.utime(folder / MARKER)
    return True


def give_up(folder: Path) -> None:
    """Let go of the shared lock on *folder* that this process holds, if it does."""
    descriptor = _in_use.pop(folder, None)
    if descriptor is not None:
        os.close(descriptor)


def _open_lock(folder: Path) -> int:
    folder.parent.mkdir(parents=True, exist_ok=True)
    return os.open(_beside(folder, ".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)


def _beside(folder: Path, end: str) -> Path:
    return folder.with_name(f".{folder.name[:_STEM]}{end}")


@contextmanager
def exclusive(folder: Path) -> Iterator[None]:
    """Hold the lock of *folder* alone. Raises :class:`EnvironmentFailure` when another process builds or uses it."""
    descriptor = _open_lock(folder)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise EnvironmentFailure(
            f"environment {folder.name[:12]} is in use by a running command",
            hint="wait until it has ended, then try again",
        ) from None
    finally:
        os.close(descriptor)


def discard(folder: Path) -> None:
    """Remove a whole environment such that it is never seen in part."""
    if folder.exists():
        away = _beside(folder, f".{os.getpid()}{REMOVED}")
        folder.rename(away)
        _remove_tree(away)


def _remove_tree(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder, ignore_errors=True)


def clear_leftovers(folder: Path) -> int:
    """Remove what killed builds and removals of *folder* left; its lock is held."""
    leftovers = [place for end in (BUILDING, REMOVED) for place in folder.parent.glob(f".{folder.name[:_STEM]}.*{end}")]
    for place in leftovers:
        _remove_tree(place)
    return len(leftovers)


def remove_files(staging: Path, but: Collection[str] = ()) -> None:
    """Remove the working files of a build, which may hold credentials of an index; folders stay, and files called as
    *but* says."""
    for place in staging.iterdir():
        if place.is_file() and place.name not in but:
            place.unlink()


def is_in_use(folder: Path) -> bool:
    """Whether this or another process uses or builds *folder* now."""
    if folder in _in_use:
        return True
    descriptor = _open_lock(folder)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False
