"""Built environments in the cache: made whole or not at all, once for everybody, and never removed under a running command.

``envs/KEY/`` holds ``environment.json`` (what it is), ``pylock.toml`` and ``venv/``. It appears by one rename, so a
folder of that name is complete. ``envs/.KEY.lock`` is locked (``flock``, which the kernel gives back when a process
dies in whatever way): exclusively while the environment is built or removed, shared as long as a process uses it.
Builds take place in ``envs/.KEY.*.building``; what a killed build left is cleared by the next build or prune.
"""

from __future__ import annotations

import errno
import fcntl
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from mlproj import paths
from mlproj.errors import EnvironmentFailure, UsageError
from mlproj.progress import Progress

_MARKER = "environment.json"
_BUILDING = ".building"
_REMOVED = ".removed"
_BETWEEN_LOOKS = 0.2
"""Seconds; for the rare environment that is used, and so locked, while its interpreter is gone."""
_in_use: dict[Path, int] = {}
"""Folders that this process uses, with the descriptor that holds the shared lock until the process ends."""


@dataclass(frozen=True)
class Stored:
    """An environment in the cache. ``created`` and ``last_used`` are UTC; ``size`` is in bytes, shared files counted once."""

    key: str
    kind: str
    manager: str
    python: str | None
    declaration: str
    created: datetime
    last_used: datetime
    size: int
    packages: Mapping[str, str] = field(default_factory=dict)
    requirements: tuple[str, ...] = ()
    as_of: datetime | None = None
    notes: tuple[str, ...] = ()
    folder: Path = field(default_factory=Path)
    in_use: bool = False


@dataclass(frozen=True)
class Pruned:
    """What a prune took away: environments, left-overs of killed builds, and the bytes that are free now."""

    removed: tuple[str, ...]
    kept_in_use: tuple[str, ...]
    leftovers: int
    freed: int


Build = Callable[[Path], Mapping[str, Any]]
"""Fills an empty folder and returns what ``environment.json`` shall hold; whatever it raises, the folder is gone."""


def find(key: str) -> Path | None:
    """The folder of the environment *key* when it is built and its interpreter is still there."""
    folder = paths.environments() / key
    return folder if (folder / _MARKER).exists() and (folder / "venv" / "bin" / "python").exists() else None


def description(folder: Path) -> dict[str, Any]:
    """What ``environment.json`` says."""
    try:
        content = json.loads((folder / _MARKER).read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}


def obtain(key: str, build: Build, progress: Progress, *, rebuild: bool = False) -> tuple[Path, bool]:
    """The folder of environment *key*, built when needed, and whether it was there; it stays until this process ends.

    Whoever comes second waits for the first. Raises what *build* raises, and :class:`EnvironmentFailure` for a full
    disk, or for a rebuild of an environment that a running command uses.
    """
    folder = paths.environments() / key
    try:
        if rebuild:
            _give_up(folder)
            with _exclusive(folder):
                _replace(folder, build)
        waiting = False
        while not _use(folder):
            if _build_alone(folder, build):
                rebuild = True
            elif not waiting:
                progress.note("another run is making this environment; waiting for it")
                waiting = True
    except OSError as error:
        raise _full_disk(error) from error
    return folder, not rebuild


def _build_alone(folder: Path, build: Build) -> bool:
    """Build *folder* unless another process holds its lock; then wait until that one has built or given up.

    Waiting takes the shared lock: the one who built it goes on to use it, which must not keep the others waiting.
    """
    descriptor = _open_lock(folder)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
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
    import tempfile

    _clear_leftovers(folder)
    staging = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}.", suffix=_BUILDING))
    try:
        content = build(staging)
        _point_at(staging / "venv" / "bin", str(staging).encode(), str(folder).encode())
        (staging / _MARKER).write_text(json.dumps({"schema": 1, "created": time.time(), **content}, indent=1) + "\n", "utf-8")
        _discard(folder)
        staging.rename(folder)
    finally:
        _remove_tree(staging)


def _point_at(scripts: Path, built: bytes, final: bytes) -> None:
    """Let the scripts of a virtual environment, which hold its absolute path, name the folder it is moved to.

    Each is written anew: files may be hard links into the installer's cache.
    """
    for script in scripts.iterdir() if scripts.is_dir() else ():
        if script.is_symlink() or not script.is_file():
            continue
        content = script.read_bytes()
        if built in content:
            moved = script.with_name(script.name + ".moved")
            moved.write_bytes(content.replace(built, final))
            moved.chmod(script.stat().st_mode)
            moved.replace(script)


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
        _give_up(folder)
        return False
    os.utime(folder / _MARKER)
    return True


def _give_up(folder: Path) -> None:
    descriptor = _in_use.pop(folder, None)
    if descriptor is not None:
        os.close(descriptor)


