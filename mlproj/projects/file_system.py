"""Questions about files whose names others chose: too long, looping, unreadable names are simply not there."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path


def is_file(path: Path) -> bool:
    """Whether there is a regular file at *path*."""
    return _is(os.path.isfile, path)  # pathlib raises for names that are too long


def is_folder(path: Path) -> bool:
    """Whether there is a folder at *path*."""
    return _is(os.path.isdir, path)


def exists(path: Path) -> bool:
    """Whether there is anything at *path*."""
    return _is(os.path.exists, path)


def is_within(path: Path, root: Path) -> bool:
    """Whether *path*, all links followed, is *root* or in it."""
    return Path(os.path.realpath(path)).is_relative_to(os.path.realpath(root))


def names(folder: Path) -> list[str]:
    """The sorted names of what is in *folder*, nothing where it cannot be read."""
    try:
        return sorted(os.listdir(folder))  # noqa: PTH208
    except (OSError, ValueError):
        return []


def _is(question: Callable[[Path | bytes], bool], path: Path) -> bool:
    try:
        return question(path)
    except UnicodeEncodeError:  # of Python 3.6, in an image that sets no language
        return question(str(path).encode("utf-8", "surrogateescape"))
