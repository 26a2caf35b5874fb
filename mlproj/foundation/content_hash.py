"""What files hold, as a hash."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

from mlproj.foundation import file_tree, presence
from mlproj.foundation.digest import portions_of, sha256_of_portions


def measure(path: Path) -> tuple[str | None, int | None]:
    """SHA-256 and size in bytes of the file or folder *path*; (None, None) where it cannot be read.

    A folder's hash is over the sorted relative names and the hashes of its files, its size their sum. Links to files
    count as what they point to, links to folders and special files are left out.
    """
    try:
        return _folder(path) if presence.is_folder(path) else _file(path)
    except OSError:
        return None, None


def _file(path: Path) -> tuple[str | None, int | None]:
    if not presence.is_file(path):
        return None, None
    with path.open("rb") as stream:
        return sha256_of_portions(portions_of(stream))


def _folder(path: Path) -> tuple[str, int]:
    digest, total = hashlib.sha256(), 0
    for name in sorted(_names(path), key=os.fsencode):
        file_digest, size = _file(path / name)
        if file_digest is not None and size is not None:
            digest.update(os.fsencode(name) + b"\0" + file_digest.encode() + b"\n")
            total += size
    return digest.hexdigest(), total


def _names(path: Path) -> Iterator[str]:
    for folder, _folders, files in file_tree.walk(path):
        for name in files:
            yield str(Path(folder, name).relative_to(path))