def _open_lock(folder: Path) -> int:
    folder.parent.mkdir(parents=True, exist_ok=True)
    return os.open(folder.with_name(f".{folder.name}.lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)


@contextmanager
def _exclusive(folder: Path) -> Iterator[None]:
    """Hold the lock of *folder* alone. Raises :class:`EnvironmentFailure` when another process builds or uses it."""
    descriptor = _open_lock(folder)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
    except BlockingIOError:
        raise EnvironmentFailure(
            f"environment {folder.name[:12]} is in use by a running command", hint="wait until it has ended, then try again"
        ) from None
    finally:
        os.close(descriptor)


def _discard(folder: Path) -> None:
    """Remove a whole environment such that it is never seen in part."""
    if folder.exists():
        away = folder.with_name(f".{folder.name}.{os.getpid()}{_REMOVED}")
        folder.rename(away)
        _remove_tree(away)


def _remove_tree(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder, ignore_errors=True)


def _clear_leftovers(folder: Path) -> int:
    """Remove what killed builds and removals of *folder* left; its lock is held."""
    leftovers = [place for end in (_BUILDING, _REMOVED) for place in folder.parent.glob(f".{folder.name}.*{end}")]
    for place in leftovers:
        _remove_tree(place)
    return len(leftovers)


def installed(*, with_size: bool = True) -> list[Stored]:
    """Every environment in the cache, the most recently used first."""
    try:
        folders = [place for place in paths.environments().iterdir() if not place.name.startswith(".")]
    except OSError:
        return []
    found = [_stored(folder, with_size) for folder in folders if (folder / _MARKER).exists()]
    return sorted(found, key=lambda one: one.last_used, reverse=True)


def show(prefix: str) -> Stored:
    """The environment whose key begins with *prefix*. Raises :class:`UsageError` when none or several do."""
    return _stored(_by_prefix(prefix), True)


def remove(prefix: str) -> Stored:
    """Remove the environment whose key begins with *prefix* and return what it was.

    Raises :class:`UsageError` for an unknown one, :class:`EnvironmentFailure` for one that a running command uses.
    """
    folder = _by_prefix(prefix)
    gone = _stored(folder, True)
    _give_up(folder)
    with _exclusive(folder):
        _discard(folder)
    return gone


def prune(older_than: timedelta | None = None) -> Pruned:
    """Remove environments not used for *older_than* (None: all), and what killed builds left. Those in use stay."""
    bound = datetime.now(timezone.utc) - (older_than or timedelta(0))
    removed, kept, freed = [], [], 0
    for one in installed():
        if older_than is not None and one.last_used > bound:
            continue
        try:
            with _exclusive(one.folder):
                _discard(one.folder)
        except EnvironmentFailure:
            kept.append(one.key)
            continue
        removed.append(one.key)
        freed += one.size
    return Pruned(tuple(removed), tuple(kept), _prune_leftovers(), freed)


def _prune_leftovers() -> int:
    root = paths.environments()
    keys = {place.name.split(".")[1] for end in (_BUILDING, _REMOVED) for place in root.glob(f".*{end}")}
    count = 0
    for key in keys:
        try:
            with _exclusive(root / key):
                count += _clear_leftovers(root / key)
        except EnvironmentFailure:
            continue
    return count


def _by_prefix(prefix: str) -> Path:
    matching = [one.folder for one in installed(with_size=False) if prefix and one.key.startswith(prefix)]
    if len(matching) == 1:
        return matching[0]
    if matching:
        raise UsageError(f"{prefix!r} begins the keys of {len(matching)} environments", hint="give more digits of the key")
    raise UsageError(f"there is no environment whose key begins with {prefix!r}", hint="mlproj env list shows them")


def _stored(folder: Path, with_size: bool) -> Stored:
    content = description(folder)
    as_of = content.get("as_of")
    return Stored(
        key=folder.name,
        kind=str(content.get("kind", "python")),
        manager=str(content.get("manager", "")),
        python=content.get("python"),
        declaration=str(content.get("declaration", "")),
        created=datetime.fromtimestamp(float(content.get("created", 0)), timezone.utc),
        last_used=datetime.fromtimestamp((folder / _MARKER).stat().st_mtime, timezone.utc),
        size=_size(folder) if with_size else 0,
        packages=content.get("packages", {}),
        requirements=tuple(content.get("requirements", ())),
        as_of=datetime.fromisoformat(as_of) if as_of else None,
        notes=tuple(content.get("notes", ())),
        folder=folder,
        in_use=_is_in_use(folder),
    )


def _is_in_use(folder: Path) -> bool:
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


def _size(folder: Path) -> int:
    """Bytes that the files take, each file once however many names it has."""
    seen: set[tuple[int, int]] = set()
    total = 0
    for place, _, files in os.walk(folder):
        for name in files:
            status = Path(place, name).lstat()
            identity = (status.st_dev, status.st_ino)
            if identity not in seen:
                seen.add(identity)
                total += status.st_size
    return total
