"""What a file is called in a message: what people can open from where they stand."""

from __future__ import annotations

import os
from pathlib import Path

from mlproj.foundation import paths


def from_here(path: Path, root: Path | None = None) -> str:
    """*path* from the current folder on; within a checkout, which nobody will find again, from the *root* of its source
    on."""
    if path.is_relative_to(paths.cache()):
        return str(path.relative_to(root)) if root is not None and path.is_relative_to(root) else path.name
    try:
        return os.path.relpath(path)
    except OSError:  # there is no current folder
        return str(path)
