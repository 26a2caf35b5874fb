"""What a team's server knows, for a program that is recorded for it: read there when it is not here.

The program writes to the outbox only. It may load a registered model of the team's, look at another run, fetch its
files.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Any, cast

from mlproj.artifacts.base import ArtifactStore, Entry, NoSuchFile
from mlproj.artifacts.proxied import SCHEME, ProxiedArtifacts
from mlproj.foundation.errors import MlprojError, UsageError
from mlproj.http.client import HttpClient
from mlproj.tracking import server_client
from mlproj.tracking.base import Page, TrackingStore
from mlproj.tracking.model_base import ModelStore

_TIMEOUT = 20.0  # seconds
_RUNS = frozenset({"get_run", "metric_history"})
_MODELS = frozenset(
    {
        "get_registered_model",
        "get_version",
        "get_version_by_alias",
        "latest_versions",
        "download_uri",
        "get_logged_model",
    }
)
_SEARCHES = frozenset({"search_versions", "search_registered_models"})


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
        return cast("TrackingStore", _ReadThrough(here, lambda: self._store, _RUNS))

    def beside_models(self, here: ModelStore) -> ModelStore:
        """*here*, and the team's registered and logged models. A version that is here has its number from here."""
        return cast("ModelStore", _ReadThrough(here, lambda: self._models, _MODELS | _SEARCHES))

    def beside_artifacts(self, here: ArtifactStore) -> ArtifactStore:
        """*here*, and the files that the team's server passes on."""
        return _Artifacts(here, ProxiedArtifacts(f"{SCHEME}:/", self._client))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()


class _ReadThrough:
    """A store whose methods *names* ask another one for what is not here. When neither has it, or that one is away, it
    is not here."""

    def __init__(self, here: Any, there: Callable[[], Any], names: frozenset[str]) -> None:
        self._here = here
        self._there = there
        self._names = names

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._here, name)
        return functools.partial(self._ask, name, method) if name in self._names else method

    def _ask(self, name: str, here: Callable[..., Any], *values: Any, **named: Any) -> Any:
        try:
            found = here(*values, **named)
            if name not in _SEARCHES or found.items:
                return found
            missing = None
        except UsageError as error:
            found, missing = Page[Any]([]), error
        try:
            return getattr(self._there(), name)(*values, **named)
        except MlprojError:
            if missing is not None:
                raise missing from None
            return found


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
