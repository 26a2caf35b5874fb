"""Archives unpacked so that nothing in them reaches outside of the folder, fills the disk, or is more than a file.

Refused: absolute names, ``..``, links that lead out, devices and pipes, encryption, and what only pretends to be small.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from mlproj.foundation.errors import SourceError

MAX_BYTES = 50 * 10**9  # of all files together
MAX_FILES = 500_000
MAX_RATIO = 200  # unpacked to packed; text seldom passes 20 …
FREE_OF_RATIO = 500 * 10**6  # … and below this many bytes nobody is hurt
_MAX_READ = 64 * 10**6  # bytes at once: tarfile reads a header of any length into memory
_PORTION = 1 << 20
_FAULTS = (
    tarfile.TarError, zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, lzma.LZMAError, EOFError,
    NotImplementedError, UnicodeError, ValueError,
)  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """One thing in an archive: a folder, a file (``content``), a symbolic link or a hard link (``target``)."""

    name: str
    kind: str
    content: IO[bytes] | None = None
    target: str = ""
    executable: bool = False


def unpack(archive: Path, folder: Path) -> None:
    """Fill the empty *folder* with what *archive* holds. Raises :class:`SourceError` for whatever is wrong with it."""
    try:
        with archive.open("rb") as file:
            start = file.read(512)
            file.seek(0)
            entries = (
                _zip_entries(file) if start[:4] in (b"PK\3\4", b"PK\5\6", b"PK\7\x08") else _tar_entries(file, start)
            )
            _Unpacking(folder, archive.stat().st_size).take(entries)
    except SourceError as error:
        raise SourceError(f"{archive.name}: {error.message}", hint=error.hint) from error
    except OSError as error:
        if error.errno is None:  # bz2's and gzip's way to say that the data are damaged
            raise _unreadable(archive, start, error) from error
        raise SourceError(f"{archive.name} could not be unpacked: {error.strerror}") from error
    except _FAULTS as error:
        raise _unreadable(archive, start, error) from error


def _unreadable(archive: Path, start: bytes, error: Exception) -> SourceError:
    looks_html = start.lstrip()[:1] == b"<"
    hint = "it looks like a web page: does the address need a login?" if looks_html else "is the file complete?"
    return SourceError(f"{archive.name} is no archive that can be read ({error or type(error).__name__})", hint=hint)


class _Unpacking:
    """Entries put into a folder one by one. Links come last, so that no file is ever written through one."""

    def __init__(self, folder: Path, packed: int) -> None:
        self._folder = folder
        self._limit = min(MAX_BYTES, max(FREE_OF_RATIO, packed * MAX_RATIO))
        self._written = 0
        self._links: list[tuple[Path, str]] = []

    def take(self, entries: Iterator[Entry]) -> None:
        for count, entry in enumerate(entries):
            if count >= MAX_FILES:
                raise SourceError(f"it holds more than {MAX_FILES} files")
            steps = safe_steps(entry.name)
            if steps:
                self._put(entry, self._folder.joinpath(*steps))
        self._make_links()

    def _put(self, entry: Entry, path: Path) -> None:
        if entry.kind == "folder":
            path.mkdir(parents=True, exist_ok=True)
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        if entry.kind == "symlink":
            self._links.append((path, entry.target))
        elif entry.kind == "hardlink":
            self._put_copy(path, self._folder.joinpath(*safe_steps(entry.target)))
        else:
            assert entry.content is not None
            self._put_file(path, entry.content, entry.executable)

    def _put_file(self, path: Path, content: IO[bytes], executable: bool) -> None:
        path.unlink(missing_ok=True)  # the last of several entries of one name counts, as for tar
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o777 if executable else 0o666)
        with os.fdopen(descriptor, "wb") as file:
            while portion := content.read(_PORTION):
                self._written += len(portion)
                if self._written > self._limit:
                    raise SourceError(
                        f"it unpacks to more than {self._limit // 10**6} MB, which its size does not justify"
                    )
                file.write(portion)

    def _put_copy(self, path: Path, original: Path) -> None:
        if not original.is_file():
            raise SourceError(f"{path.name} is a hard link to something that is not in the archive before it")
        with original.open("rb") as content:
            if path != original:
                self._put_file(path, content, os.access(original, os.X_OK))

    def _make_links(self) -> None:
        for path, target in self._links:
            if path.is_symlink():
                path.unlink()
            path.symlink_to(target)
        top = self._folder.resolve()
        for path, target in self._links:
            try:
                leaves = target.startswith("/") or not path.resolve().is_relative_to(top)
            except (OSError, RuntimeError):  # a circle leads nowhere
                leaves = False
            if leaves:
                raise SourceError(f"the link {path.relative_to(self._folder)} leads out of the archive, to {target}")


def safe_steps(name: str) -> tuple[str, ...]:
    """The folders and the file of an entry's name. Raises :class:`SourceError` when it is absolute or holds ``..``."""
    steps = [step for step in name.split("/") if step not in ("", ".")]
    if name.startswith("/") or ".." in steps or "\0" in name:
        raise SourceError(f"the entry {name!r} would be written outside of the folder")
    return tuple(steps)


def _zip_entries(file: BinaryIO) -> Iterator[Entry]:
    with zipfile.ZipFile(file) as archive:
        for info in archive.infolist():
            name = info.filename.replace("\\", "/")
            mode = info.external_attr >> 16
            if info.flag_bits & 1:
                raise SourceError(f"the entry {name!r} is encrypted", hint="unpack it yourself and run the folder")
            if info.is_dir() or name.endswith("/"):
                yield Entry(name, "folder")
            elif stat.S_ISLNK(mode):
                with archive.open(info) as content:
                    yield Entry(name, "symlink", target=os.fsdecode(content.read(4096)))
            elif stat.S_IFMT(mode) in (0, stat.S_IFREG):
                with archive.open(info) as content:
                    yield Entry(name, "file", content, executable=bool(mode & 0o100))
            else:
                raise SourceError(f"the entry {name!r} is a device or a pipe")


def _tar_entries(file: BinaryIO, start: bytes) -> Iterator[Entry]:
    with tarfile.TarFile(fileobj=cast(Any, _CheckedTarStream(_decompressed(file, start)))) as archive:
        while (member := archive.next()) is not None:
            if member.isdir():
                yield Entry(member.name, "folder")
            elif member.issym():
                yield Entry(member.name, "symlink", target=member.linkname)
            elif member.islnk():
                yield Entry(member.name, "hardlink", target=member.linkname)
            elif member.isreg():
                yield Entry(member.name, "file", archive.extractfile(member), executable=bool(member.mode & 0o100))
            else:
                raise SourceError(f"the entry {member.name!r} is a device or a pipe")
            cast(Any, archive).members.clear()  # names of a million entries are not kept


def _decompressed(file: BinaryIO, start: bytes) -> BinaryIO:
    if start.startswith(b"\x1f\x8b"):
        return cast(BinaryIO, gzip.GzipFile(fileobj=file))
    if start.startswith(b"BZh"):
        return cast(BinaryIO, bz2.BZ2File(file))
    if start.startswith(b"\xfd7zXZ\0"):
        return cast(BinaryIO, lzma.LZMAFile(file))
    return file


class _CheckedTarStream:
    """What tarfile reads from: nothing is read in one piece that would not fit into memory."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek = file.seek
        self.tell = file.tell

    def read(self, size: int) -> bytes:
        if size > _MAX_READ:
            raise tarfile.ReadError("a header is too long")
        return self._file.read(size)
