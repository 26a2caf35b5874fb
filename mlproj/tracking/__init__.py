"""Runs, where they are kept, and what is written down about them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mlproj import env_vars, paths
from mlproj.errors import UsageError
from mlproj.redaction import mask_url
from mlproj.tracking.base import TrackingStore

if TYPE_CHECKING:
    from mlproj.tracking.model_base import ModelStore


def open(uri: str | None = None, *, artifacts: str | None = None) -> TrackingStore:
    """The store at *uri* (``sqlite:///relative.db``, ``sqlite:////absolute.db``), made or upgraded when needed.

    None means ``MLPROJ_TRACKING_URI``, else the SQLite file in mlproj's home. *artifacts* is the URI of the place of artifacts,
    without a slash at its end; None: :func:`artifact_folder`. Raises UsageError for another kind of store, ServiceError when
    the file cannot be used.
    """
    from mlproj.tracking.sql import SqlStore
    from mlproj.tracking.sqlite import Database

    return SqlStore(Database(_database_file(uri)), artifacts or artifact_folder(uri).as_uri())


def open_models(uri: str | None = None, *, artifacts: str | None = None) -> ModelStore:
    """The model registry and the logged models beside the runs at *uri*; as :func:`open`."""
    from mlproj.tracking.model_store import SqlModelStore
    from mlproj.tracking.sqlite import Database

    return SqlModelStore(Database(_database_file(uri)), artifacts or artifact_folder(uri).as_uri())


def artifact_folder(uri: str | None = None) -> Path:
    """Where the artifacts of the store at *uri* are unless it is told another place."""
    return _database_file(uri).parent / "artifacts"


def _database_file(uri: str | None) -> Path:
    chosen = uri or env_vars.TRACKING_URI.get()
    if chosen is None:
        return paths.database()
    scheme, separator, rest = chosen.partition(":///")
    if scheme != "sqlite" or not separator or not rest:
        raise UsageError(
            f"cannot keep runs in {mask_url(chosen)}: this version keeps them in SQLite only",
            hint="unset MLPROJ_TRACKING_URI, or set it to sqlite:////absolute/path/to/runs.db",
        )
    return Path(rest).absolute()
