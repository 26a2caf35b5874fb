"""Files that a run made or changed in its checkout: found by comparing before and after, recorded, and kept as
artifacts.

A file counts as changed when its size, modification time or inode did. MLflow's own ``mlruns`` folders are left out
here: what was logged there comes in with the run that logged it (see ``mlflow_import``). In a folder that somebody
works in meanwhile, their changes count too.
"""

from __future__ import annotations

import errno
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from mlproj.foundation import paths
from mlproj.foundation.dataclass import dataclass, field
from mlproj.foundation.digest import sha256_of_stream
from mlproj.foundation.progress import Progress
from mlproj.tracking.base import Output

FOLDER = "outputs"
"""The folder among a run's artifacts that holds its outputs, apart from what the program logged itself."""

LIMIT_EACH = 100_000_000  # bytes
LIMIT_TOTAL = 1_000_000_000  # bytes of all copies of a run
LIMIT_COUNT = 10_000  # files that are recorded

SKIPPED = frozenset(
    {
        ".git",
        ".hg",
        ".svn",
        "__pycache__",
        ".venv",
        "node_modules",
        ".pytest_cache",
        ".mypy_cache",
        ".ruff_cache",
        ".tox",
        ".nox",
    }
    | {".ipynb_checkpoints", ".cache", "mlruns"}
)
"""Names of folders that hold nothing that a run is made of or makes."""
_ENVIRONMENT = ("pyvenv.cfg", "conda-meta")  # what is at the top of an environment
_CHUNK = 1 << 20
_DISK_TROUBLE = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EIO})

Fingerprint = tuple[int, int, int]


@dataclass(frozen=True)
class Change:
    """A file that is new or different: where it is, its path within the checkout, and its size in bytes."""

    file: Path
    path: str
    size: int


@dataclass(frozen=True)
class Changes:
    """All that changed, by path; ``unreadable`` are folders that could not be looked into."""

    files: tuple[Change, ...]
    unreadable: tuple[str, ...] = ()


@dataclass(frozen=True)
class Snapshot:
    """What a folder held at one moment."""

    root: Path
    files: dict[str, Fingerprint] = field(repr=False)

    @classmethod
    def take(cls, root: Path) -> Snapshot:
        """Look at every file below *root*, without reading any or following a link."""
        return cls(root, {path: _fingerprint(found) for path, found in _walk(root, [])})

    def changes(self) -> Changes:
        """What is new or different below the folder now."""
        unreadable: list[str] = []
        changed = [
            Change(self.root / path, path, found.st_size)
            for path, found in _walk(self.root, unreadable)
            if self.files.get(path) != _fingerprint(found)
        ]
        return Changes(tuple(sorted(changed, key=lambda change: change.path)), tuple(sorted(unreadable)))


def keep(
    changes: Changes, destination: Path, *, progress: Progress, limit: int | None = None, limit_total: int = LIMIT_TOTAL
) -> list[Output]:
    """Record each changed file and copy it to ``outputs/`` in *destination*.

    Files larger than *limit* bytes (None: 100 MB), what exceeds *limit_total* in all, and everything after the disk is
    full is recorded without a copy (``kept`` is False). Each reason is reported once.
    """
    copier = _Copier(destination / FOLDER, LIMIT_EACH if limit is None else limit, limit_total)
    outputs = [output for change in changes.files[:LIMIT_COUNT] if (output := copier.output(change))]
    for folder in changes.unreadable:
        progress.warn(f"outputs in {folder} are not recorded: the folder cannot be read")
    if len(changes.files) > LIMIT_COUNT:
        progress.warn(f"the run left {len(changes.files)} files; the first {LIMIT_COUNT} are recorded")
    for reason, left in copier.left.items():
        more = f" and {len(left) - 3} more" if len(left) > 3 else ""
        progress.warn(f"not copied as artifacts, {reason}: {', '.join(left[:3])}{more}")
    return outputs


