"""A copy of a project that has no history, kept with its run: a folder outside of Git is not the same tomorrow."""

from __future__ import annotations

import os
from pathlib import Path

from mlproj.tracking.outputs import Snapshot

LIMIT_COUNT = 500  # files; a run shall not wait for a copy
LIMIT_BYTES = 5_000_000  # of all files together
_BLOCK = 1 << 20


def keep(files: Snapshot, target: Path) -> bool:
    """Copy what *files* names to *target*, unless it is too much; whether it was done. Raises OSError.

    Links are not followed and not kept, nor is what no run changes: environments, caches, Git's own files.
    """
    if len(files.files) > LIMIT_COUNT or sum(size for size, *_ in files.files.values()) > LIMIT_BYTES:
        return False
    draft = target.with_name(f".{target.name}.{os.getpid()}")
    draft.mkdir(parents=True)
    for path in files.files:
        _copy(files.root / path, draft / path)
    draft.rename(target)
    return True


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:  # gone since
        return
    with os.fdopen(descriptor, "rb") as file, target.open("wb") as copy:
        while block := file.read(_BLOCK):
            copy.write(block)
        os.fchmod(copy.fileno(), os.fstat(file.fileno()).st_mode & 0o777)
