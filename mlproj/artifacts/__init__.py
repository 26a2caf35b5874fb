"""Where the files of runs are kept: a folder, or what fsspec reaches."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mlproj import env_vars
from mlproj.artifacts.local import LocalArtifacts, folder_of
from mlproj.errors import UsageError

if TYPE_CHECKING:
    from mlproj.artifacts.base import ArtifactStore


def open(place: str | Path, *, server: str | None = None) -> ArtifactStore:
    """The artifacts below *place*: a folder, a ``file:`` URI, or a URL that fsspec knows (``s3://bucket/folder``).

    ``mlflow-artifacts:`` addresses are asked of *server*; None: the one that ``MLPROJ_TRACKING_URI`` names. Raises UsageError when
    the place is of a kind that is not known or not installed.
    """
    if str(place).startswith("mlflow-artifacts:"):
        from mlproj.artifacts.proxied import ProxiedArtifacts
        from mlproj.caller import Caller

        server = server or env_vars.TRACKING_URI.get() or ""
        if not server.startswith(("http://", "https://")):
            raise UsageError(f"{place} is with a tracking server", hint="set MLPROJ_TRACKING_URI to the address of that server")
        return ProxiedArtifacts(str(place), Caller(server))
    folder = folder_of(place)
    if folder is not None:
        return LocalArtifacts(folder)
    from mlproj.artifacts.remote import RemoteArtifacts

    return RemoteArtifacts(str(place))
