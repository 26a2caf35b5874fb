"""The artifacts of a store as the program of one run may use them: it writes and deletes its own."""

from __future__ import annotations

import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO

from mlproj.artifacts.base import ArtifactStore, Entry, parts_of
from mlproj.foundation.errors import UsageError
from mlproj.foundation.override import override
from mlproj.server.call import ApiError
from mlproj.server.run_scoped_store import RunScopedStore
from mlproj.server.run_tree import PROGRAM
from mlproj.tracking.model_base import LoggedModels

_RUN = re.compile(r"[0-9a-f]{32}")
_MODEL = re.compile(r"m-[0-9a-f]{32}")


class RunScopedFiles(ArtifactStore):
    """The :class:`~mlproj.artifacts.base.ArtifactStore` of one run's program, over *files*. Its methods are documented
    there.

    To change what is not among the artifacts of a run or logged model of the run tree is an
    ApiError(PERMISSION_DENIED); in a confined run to read it, too.
    """

    def __init__(
        self, files: ArtifactStore, scoped: RunScopedStore, models: LoggedModels, owns_model: Callable[[str], bool]
    ) -> None:
        self.uri = files.uri
        self._files = files
        self._run_store = scoped
        self._models = models
        self._owns_model = owns_model

    @override
    def list(self, path: str) -> list[Entry]:
        self._require_readable(path)
        return self._files.list(path)

    @override
    def open(self, path: str) -> IO[bytes]:
        self._require_readable(path)
        return self._files.open(path)

    @override
    def local_file(self, path: str) -> Path | None:
        self._require_readable(path)
        return self._files.local_file(path)

    @override
    def create(self, path: str) -> AbstractContextManager[Callable[[bytes], object]]:
        self._require(path)
        return self._files.create(path)

    @override
    def delete(self, path: str) -> None:
        self._require(path)
        self._files.delete(path)

    def _require_readable(self, path: str) -> None:
        if self._run_store.confined:
            self._require(path)

    def _require(self, path: str) -> None:
        parts = parts_of(path)
        # One id: a place of ours within another run's, which an experiment's location can lead to, is none.
        owners = [part for part in parts if _RUN.fullmatch(part) or _MODEL.fullmatch(part)][:1]
        place = self._place_of(owners[0]) if owners else None
        if place is None or parts[: len(place)] != place:
            raise ApiError(
                "PERMISSION_DENIED",
                f"The artifact {path!r:.200} is not of this program: {PROGRAM} may change the artifacts of its own runs"
                " and logged models only, and with --sandbox it reads no others.",
            )

    def _place_of(self, owner: str) -> tuple[str, ...] | None:
        """Where the artifacts of a run or logged model of the run tree are; None for another one."""
        try:
            if _MODEL.fullmatch(owner):
                uri = (
                    self._models.get_logged_model(owner, deleted_too=True).artifact_uri
                    if self._owns_model(owner)
                    else ""
                )
            else:
                uri = self._run_store.get_run(owner).artifact_uri if self._run_store.run_tree.holds(owner) else ""
        except UsageError:  # there is none
            return None
        prefix = f"{self.uri}/"
        return parts_of(uri.removeprefix(prefix)) if uri.startswith(prefix) else None
