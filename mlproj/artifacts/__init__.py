"""Where the files of runs are kept: a folder, or what fsspec reaches."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mlproj.artifacts.local import LocalArtifacts, folder_of
from mlproj.foundation import env_vars
from mlproj.foundation.errors import UsageError
from mlproj.foundation.redaction import mask_url

if TYPE_CHECKING:
    from mlproj.artifacts.base import ArtifactStore


_OBJECT_STORES = frozenset({"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl"})


def open(place: str | Path) -> ArtifactStore:
    """The artifacts below *place*, as a user names it: a folder, a ``file:`` URI, or a URL that fsspec knows
    (``s3://bucket/folder``).

    Raises UsageError when it is of a kind that is not known or not installed.
    """
    folder = folder_of(place)
    if folder is not None:
        return LocalArtifacts(folder)
    from mlproj.artifacts.remote import RemoteArtifacts

    return RemoteArtifacts(str(place))


def open_recorded(place: str, *, server: str | None = None, local: bool = True) -> ArtifactStore:
    """The artifacts at a place that a record or a server names: whoever wrote it must not lead us to any file or
    address.

    A ``file:`` URI (if *local*), an object store, or ``mlflow-artifacts:``, which *server* is asked for; None: the one
    that ``MLPROJ_TRACKING_URI`` names. Raises UsageError for another place: fsspec knows addresses that fetch and
    unpack others.
    """
    scheme = place.partition(":")[0].lower()
    if scheme == "mlflow-artifacts":
        from mlproj.artifacts.proxied import ProxiedArtifacts
        from mlproj.http.client import HttpClient

        server = server or env_vars.TRACKING_URI.get() or ""
        if not server.startswith(("http://", "https://")):
            raise UsageError(
                f"{place} belongs to a tracking server", hint="set MLPROJ_TRACKING_URI to the address of that server"
            )
        return ProxiedArtifacts(place, HttpClient(server))
    if (scheme == "file" and local) or (
        scheme in _OBJECT_STORES and place[len(scheme) :].startswith("://") and "::" not in place
    ):
        return open(place)
    raise UsageError(f"the files are kept at {mask_url(place)}, which cannot be reached from here")
