"""What a project is called in reports: the same whether it could be run or not, so that a CI server sees one
history."""

from __future__ import annotations

import os
from pathlib import Path

from mlproj.foundation.redaction import mask_url


def project_name(uri: str) -> str:
    """The last part of what names a project, ``URI`` or ``URI#sub/folder``; of ``.`` the folder's name."""
    where, _hash, inside = mask_url(uri).partition("#")
    place = os.path.realpath(where) if where and Path(where).is_dir() else where
    return (inside or place).rstrip("/").removesuffix(".git").replace(":", "/").rpartition("/")[2] or "project"
