"""Questions about files whose names somebody else chose: too long, looping, unreadable names are simply not there."""

from __future__ import annotations

import os
from pathlib import Path


def is_file(path: Path) -> bool:
    """Whether there is a regular file at *path*."""
    return os.path.isfile(path)  # noqa: PTH113  # pathlib raises for names that are too long


def is_folder(path: Path) -> bool:
    """Whether there is a folder at *path*."""
    return os.path.isdir(path)  # noqa: PTH112


def exists(path: Path) -> bool:
    """Whether there is anything at *path*."""
    return os.path.exists(path)  # noqa: PTH110


def is_within(path: Path, root: Path) -> bool:
    """Whether *path*, all links followed, is *root* or in it."""
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root))


def names(folder: Path) -> list[str]:
    """The sorted names of what is in *folder*, nothing where it cannot be read."""
    try:
        return sorted(os.listdir(folder))  # noqa: PTH208
    except (OSError, ValueError):
        return []
