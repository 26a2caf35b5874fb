"""Reads a package of unknown origin: nothing is believed that its hashes do not show."""

from __future__ import annotations

import hashlib
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from mlproj.foundation.digest import sha256_of_stream
from mlproj.foundation.errors import ServiceError, SourceError
from mlproj.package.format import layout
from mlproj.package.format.layout import Fault
from mlproj.package.format.manifest import NAME, Manifest, Member, leads_out, parse

_MAX_MANIFEST = 100 * 10**6  # bytes
_BLOCK = 1 << 20


class Bundle:
    """An open package. ``digest`` is the SHA-256 of its manifest, and so of the whole: that has the hash of every
    file."""

    def __init__(self, archive: zipfile.ZipFile, manifest: Manifest, digest: str) -> None:
        self._archive = archive
        self.manifest = manifest
        self.digest = digest

    def extract(self, below: str, folder: Path, *, read_only: bool = False) -> None:
        """Put the members below the archive's folder *below* into *folder*.

        Raises SourceError for one that is not what it should be, ServiceError when it cannot be written.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._extract(below, folder, 0o444 if read_only else 0o666)
        except FileExistsError as error:
            raise SourceError(
                f"the file system here cannot hold two of its names beside each other: {error.filename}"
            ) from error
        except OSError as error:
            raise ServiceError(f"the package cannot be unpacked into {folder}: {error.strerror}") from error

    def _extract(self, below: str, folder: Path, mode: int) -> None:
        links = []
        for name in self.manifest.folders:
            if name.startswith(f"{below}/"):
                _place(name, below, folder).mkdir(parents=True, exist_ok=True)
        for name, member in self.manifest.members.items():
            if not name.startswith(f"{below}/"):
                continue
            place = _place(name, below, folder)
            place.parent.mkdir(parents=True, exist_ok=True)
            if member.target is None:
                self._put(name, member, place, mode)
            elif leads_out(name, below, member.target):
                raise _leads_out(name, member.target)
            else:
                links.append((place, member.target))
        for place, target in links:  # last, so that no file is written through one
            place.symlink_to(target)
        top = os.path.realpath(folder)
        for place, target in links:  # one may lead out by way of another
            if not Path(os.path.realpath(place)).is_relative_to(top):
                raise _leads_out(place.relative_to(folder).as_posix(), target)

    def text(self, name: str) -> bytes | None:
        """The content of the member *name*, None when there is none. Raises SourceError when it is another than it
        should be."""
        member = self.manifest.members.get(name)
        if member is None or member.target is not None:
            return None
        content = self._archive.read(name)
        if hashlib.sha256(content).hexdigest() != member.sha256:
            raise _changed(name)
        return content

    def faults(self) -> Iterator[Fault]:
        """Everything that is not as the manifest says, the content of its files as well."""
        found = list(layout.faults(self._archive, self.manifest))
        yield from found
        faulty = {fault.name for fault in found}
        for name, member in self.manifest.members.items():
            if name not in faulty and not self._is_whole(name, member):
                yield Fault("changed", name, f"{name!r:.200} has other content than before")

    def _is_whole(self, name: str, member: Member) -> bool:
        expected = member.sha256 if member.target is None else hashlib.sha256(os.fsencode(member.target)).hexdigest()
        with open(os.devnull, "wb") as nowhere:  # noqa: PTH123  # it is no file
            return self._copy(name, nowhere) == expected

    def _put(self, name: str, member: Member, place: Path, mode: int) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        executable = (mode & 0o444) >> 2 if member.executable else 0
        with os.fdopen(os.open(place, flags, mode | executable), "wb") as file:
            digest = self._copy(name, file)
        if digest != member.sha256:
            raise _changed(name)

    def _copy(self, name: str, file: IO[bytes]) -> str:
        """The SHA-256 of a member, which is written to *file*; of as much of it as can be read."""
        try:
            with self._archive.open(name) as stream:
                return sha256_of_stream(stream, file.write)
        except (zipfile.BadZipFile, EOFError):  # what the archive itself says of a member is of no interest
            return ""


@contextmanager
def opened(file: Path, name: str | None = None) -> Iterator[Bundle]:
    """The package *file*, called *name* in messages. Raises SourceError for what is no package, or holds what no
    package may hold."""
    with inspected(file, name) as bundle:
        fault = next(layout.faults(bundle._archive, bundle.manifest), None)
        if fault:
            raise SourceError(fault.message, hint=fault.hint)
        yield bundle


@contextmanager
def inspected(file: Path, name: str | None = None) -> Iterator[Bundle]:
    """As :func:`opened`, for a package whose faults are to be listed; it is at least one whose manifest can be read."""
    name = name or file.name
    try:
        with file.open("rb") as stream:
            layout.check_end(stream)
            with zipfile.ZipFile(stream) as archive:
                text = layout.manifest_of(archive, _MAX_MANIFEST)
                manifest = parse(text)
                layout.check_tree(manifest)
                layout.check_overlap(archive)
                yield Bundle(archive, manifest, hashlib.sha256(text).hexdigest())
    except SourceError as error:
        raise SourceError(f"{name}: {error.message}", hint=error.hint) from error
    except OSError as error:
        raise SourceError(f"{file} cannot be read: {error.strerror or error}") from error
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, NotImplementedError, ValueError) as error:
        raise SourceError(f"{name} is no package that can be read ({error})", hint="is the file complete?") from error


def _place(name: str, below: str, folder: Path) -> Path:
    return folder.joinpath(*name.removeprefix(f"{below}/").split("/"))


def _leads_out(name: str, target: str) -> SourceError:
    return SourceError(f"the link {name!r:.200} leads out of the package, to {target!r:.200}")


def _changed(name: str) -> SourceError:
    return SourceError(
        f"{name!r:.200} is not what {NAME} says: its SHA-256 is another",
        hint="the file was changed or damaged; get it again",
    )
