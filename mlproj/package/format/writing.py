"""Writes a package, whole or not at all."""

from __future__ import annotations

import fcntl
import glob
import hashlib
import os
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from mlproj.foundation.digest import sha256_of_stream
from mlproj.foundation.errors import ServiceError
from mlproj.package.format.manifest import NAME, Manifest, Member, parse

_FIRST_DAY = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip archive can say
_UNIX = 3
_FILE, _LINK = 0o100000, 0o120000
_BLOCK = 1 << 20


def member_of(file: Path) -> Member:
    """A file as a member. Raises OSError."""
    with file.open("rb") as stream:
        digest, status = sha256_of_stream(stream), os.fstat(stream.fileno())
    return Member(digest, status.st_size, bool(status.st_mode & 0o100))


def write(target: Path, manifest: Manifest, places: Mapping[str, Path]) -> str:
    """Write the package *target* and return its digest; *places* has the file for each member.

    Raises ServiceError when it cannot be written, SourceError for a manifest that nobody could read.
    """
    text = manifest.text()
    parse(text.encode())
    try:
        with _draft(target) as (draft, file):
            with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
                archive.writestr(_entry(NAME, _FILE | 0o644), text)
                for name in sorted(manifest.members):
                    _put(archive, name, manifest.members[name], places[name])
            draft.replace(target)
    except OSError as error:
        raise ServiceError(f"{target} cannot be written: {error.strerror}") from error
    return hashlib.sha256(text.encode()).hexdigest()


@contextmanager
def _draft(target: Path) -> Iterator[tuple[Path, IO[bytes]]]:
    """A file beside *target*, which is gone afterwards unless it was renamed; locked as long as it is written.

    What a killed process left there is removed first.
    """
    beginning = f".{target.name[:200]}."
    for left in target.parent.glob(f"{glob.escape(beginning)}*.part"):
        _sweep(left)
    draft = target.with_name(f"{beginning}{os.urandom(4).hex()}.part")
    with draft.open("x+b") as file:
        try:
            with suppress(OSError):  # a file system without locks
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield draft, file
        finally:
            draft.unlink(missing_ok=True)


def _sweep(left: Path) -> None:
    with suppress(OSError), left.open("rb") as file:  # held by whoever writes it, or a file system without locks
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        left.unlink()


def _put(archive: zipfile.ZipFile, name: str, member: Member, place: Path) -> None:
    if member.target is not None:
        archive.writestr(_entry(name, _LINK | 0o777), member.target)
        return
    entry = _entry(name, _FILE | (0o755 if member.executable else 0o644))
    entry.file_size = member.size
    with archive.open(entry, "w", force_zip64=member.size >= zipfile.ZIP64_LIMIT) as stream, place.open("rb") as file:
        digest = sha256_of_stream(file, stream.write)
    if digest != member.sha256:
        raise ServiceError(f"{place} was changed while it was packed", hint="try again")


def _entry(name: str, mode: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _FIRST_DAY)
    entry.create_system, entry.external_attr, entry.compress_type = _UNIX, mode << 16, zipfile.ZIP_STORED
    return entry
