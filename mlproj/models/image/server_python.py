"""A Python for the server in an image that has none which is new enough: a copy of the one that runs here."""

from __future__ import annotations

import sys
from pathlib import Path

from mlproj.environments.base import Prepared
from mlproj.foundation.errors import EnvironmentFailure
from mlproj.foundation.progress import Progress
from mlproj.models.image import place

VERSION = sys.version_info[:2]


def copy(staging: Path, base: str, progress: Progress) -> tuple[Path, str]:
    """The folder with the copy, and its program in the image. Raises EnvironmentFailure when this Python cannot be put
    elsewhere."""
    from mlproj.package import moved_python

    here = Path(sys.executable).parent
    version = ".".join(map(str, sys.version_info[:3]))
    moved = moved_python.copy_python(Prepared(path=(here,), python=version), staging / "python", progress)
    if moved.folder is None or moved.described is None:
        raise EnvironmentFailure(
            f"the image {base} has no Python 3.10 or newer, which the server needs, and the one here cannot be copied",
            hint="--base IMAGE names one that has it besides the model's, or run mlproj on a Python that uv installed",
        )
    return moved.folder, f"{place.PYTHON}/bin/{Path(moved.described['program']).name}"
