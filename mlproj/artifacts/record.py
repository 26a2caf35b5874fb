"""What the folder of a run holds (its plan, lock, diff, output): on this machine, else among its artifacts with the server."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from mlproj import artifacts, paths
from mlproj.artifacts.base import ArtifactStore
from mlproj.errors import MlprojError

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
    """The content of the file *name* of a run's record, its *last* bytes only when that is given; None when it is nowhere.

    *opened* gives the artifacts at a place. A file with a server that cannot be reached counts as none: who looks at a run sees
    the rest of it.
    """
    try:
        with (paths.run_dir(run_id) / Path(name).name).open("rb") as file:
            if last is not None:
                file.seek(max(0, os.fstat(file.fileno()).st_size - last))
            return file.read()
    except OSError:
        pass
    try:
        with opened(artifact_uri).open(f"{FOLDER}/{Path(name).name}") as kept:
            content = kept.read()
    except (MlprojError, OSError):
        return None
    return content if last is None else content[-last:]
