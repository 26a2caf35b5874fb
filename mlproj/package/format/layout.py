"""How a package is laid out as a zip archive: what of it is not as ``mlproj package`` writes it."""

from __future__ import annotations

import itertools
import os
import struct
import zipfile
from collections.abc import Iterator
from typing import IO

from mlproj.foundation.dataclass import dataclass
from mlproj.foundation.errors import SourceError
from mlproj.package.format.manifest import NAME, Manifest, Member

_MAX_DIRECTORY = 300 * 10**6  # bytes, which are all read at once
_UTF8 = 0x800
_HEADER, _ZIP64_FIELD = 30, 20  # bytes before a member, besides its name
# The end of an archive without a comment: its directory's size and place (PKWARE's APPNOTE, 4.3.14 to 4.3.16).
_END, _LOCATOR, _END64 = struct.Struct("<4s4H2LH"), struct.Struct("<4sLQL"), struct.Struct("<4sQ2H2L4Q")
_GET_AGAIN = "the file was changed or damaged; get it again"


@dataclass(frozen=True)
class Fault:
    """Something that is not as it should be: of which member (``kind``: added, missing or changed), in a sentence, with
    what to do."""

    kind: str
    name: str
    message: str
    hint: str | None = _GET_AGAIN


def check_end(file: IO[bytes]) -> None:
    """See that *file* ends as an archive that begins where the file does, with a directory of a usual size. Raises
    SourceError."""
    size = file.seek(0, os.SEEK_END)
    ends = _LOCATOR.size + _END64.size + _END.size
    file.seek(max(0, size - ends))
    tail = file.read(ends)
    if len(tail) < _END.size or tail[-_END.size :][:4] != b"PK\5\6":
        raise SourceError("it does not end as a zip archive does", hint="is the file complete?")
    *_, length, offset, comment = _END.unpack(tail[-_END.size :])
    after = _END.size
    if tail[-_END.size - _LOCATOR.size :][:4] == b"PK\6\7" and len(tail) == ends:
        signature, _, _, _, _, _, _, _, length, offset = _END64.unpack(tail[: _END64.size])
        after = ends
        if signature != b"PK\6\6":
            raise SourceError("the end of its directory is not where it should be", hint=_GET_AGAIN)
    if comment or offset + length + after != size:
        raise SourceError("something was added before, inside or after it", hint=_GET_AGAIN)
    if length > _MAX_DIRECTORY:
        raise SourceError(f"its directory has {length} bytes, and at most {_MAX_DIRECTORY} are read")


def manifest_of(archive: zipfile.ZipFile, largest: int) -> bytes:
    """``mlproj.json``, which comes first and has at most *largest* bytes. Raises SourceError."""
    first = next(iter(archive.infolist()), None)
    if first is None or first.filename != NAME or first.header_offset != 0:
        raise SourceError(
            f"{NAME} is not the first in it, so it is no package of mlproj", hint="mlproj package makes one"
        )
    if _is_packed(first):
        raise SourceError(f"its {NAME} is compressed or encrypted, which mlproj package does not do", hint=_GET_AGAIN)
    if first.file_size > largest:
        raise SourceError(f"its {NAME} has {first.file_size} bytes, and at most {largest} are read")
    return archive.read(first)


def faults(archive: zipfile.ZipFile, manifest: Manifest) -> Iterator[Fault]:
    """What of *archive* is not as *manifest* says: members that lack, are too many, or are put in otherwise; and not
    their content."""
    listed = archive.infolist()[1:]
    seen: set[str] = set()
    for entry in listed:
        member = manifest.members.get(entry.filename)
        if member is None:
            yield Fault("added", entry.filename, f"it holds {entry.filename!r:.200}, which {NAME} does not list")
        elif entry.filename in seen:
            yield Fault("added", entry.filename, f"it holds {entry.filename!r:.200} twice")
        else:
            yield from _fault_of(entry, member)
        seen.add(entry.filename)
    for name in manifest.members:
        if name not in seen:
            yield Fault("missing", name, f"{name!r:.200} is missing in it")
    if not {*_gaps(archive)} <= {0, _ZIP64_FIELD}:
        yield Fault("changed", "the archive", "something is hidden between its members")


def _fault_of(entry: zipfile.ZipInfo, member: Member) -> Iterator[Fault]:
    name = entry.filename
    expected = len(os.fsencode(member.target)) if member.target is not None else member.size
    if _is_packed(entry):
        yield Fault("changed", name, f"{name!r:.200} is compressed or encrypted, which mlproj package does not do")
    elif entry.file_size != expected:
        yield Fault("changed", name, f"{name!r:.200} has {entry.file_size} bytes, and {NAME} says {expected}")


def _is_packed(entry: zipfile.ZipInfo) -> bool:
    return (
        entry.compress_type != zipfile.ZIP_STORED
        or entry.compress_size != entry.file_size
        or bool(entry.flag_bits & ~_UTF8)
        or entry.orig_filename != entry.filename
    )


def _gaps(archive: zipfile.ZipFile) -> Iterator[int]:
    """How many bytes are between the members, in their order; negative where they overlap."""
    entries = sorted(archive.infolist(), key=lambda entry: entry.header_offset)
    begins = [*(entry.header_offset for entry in entries[1:]), archive.start_dir]
    for entry, begin in zip(entries, begins, strict=True):
        yield begin - (entry.header_offset + _HEADER + len(entry.orig_filename.encode()) + entry.compress_size)


def check_overlap(archive: zipfile.ZipFile) -> None:
    """Members that share bytes could be more together than the file is. Raises SourceError."""
    if min(_gaps(archive), default=0) < 0:
        raise SourceError("its members overlap", hint=_GET_AGAIN)


def check_tree(manifest: Manifest) -> None:
    """No member may be below another one that is a file or a link: it would be written through it. Raises
    SourceError."""
    checked: set[str] = set()
    for name in itertools.chain(manifest.members, (f"{folder}/" for folder in manifest.folders)):
        parent = name.rpartition("/")[0]
        while parent and parent not in checked:
            if parent in manifest.members:
                raise SourceError(f"{name!r:.200} would be written through {parent!r:.200}")
            checked.add(parent)
            parent = parent.rpartition("/")[0]
