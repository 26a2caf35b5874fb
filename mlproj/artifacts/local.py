"""Artifacts in a folder of this machine."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO
from urllib.parse import unquote, urlsplit

from mlproj.artifacts.base import ArtifactStore, Entry, InvalidPath, NoSuchFile, parts_of
from mlproj.foundation.errors import ServiceError, UsageError
from mlproj.foundation.override import override

_UNFINISHED = ".mlproj-upload-"
# What the path and not the disk is to blame for.
_WRONG = {errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ENAMETOOLONG, errno.ELOOP, errno.EINVAL, errno.ENOTEMPTY}


def folder_of(place: str | Path) -> Path | None:
    """The folder that *place* (a path or a ``file:`` URI) names; None for a URL of another kind. Raises UsageError for
    no URI."""
    if isinstance(place, Path):
        return place
    if "\0" in place:
        raise UsageError(f"{place!r:.200} is no place for files: it holds a NUL character")
    if place.startswith("file:"):
        try:
            return Path(unquote(urlsplit(place).path))
        except ValueError as error:
            raise UsageError(f"{place!r:.200} is no address of a folder: {error}") from error
    return None if "://" in place else Path(place)


class LocalArtifacts(ArtifactStore):
    """The :class:`~mlproj.artifacts.base.ArtifactStore` over a folder. A link that leads out of the folder is not
    followed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.absolute()
        self.uri = self._folder.as_uri()

    @override
    def list(self, path: str) -> list[Entry]:
        with _reported(path):
            folder = self._place(path)
            if not folder.is_dir():
                return []
            with os.scandir(folder) as found:
                entries = [
                    _entry(one) for one in found if not one.is_symlink() and not one.name.startswith(_UNFINISHED)
                ]
        return sorted(entry for entry in entries if entry is not None)

    @override
    def open(self, path: str) -> IO[bytes]:
        return self.local_file(path).open("rb")

    @override
    @contextmanager
    def create(self, path: str) -> Iterator[Callable[[bytes], object]]:
        with _reported(path):
            file = self._place(path)
            if file.is_dir():
                raise InvalidPath(f"there is a folder at {path!r:.200}")
            file.parent.mkdir(parents=True, exist_ok=True)
            unfinished = file.parent / f"{_UNFINISHED}{os.urandom(8).hex()}"
            try:
                with unfinished.open("xb", buffering=0) as opened:

                    def write(portion: bytes) -> None:
                        rest = memoryview(portion)
                        while rest:
                            rest = rest[opened.write(rest) :]

                    yield write
                unfinished.replace(file)
            finally:
                unfinished.unlink(missing_ok=True)

    @override
    def delete(self, path: str) -> None:
        with _reported(path):
            place = self._place(path)
            if place == self._folder.resolve():
                raise InvalidPath("the place of all artifacts cannot be removed")
            if place.is_dir():
                shutil.rmtree(place)
            else:
                place.unlink()

    @override
    def local_file(self, path: str) -> Path:
        with _reported(path):
            place = self._place(path)
            if not place.is_file():
                raise NoSuchFile(f"there is no file {path!r:.200}")
            return place

    def _place(self, path: str) -> Path:
        top = self._folder.resolve()
        place = top.joinpath(*parts_of(path)).resolve()
        if not place.is_relative_to(top):
            raise InvalidPath(f"Invalid path: {path!r:.200}: a link in it leads elsewhere")
        return place


def _entry(found: os.DirEntry[str]) -> Entry | None:
    try:
        return Entry(found.name, None if found.is_dir() else found.stat().st_size)
    except FileNotFoundError:  # removed meanwhile
        return None


@contextmanager
def _reported(path: str) -> Iterator[None]:
    """Turn the system's errors into ours. Raises InvalidPath, NoSuchFile, ServiceError."""
    try:
        yield
    except FileNotFoundError as error:
        raise NoSuchFile(f"there is no file {path!r:.200}") from error
    except (RuntimeError, OSError) as error:  # pathlib before 3.13 raises RuntimeError for links in a circle
        if isinstance(error, RuntimeError) or error.errno in _WRONG:
            raise InvalidPath(f"Invalid path: {path!r:.200}: {getattr(error, 'strerror', None) or error}") from error
        raise ServiceError(f"the artifact {path!r:.200} cannot be read or written: {error.strerror}") from error
