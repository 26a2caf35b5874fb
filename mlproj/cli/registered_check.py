"""Whether the models that a project's code loads are registered where its runs would be recorded."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from mlproj.foundation import env_vars, paths
from mlproj.foundation.errors import MlprojError, UsageError
from mlproj.foundation.redaction import mask_url
from mlproj.projects.outside_needs import may_lack
from mlproj.tracking.model_name import to_version

if TYPE_CHECKING:
    from mlproj.tracking.model_base import ModelStore

_PATIENCE = 2.0  # seconds that a server has for an answer
_STAGES = ("none", "staging", "production", "archived")


class Registry:
    """The registry of this machine, or the one that ``MLPROJ_TRACKING_URI`` names, asked at most once for each model.

    A file of runs that is not there is not made; a server that does not answer at once, and one that is not to be
    asked (*offline*), is as if nobody could ask.
    """

    def __init__(self, *, offline: bool) -> None:
        self._offline = offline
        self._store: ModelStore | None = None
        self._ask: Callable[[str], str | None] | None = None

    def __enter__(self) -> Registry:
        return self

    def __exit__(self, *_: object) -> None:
        if self._store is not None:
            self._store.close()

    def lacks(self, reference: str) -> str | None:
        """What it lacks of what *reference* (what follows ``models:/``) names; None when it has that."""
        if self._ask is None:
            self._ask = self._opened()
        return self._ask(reference)

    def _opened(self) -> Callable[[str], str | None]:
        uri = env_vars.TRACKING_URI.get()
        try:
            if uri is None and not os.path.lexists(paths.database()):
                return lambda reference: (
                    f"models:/{reference:.80} is not registered here, where nothing is recorded yet"
                )
            self._store = self._open(uri)
        except MlprojError:
            self._store = None
        return may_lack if self._store is None else self._looked_up

    def _open(self, uri: str | None) -> ModelStore | None:
        from mlproj import tracking

        if not tracking.is_server(uri):
            is_local = not tracking.is_postgres(uri) and (uri is None or os.path.lexists(uri.partition(":///")[2]))
            return tracking.open_models(uri) if is_local else None
        if self._offline:
            return None
        from mlproj.http.client import HttpClient
        from mlproj.tracking import server_client

        return server_client.models_of(HttpClient(uri, timeout=_PATIENCE, patient=False))

    def _looked_up(self, reference: str) -> str | None:
        assert self._store is not None
        name, mark, which = re.match(r"([^/@]*)([/@]?)(.*)", reference, re.DOTALL).groups()  # type: ignore[union-attr]
        if not mark and re.fullmatch("m-[0-9a-f]{32}", name):  # a logged model, which is no registered one
            return None
        where = mask_url(env_vars.TRACKING_URI.get() or "this machine's store")
        try:
            self._store.get_registered_model(name)
        except UsageError:
            return f"{name!r:.80} is not registered in {where}"
        except MlprojError:
            return may_lack(reference)
        with suppress(MlprojError):
            if not which or _has(self._store, name, mark, which):
                return None
        return f"{name!r} has no {'alias' if mark == '@' else 'version or stage'} {which!r:.80} in {where}"


def _has(store: ModelStore, name: str, mark: str, which: str) -> bool:
    """Whether there is such a version. Raises UsageError where there is none, ServiceError where nobody can tell."""
    if mark == "@":
        return bool(store.get_version_by_alias(name, which))
    if which.lower() in (*_STAGES, "latest"):
        return bool(store.latest_versions(name, [which] if which.lower() in _STAGES else ()))
    return bool(store.get_version(name, to_version(which)))
