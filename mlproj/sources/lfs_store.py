"""The contents of Git LFS files that are here, where git-lfs would put them too: ``objects/ab/cd/abcd…``, by
SHA-256."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from mlproj.foundation.digest import sha256_of_stream
from mlproj.foundation.errors import SourceError
from mlproj.sources.lfs_pointer import Pointer

_PORTION = 1 << 20  # bytes
_ABANDONED = 86_400.0  # seconds after which a part of a file is nobody's any more


class Store:
    """A folder of contents. What it gives away was checked against its hash."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, oid: str) -> Path:
        """Where the content *oid* is, or would be."""
        return self.folder / "objects" / oid[:2] / oid[2:4] / oid

    def has(self, pointer: Pointer) -> bool:
        """Whether a file of that name and size is here."""
        try:
            return pointer.oid is not None and self.path(pointer.oid).stat().st_size == pointer.size
        except OSError:
            return False

    def room(self) -> int:
        """How many bytes the disk has left."""
        self.folder.mkdir(parents=True, exist_ok=True)
        return shutil.disk_usage(self.folder).free

    @contextmanager
    def adding(self, oid: str) -> Iterator[IO[bytes]]:
        """A file to write the content *oid* to; it is in the store when the block ends well, and gone when it does
        not."""
        temporary = self.folder / "tmp" / f"{oid}-{os.getpid()}-{os.urandom(4).hex()}"
        temporary.parent.mkdir(parents=True, exist_ok=True)
        try:
            with temporary.open("xb") as file:
                yield file
            self.path(oid).parent.mkdir(parents=True, exist_ok=True)
            temporary.replace(self.path(oid))
        finally:
            temporary.unlink(missing_ok=True)

    def add(self, pointer: Pointer, source: Path) -> bool:
        """Take the content from the file *source*, if that is it."""
        assert pointer.oid is not None
        with suppress(OSError, SourceError), source.open("rb") as file, self.adding(pointer.oid) as target:
            copy_checked(file, target, pointer.oid)
            return True
        return False

    def put(self, pointer: Pointer, folder: Path) -> bool:
        """Make the file of *pointer* in *folder* the content itself; False, and it is dropped here, when it is not what
        it should be."""
        assert pointer.oid is not None
        target = folder / pointer.path
        temporary = target.with_name(f".{pointer.oid[:16]}.{os.getpid()}")
        try:
            with self.path(pointer.oid).open("rb") as file, temporary.open("xb") as copy:
                copy_checked(file, copy, pointer.oid)
            shutil.copymode(target, temporary)
            temporary.replace(target)
            return True
        except SourceError:
            self.path(pointer.oid).unlink(missing_ok=True)
            return False
        finally:
            temporary.unlink(missing_ok=True)

    def sweep(self) -> None:
        """Remove parts of files that killed processes left."""
        with suppress(OSError):
            for part in (self.folder / "tmp").iterdir():
                if part.is_file() and time.time() - part.stat().st_mtime > _ABANDONED:
                    part.unlink(missing_ok=True)


def copy_checked(source: IO[bytes], target: IO[bytes], oid: str) -> None:
    """Copy *source* to *target*. Raises SourceError when it is not the content *oid*."""
    if sha256_of_stream(source, target.write) != oid:
        raise SourceError("its content has another hash")