class _Copier:
    """Copies files one by one within limits and remembers what it left out, by reason."""

    def __init__(self, folder: Path, limit_each: int, limit_total: int) -> None:
        self.left: dict[str, list[str]] = {}
        self._folder = folder
        self._limit_each = limit_each
        self._rest = limit_total
        self._broken: str | None = None

    def output(self, change: Change) -> Output | None:
        """The record of one file, None when it is gone by now."""
        reason = self._reason_not_to_copy(change)
        digest = None
        try:
            if reason is None:
                digest, reason = self._copy(change)
            if digest is None:
                digest = _digest(change.file)
        except FileNotFoundError:
            return None
        except OSError as error:
            reason = f"cannot be read ({error.strerror})"
        if reason is None:
            self._rest -= change.size
        else:
            self.left.setdefault(reason, []).append(change.path)
        return Output(change.path, digest, change.size, kept=reason is None)

    def _copy(self, change: Change) -> tuple[str | None, str | None]:
        """The digest of the copied file, or the reason why there is no copy."""
        try:
            return _copy(change.file, self._folder / change.path), None
        except FileNotFoundError:
            raise
        except OSError as error:
            if error.errno in _DISK_TROUBLE:
                self._broken = f"{self._folder} cannot be written ({error.strerror})"
            return None, self._broken or f"cannot be copied ({error.strerror})"

    def _reason_not_to_copy(self, change: Change) -> str | None:
        if change.size > self._limit_each:
            return f"larger than the limit of {self._limit_each} bytes (--max-output-size)"
        if change.size > self._rest:
            return "over the limit of all copies of a run"
        return self._broken


def _digest(source: Path) -> str:
    with _open(source) as file:
        return sha256_of_stream(file)


def _copy(source: Path, target: Path) -> str:
    """Read *source* once: make *target* its copy, whole or not at all, and return its SHA-256."""
    with _open(source) as file:
        target.parent.mkdir(parents=True, exist_ok=True)
        draft = target.with_name(f".{os.getpid()}.part")
        try:
            with draft.open("wb") as copy:
                digest = sha256_of_stream(file, copy.write)
            draft.replace(target)
        finally:
            draft.unlink(missing_ok=True)
    return digest


def _open(source: Path) -> BinaryIO:
    """*source* for reading when it is a plain file, not a link to one; FileNotFoundError when it has become something
    else."""
    # O_NONBLOCK: a pipe that took the file's place must not make us wait for a writer.
    descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise FileNotFoundError(source)
    return os.fdopen(descriptor, "rb")


def _walk(root: Path, unreadable: list[str]) -> Iterator[tuple[str, os.stat_result]]:
    """Every plain file below *root* with its path there; links, pipes, sockets and devices are passed over."""
    ours = _ours()
    base = os.path.realpath(root)
    folders = [""]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(os.path.join(base, folder)) as scan:  # noqa: PTH118  # paths of a million files: text is quick
                entries = list(scan)
        except FileNotFoundError:
            continue
        except OSError:
            unreadable.append(folder or ".")
            continue
        if folder and any(entry.name in _ENVIRONMENT for entry in entries):
            continue  # an environment
        for entry in entries:
            path = f"{folder}/{entry.name}" if folder else entry.name
            try:
                if entry.is_dir(follow_symlinks=False):
                    if entry.name not in SKIPPED and entry.path not in ours:
                        folders.append(path)
                elif entry.is_file(follow_symlinks=False):
                    yield path, entry.stat(follow_symlinks=False)
            except OSError:  # gone since
                continue


def is_passed_over(folder: os.DirEntry[str]) -> bool:
    """Whether *folder* holds nothing that a run is made of or makes: an environment, a cache, Git's own files, our
    home."""
    if folder.name in SKIPPED or os.path.realpath(folder.path) in _ours():
        return True
    return any(os.path.lexists(os.path.join(folder.path, name)) for name in _ENVIRONMENT)  # noqa: PTH118


def _ours() -> set[str]:
    return {os.path.realpath(paths.home()), os.path.realpath(paths.cache())}


def _fingerprint(found: os.stat_result) -> Fingerprint:
    return found.st_size, found.st_mtime_ns, found.st_ino
