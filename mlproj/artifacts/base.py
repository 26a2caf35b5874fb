"""What a store of artifacts can do, and which paths it takes."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, NamedTuple, Protocol
from urllib.parse import unquote

from mlproj.foundation.errors import UsageError

_LONGEST_NAME = 255  # bytes, as of most file systems
_LONGEST_PATH = 2000
_NO_NAME = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")


class InvalidPath(UsageError):
    """A path that leaves its place, or that no file can have."""


class NoSuchFile(UsageError):
    """There is no file at a path."""


class Abandoned(Exception):
    """Raised inside of :meth:`ArtifactStore.create` by who will not finish the file."""


class Entry(NamedTuple):
    """A file or folder: its last name and, for a file, its bytes."""

    name: str
    size: int | None

    @property
    def is_dir(self) -> bool:
        """Whether it is a folder."""
        return self.size is None


class ArtifactStore(Protocol):
    """Files below one place. Paths are relative to it, parted by ``/``; ``""`` is the place itself.

    Methods raise :class:`InvalidPath`, :class:`NoSuchFile` and, when the place cannot be read or written, ServiceError.
    A store may be used from several threads at once.
    """

    uri: str
    """The place as a URI without a slash at its end."""

    def list(self, path: str) -> list[Entry]:
        """What is in a folder, by name; nothing when there is no such folder."""

    def open(self, path: str) -> IO[bytes]:
        """A file, for reading."""

    def create(self, path: str) -> AbstractContextManager[Callable[[bytes], object]]:
        """Write a file: the block is given a function that takes its bytes in portions.

        At the end of the block the file is there, in place of one that was; after an exception nothing has changed.
        """

    def delete(self, path: str) -> None:
        """Remove a file, or a folder with all that is in it."""

    def local_file(self, path: str) -> Path | None:
        """The file on this machine, None when it is elsewhere."""


def walk(
    store: ArtifactStore,
    *,
    skipped: Container[str] = (),
    deepest: int | None = None,
    on_invalid: Callable[[str], object] | None = None,
) -> Iterator[tuple[str, int]]:
    """Every file of *store* with its size in bytes, in the order of :meth:`ArtifactStore.list`, folders included.

    Folders at the paths *skipped* are left out, and so is one that was removed meanwhile. Raises InvalidPath for a
    folder below *deepest* others, and for one that cannot be listed, unless *on_invalid* is there to be given its path.
    """
    waiting: list[tuple[str, int | None, int]] = [("", None, 0)]
    while waiting:
        path, size, depth = waiting.pop()
        if size is not None:
            yield path, size
            continue
        if deepest is not None and depth > deepest:
            raise InvalidPath(f"{path!r:.200} is too deep")
        try:
            entries = store.list(path)
        except NoSuchFile:
            continue
        except InvalidPath:
            if on_invalid is None:
                raise
            on_invalid(path)
            continue
        below = [(f"{path}/{entry.name}" if path else entry.name, entry.size, depth + 1) for entry in entries]
        waiting.extend(entry for entry in reversed(below) if entry[1] is not None or entry[0] not in skipped)


def parts_of(path: str) -> tuple[str, ...]:
    """The names in *path*. Raises InvalidPath for one that leads elsewhere, also when it is unquoted once more.

    A name may hold a tab or a backslash, as files here do; a path that leads elsewhere on Windows is not taken here
    either.
    """
    plain = path
    for _ in range(5):
        _check(path, plain)
        if (unquoted := unquote(plain)) == plain:
            return tuple(part for part in path.split("/") if part not in ("", "."))
        plain = unquoted
    raise _invalid(path)


def _check(path: str, plain: str) -> None:
    parts = plain.split("/")
    if (
        plain.startswith(("/", "\\"))
        or ".." in re.split(r"[/\\]", plain)
        or _NO_NAME.search(plain)
        or re.match(r"[A-Za-z]:", plain)
    ):
        raise _invalid(path)
    if len(plain) > _LONGEST_PATH or any(len(part.encode()) > _LONGEST_NAME for part in parts):
        raise _invalid(path)


def _invalid(path: str) -> InvalidPath:
    return InvalidPath(
        f"Invalid path: {path!r:.200}", hint="expected names separated by '/', relative to the artifacts"
    )
