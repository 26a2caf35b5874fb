"""A part of a store of artifacts as a store of its own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO

from mlproj.artifacts.base import ArtifactStore, Entry, parts_of


class Below:
    """The :class:`~mlproj.artifacts.base.ArtifactStore` below *folder* of *store*; no path leads out of it."""

    def __init__(self, store: ArtifactStore, folder: str) -> None:
        self._store = store
        self._parts = parts_of(folder)
        self.uri = "/".join([store.uri, *self._parts])

    def _inside(self, path: str) -> str:
        return "/".join([*self._parts, *parts_of(path)])

    def list(self, path: str) -> list[Entry]:  # noqa: D102
        return self._store.list(self._inside(path))

    def open(self, path: str) -> IO[bytes]:  # noqa: D102
        return self._store.open(self._inside(path))

    def create(self, path: str) -> AbstractContextManager[Callable[[bytes], object]]:  # noqa: D102
        return self._store.create(self._inside(path))

    def delete(self, path: str) -> None:  # noqa: D102
        self._store.delete(self._inside(path))

    def local_file(self, path: str) -> Path | None:  # noqa: D102
        return self._store.local_file(self._inside(path))
