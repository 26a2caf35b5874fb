"""A part of a store of artifacts as a store of its own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO

from mlproj.artifacts.base import ArtifactStore, Entry, parts_of
from mlproj.foundation.override import override


class SubfolderArtifacts(ArtifactStore):
    """The :class:`~mlproj.artifacts.base.ArtifactStore` below *folder* of *store*; no path leads out of it."""

    def __init__(self, store: ArtifactStore, folder: str) -> None:
        self._store = store
        self._parts = parts_of(folder)
        self.uri = "/".join([store.uri, *self._parts])

    def _inside(self, path: str) -> str:
        return "/".join([*self._parts, *parts_of(path)])

    @override
    def list(self, path: str) -> list[Entry]:
        return self._store.list(self._inside(path))

    @override
    def open(self, path: str) -> IO[bytes]:
        return self._store.open(self._inside(path))

    @override
    def create(self, path: str) -> AbstractContextManager[Callable[[bytes], object]]:
        return self._store.create(self._inside(path))

    @override
    def delete(self, path: str) -> None:
        self._store.delete(self._inside(path))

    @override
    def local_file(self, path: str) -> Path | None:
        return self._store.local_file(self._inside(path))
