"""Where the files of runs are kept: a folder, or what fsspec reaches."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from mlproj.artifacts.local import LocalArtifacts, folder_of

if TYPE_CHECKING:
    from mlproj.artifacts.base import ArtifactStore


def open(place: str | Path) -> ArtifactStore:
    """The artifacts below *place*: a folder, a ``file:`` URI, or a URL that fsspec knows (``s3://bucket/folder``).

    Raises UsageError when it is of a kind that is not known or not installed.
    """
    folder = folder_of(place)
    if folder is not None:
        return LocalArtifacts(folder)
    from mlproj.artifacts.remote import RemoteArtifacts

    return RemoteArtifacts(str(place))
