"""Runs, where they are kept, and what is written down about them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, TypeGuard

from mlproj.foundation import env_vars, paths
from mlproj.foundation.errors import UsageError
from mlproj.foundation.redaction import mask_url
from mlproj.tracking.base import TrackingStore

if TYPE_CHECKING:
    from mlproj.tracking.model_base import ModelStore
    from mlproj.tracking.sql.store import Database


def open(uri: str | None = None, *, artifacts: str | None = None) -> TrackingStore:
    """The store at *uri* (``sqlite:///relative.db``, ``sqlite:////absolute.db``, ``postgresql://user@host/name``), made
    or upgraded, or that of a tracking server (``https://host``).

    None means ``MLPROJ_TRACKING_URI``, else the SQLite file in mlproj's home. *artifacts* is the URI of the place of
    artifacts, without a slash at its end; None: :func:`artifact_folder`. Raises UsageError for another kind of store,
    ServiceError when it cannot be used.
    """
    if is_server(uri := uri or env_vars.TRACKING_URI.get()):
        from mlproj.tracking import server_client

        return server_client.store(uri)
    from mlproj.tracking.sql.store import SqlStore

    return SqlStore(_database(uri), artifacts or artifact_folder(uri).as_uri())


def open_models(uri: str | None = None, *, artifacts: str | None = None) -> ModelStore:
    """The model registry and the logged models beside the runs at *uri*; as :func:`open`."""
    if is_server(uri := uri or env_vars.TRACKING_URI.get()):
        from mlproj.tracking import server_client

        return server_client.models(uri)
    from mlproj.tracking.sql.model_store import SqlModelStore

    return SqlModelStore(_database(uri), artifacts or artifact_folder(uri).as_uri())


def artifact_folder(uri: str | None = None) -> Path:
    """Where the artifacts of the store at *uri* are unless it is given another place."""
    chosen = uri or env_vars.TRACKING_URI.get()
    return (paths.home() if is_postgres(chosen) else _file(chosen).parent) / "artifacts"


def is_server(uri: str | None) -> TypeGuard[str]:
    """Whether *uri* is the address of a tracking server."""
    return uri is not None and uri.startswith(("http://", "https://"))


def is_postgres(uri: str | None) -> bool:
    """Whether *uri* is the address of a PostgreSQL database."""
    return uri is not None and uri.partition("://")[0].partition("+")[0] in ("postgresql", "postgres")


def _database(uri: str | None) -> Database:
    chosen = uri or env_vars.TRACKING_URI.get()
    if chosen is not None and is_postgres(chosen):
        from mlproj.tracking.sql.postgres import PostgresDatabase

        return PostgresDatabase(chosen)
    from mlproj.tracking.sql.sqlite import SqliteDatabase

    return SqliteDatabase(_file(chosen))


def _file(chosen: str | None) -> Path:
    if chosen is None:
        return paths.database()
    if is_server(chosen):
        raise UsageError(
            f"{mask_url(chosen)} is a server: there is no file or database of runs here",
            hint="name one with --store: sqlite:////absolute/path/to/runs.db or postgresql://host/name",
        )
    scheme, separator, rest = chosen.partition(":///")
    if scheme != "sqlite" or not separator or not rest:
        raise UsageError(
            f"cannot keep runs in {mask_url(chosen)}: they are kept in SQLite, in PostgreSQL or by a tracking server",
            hint=(
                "unset MLPROJ_TRACKING_URI, or set it to sqlite:////absolute/path/to/runs.db, postgresql://host/name or"
                " https://host"
            ),
        )
    return Path(rest).absolute()
