"""Writes a package, whole or not at all."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path

from mlproj.bundle.manifest import NAME, Manifest, Member
from mlproj.errors import ServiceError

_FIRST_DAY = (1980, 1, 1, 0, 0, 0)  # the earliest that a zip archive can say
_UNIX = 3
_FILE, _LINK = 0o100000, 0o120000
_REPOSITORY = ".git"
_BLOCK = 1 << 20


def members_of(folder: Path, below: str) -> dict[str, tuple[Member, Path]]:
    """Every file and link in *folder* as a member below the archive's folder *below*, but for what is Git's own.

    Raises OSError, and ValueError for names that no package can hold.
    """
    found = {}
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name != _REPOSITORY]
        links = [name for name in folders if Path(place, name).is_symlink()]
        for name in (*(name for name in files if name != _REPOSITORY), *links):
            path = Path(place, name)
            relative = path.relative_to(folder).as_posix()
            relative.encode("utf-8")  # a UnicodeEncodeError, which is a ValueError, for names that no JSON can hold
            if path.is_symlink():
                found[f"{below}/{relative}"] = Member(target=os.readlink(path)), path  # noqa: PTH115  # as it is written
            elif path.is_file():
                found[f"{below}/{relative}"] = member_of(path), path
    return found


def member_of(file: Path) -> Member:
    """A file as a member. Raises OSError."""
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while block := stream.read(_BLOCK):
            digest.update(block)
        status = os.fstat(stream.fileno())
    return Member(digest.hexdigest(), status.st_size, bool(status.st_mode & 0o100))


def write(target: Path, manifest: Manifest, places: Mapping[str, Path]) -> None:
    """Write the package *target*; *places* has the file for each member. Raises ServiceError when it cannot be written."""
    draft = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with zipfile.ZipFile(draft, "x", zipfile.ZIP_STORED) as archive:
            archive.writestr(_entry(NAME, _FILE | 0o644), manifest.text())
            for name in sorted(manifest.members):
                _put(archive, name, manifest.members[name], places[name])
        draft.replace(target)
    except OSError as error:
        raise ServiceError(f"{target} cannot be written: {error.strerror}") from error
    finally:
        draft.unlink(missing_ok=True)


def _put(archive: zipfile.ZipFile, name: str, member: Member, place: Path) -> None:
    if member.target is not None:
        archive.writestr(_entry(name, _LINK | 0o777), member.target)
        return
    entry = _entry(name, _FILE | (0o755 if member.executable else 0o644))
    entry.file_size = member.size
    digest = hashlib.sha256()
    with archive.open(entry, "w", force_zip64=member.size >= zipfile.ZIP64_LIMIT) as stream, place.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
            stream.write(block)
    if digest.hexdigest() != member.sha256:
        raise ServiceError(f"{place} was changed while it was packed", hint="try again")


def _entry(name: str, mode: int) -> zipfile.ZipInfo:
    entry = zipfile.ZipInfo(name, _FIRST_DAY)
    entry.create_system, entry.external_attr, entry.compress_type = _UNIX, mode << 16, zipfile.ZIP_STORED
    return entry
