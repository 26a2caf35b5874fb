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
    from mlproj.tracking.sql import Database

_SERVERS = ("http://", "https://")
_POSTGRES = ("postgresql://", "postgres://")


def open(uri: str | None = None, *, artifacts: str | None = None) -> TrackingStore:
    """The store at *uri*: ``sqlite:///relative.db``, ``sqlite:////absolute.db`` (made or upgraded when needed),
    ``postgresql://user@host/name``, or the ``http(s)://`` address of an mlproj or MLflow server.

    None means ``MLPROJ_TRACKING_URI``, else the SQLite file in mlproj's home. *artifacts* is the URI of the place of artifacts,
    without a slash at its end; None: :func:`artifact_folder`. Raises UsageError for another kind of store, ServiceError when
    it cannot be used.
    """
    chosen = _chosen(uri)
    if chosen is not None and chosen.startswith(_SERVERS):
        from mlproj.tracking.rest import RestStore

        return RestStore(chosen)
    from mlproj.tracking.sql import SqlStore

    return SqlStore(_database(chosen), artifacts or artifact_folder(uri).as_uri())


def open_models(uri: str | None = None, *, artifacts: str | None = None) -> ModelStore:
    """The model registry and the logged models beside the runs at *uri*, which is no server's; as :func:`open`."""
    from mlproj.tracking.model_store import SqlModelStore

    return SqlModelStore(_database(_chosen(uri)), artifacts or artifact_folder(uri).as_uri())


def artifact_folder(uri: str | None = None) -> Path:
    """Where the artifacts of the store at *uri* are unless it is told another place: beside a file, else in mlproj's home."""
    chosen = _chosen(uri)
    return (_file(chosen).parent if chosen is None or chosen.startswith("sqlite:") else paths.home()) / "artifacts"


def _chosen(uri: str | None) -> str | None:
    return uri or env_vars.TRACKING_URI.get()


def _database(chosen: str | None) -> Database:
    if chosen is not None and chosen.startswith(_POSTGRES):
        from mlproj.tracking.postgres import PostgresDatabase

        return PostgresDatabase(chosen)
    from mlproj.tracking.sqlite import SqliteDatabase

    return SqliteDatabase(_file(chosen))


def _file(chosen: str | None) -> Path:
    if chosen is None:
        return paths.database()
    scheme, separator, rest = chosen.partition(":///")
    if scheme != "sqlite" or not separator or not rest:
        raise UsageError(
            f"cannot keep runs in {mask_url(chosen)}",
            hint="unset MLPROJ_TRACKING_URI, or set it to sqlite:////absolute/path/to/runs.db, postgresql://… or http(s)://…",
        )
    return Path(rest).absolute()
