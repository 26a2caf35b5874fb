"""Moves an installed environment: what names the folder it was built in comes to name the one it will be in.

conda writes the folder into scripts, libraries and programs. Where the new path is as long as the old one it can be put
in its place, in any file.
"""

from __future__ import annotations

import mmap
import os
from pathlib import Path

from mlproj.environments.python import shebang
from mlproj.foundation import file_tree


def move(prefix: Path, final: Path) -> None:
    """Let all files and links below *prefix* that name it name *final*, whose path is as long. Nothing is moved."""
    built, new = os.fsencode(prefix), os.fsencode(final)
    assert len(built) == len(new)
    for folder, folders, files in file_tree.walk(prefix):
        for place in (Path(folder, name) for name in (*folders, *files)):
            if place.is_symlink():
                _link(place, built, new)
            elif place.is_file() and _names(place, built):
                _file(place, built, new)


def _link(place: Path, built: bytes, new: bytes) -> None:
    target = os.fsencode(place.readlink())
    if target == built or target.startswith(built + b"/"):
        place.unlink()
        place.symlink_to(os.fsdecode(new + target[len(built) :]))


def _names(place: Path, built: bytes) -> bool:
    with place.open("rb") as stream:
        if os.fstat(stream.fileno()).st_size < len(built):
            return False
        with mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as content:
            return content.find(built) >= 0


def _file(place: Path, built: bytes, new: bytes) -> None:
    status = place.stat()
    shebang.replace(place, place.read_bytes().replace(built, new))
    # Byte code is that of a source of this time and size.
    os.utime(place, ns=(status.st_atime_ns, status.st_mtime_ns))
