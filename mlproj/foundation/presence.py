"""What is at a path that is not ours: a folder that may not be read, a path that is too long, a circle of links hold
nothing for us.

pathlib raises for some of these before Python 3.14.
"""

from __future__ import annotations

import os
from pathlib import Path


def is_file(path: Path | str) -> bool:
    """Whether there is a regular file that can be seen."""
    return os.path.isfile(path)  # noqa: PTH113


def is_folder(path: Path | str) -> bool:
    """Whether there is a folder that can be seen."""
    return os.path.isdir(path)  # noqa: PTH112


def exists(path: Path | str) -> bool:
    """Whether there is anything that can be seen."""
    return os.path.exists(path)  # noqa: PTH110


def current_folder() -> Path | None:
    """The folder that this process stands in; None when it was removed, or may not be seen."""
    try:
        return Path.cwd()
    except OSError:
        return None
