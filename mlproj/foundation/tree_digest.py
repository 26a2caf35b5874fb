"""A hash over the files and links of a folder, which a package's list of members and the folder itself have in
common."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from mlproj.foundation import file_tree
from mlproj.foundation.sha256 import sha256

SNAPSHOT = "snapshot"
"""In the record's ``source``: the digest of the copy of the project that was kept with the run."""
MASKED = "masked"
"""In the record's ``source``: the parameters whose defaults are masked in that copy."""


def file_entry(sha256: str, executable: bool) -> str:
    """What counts of a file."""
    return f"{'program' if executable else 'file'} {sha256}"


def link_entry(target: str) -> str:
    """What counts of a symbolic link."""
    return f"link {sha256(os.fsencode(target)).hexdigest()}"


def tree_digest(entries: Mapping[str, str]) -> str:
    """The SHA-256 over *entries*, by their paths; empty folders do not count."""
    digest = sha256()
    for name in sorted(entries, key=os.fsencode):
        digest.update(os.fsencode(name) + b"\0" + entries[name].encode() + b"\n")
    return digest.hexdigest()


def folder_digest(folder: Path) -> str:
    """The digest of the files and links below *folder*. Raises OSError."""
    entries: dict[str, str] = {}
    for place, folders, files in file_tree.walk(folder, onerror=_fail):
        for path in (Path(place, name) for name in (*folders, *files)):
            name = str(path.relative_to(folder))
            if path.is_symlink():
                entries[name] = link_entry(os.readlink(path))  # noqa: PTH115  # as it is written
            elif path.is_file():
                content = sha256(path.read_bytes()).hexdigest()
                entries[name] = file_entry(content, bool(path.stat().st_mode & 0o100))
    return tree_digest(entries)


def _fail(error: OSError) -> None:
    raise error
