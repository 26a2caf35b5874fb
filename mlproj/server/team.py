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
from mlproj.foundation.override import override
from mlproj.http.client import HttpClient
from mlproj.server.read_through import ReadThroughModels, ReadThroughRuns
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

    def read_through_store(self, local: TrackingStore) -> TrackingStore:
        """*local*, and the team's runs by their ids."""
        return ReadThroughRuns(local, lambda: self._store)

    def read_through_models(self, local: ModelStore) -> ModelStore:
        """*local*, and the team's registered and logged models. A version that is here has its number from here."""
        return ReadThroughModels(local, lambda: self._models)

    def read_through_artifacts(self, local: ArtifactStore) -> ArtifactStore:
        """*local*, and the files that the team's server passes on."""
        return _Artifacts(local, ProxiedArtifacts(f"{SCHEME}:/", self._client))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


class _Artifacts(ArtifactStore):
    """The :class:`~mlproj.artifacts.base.ArtifactStore` *local*; what it does not have is read from *remote*."""

    def __init__(self, local: ArtifactStore, remote: ArtifactStore) -> None:
        self._local = local
        self._remote = remote
        self.uri = local.uri

    @override
    def list(self, path: str) -> list[Entry]:
        return self._local.list(path) or self._remote.list(path)

    @override
    def open(self, path: str) -> IO[bytes]:
        try:
            return self._local.open(path)
        except NoSuchFile:
            return self._remote.open(path)

    @override
    def create(self, path: str) -> AbstractContextManager[Callable[[bytes], object]]:
        return self._local.create(path)

    @override
    def delete(self, path: str) -> None:
        self._local.delete(path)

    @override
    def local_file(self, path: str) -> Path | None:
        try:
            return self._local.local_file(path)
        except NoSuchFile:
            return None
