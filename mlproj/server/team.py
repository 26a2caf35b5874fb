"""What a team's server knows, for a program that is recorded for it: read there when it is not here.

The program writes to the outbox only. It may load a registered model of the team's, look at another run, fetch its
files.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO

from mlproj.artifacts.base import ArtifactStore, Entry, NoSuchFile
from mlproj.artifacts.proxied import SCHEME, ProxiedArtifacts
from mlproj.http.client import HttpClient
from mlproj.server.read_through import ModelsBeside, RunsBeside
from mlproj.tracking import server_client
from mlproj.tracking.base import TrackingStore
from mlproj.tracking.model_base import ModelStore

_TIMEOUT = 20.0  # seconds


class Team:
    """The server at an address; nothing is asked of it before something is missing here."""

    def __init__(self, server: str) -> None:
        self._client = HttpClient(server, timeout=_TIMEOUT, patient=False)

    @functools.cached_property
    def _store(self) -> TrackingStore:
        return server_client.store_of(self._client)

    @functools.cached_property
    def _models(self) -> ModelStore:
        return server_client.models_of(self._client)

    def beside_store(self, here: TrackingStore) -> TrackingStore:
        """*here*, and the team's runs by their ids."""
        return RunsBeside(here, lambda: self._store)

    def beside_models(self, here: ModelStore) -> ModelStore:
        """*here*, and the team's registered and logged models. A version that is here has its number from here."""
        return ModelsBeside(here, lambda: self._models)

    def beside_artifacts(self, here: ArtifactStore) -> ArtifactStore:
        """*here*, and the files that the team's server passes on."""
        return _Artifacts(here, ProxiedArtifacts(f"{SCHEME}:/", self._client))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


class _Artifacts:
    """The :class:`~mlproj.artifacts.base.ArtifactStore` *here*; what it does not have is read *there*."""

    def __init__(self, here: ArtifactStore, there: ArtifactStore) -> None:
        self._here = here
        self._there = there
        self.uri = here.uri

    def list(self, path: str) -> list[Entry]:
        return self._here.list(path) or self._there.list(path)

    def open(self, path: str) -> IO[bytes]:
        try:
            return self._here.open(path)
        except NoSuchFile:
            return self._there.open(path)

    def create(self, path: str) -> AbstractContextManager[Callable[[bytes], object]]:
        return self._here.create(path)

    def delete(self, path: str) -> None:
        self._here.delete(path)

    def local_file(self, path: str) -> Path | None:
        try:
            return self._here.local_file(path)
        except NoSuchFile:
            return None
