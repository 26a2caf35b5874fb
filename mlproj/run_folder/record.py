"""What the folder of a run holds (its plan, definition, lock, diff, output): on this machine, else among its artifacts
with the server."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import IO

from mlproj import artifacts
from mlproj.artifacts.base import ArtifactStore
from mlproj.foundation import paths, plain_file
from mlproj.foundation.errors import MlprojError

FOLDER = "mlproj"
"""The folder among a run's artifacts that a run recorded on another machine has these files in."""


def read(
    run_id: str,
    artifact_uri: str,
    name: str,
    *,
    last: int | None = None,
    opened: Callable[[str], ArtifactStore] = artifacts.open_recorded,
) -> bytes | None:
    """The content of the file *name* of a run's record, its *last* bytes only when that is given; None when it is
    nowhere.

    *opened* gives the artifacts at a place. A file with a server that cannot be reached counts as none: who looks at a
    run sees the rest of it.
    """
    try:
        stream = open(run_id, artifact_uri, name, opened=opened)
        if stream is None:
            return None
        with stream:
            if last is not None and stream.seekable():
                stream.seek(max(0, stream.seek(0, os.SEEK_END) - last))
            content = stream.read()
    except (MlprojError, OSError):
        return None
    return content if last is None else content[-last:]


def open(
    run_id: str, artifact_uri: str, name: str, *, opened: Callable[[str], ArtifactStore] = artifacts.open_recorded
) -> IO[bytes] | None:
    """The file *name* of a run's record, for reading; None when it is nowhere. As :func:`read`."""
    name = Path(name).name
    try:
        return plain_file.opened(paths.run_dir(run_id) / name)
    except (OSError, ValueError):  # a name that no file has
        pass
    try:
        return opened(artifact_uri).open(f"{FOLDER}/{name}")
    except (MlprojError, OSError):
        return None
