"""Reads a package that anybody may have made: nothing is believed that its hashes do not show."""

from __future__ import annotations

import hashlib
import os
import posixpath
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlproj.bundle.manifest import NAME, Manifest, Member, parse
from mlproj.errors import SourceError

MAX_BYTES = 100 * 10**9  # of all members together
MAX_MEMBERS = 500_000
_MAX_MANIFEST = 200 * 10**6  # bytes
_BLOCK = 1 << 20


class Bundle:
    """An open package whose list of members agrees with its manifest."""

    def __init__(self, archive: zipfile.ZipFile, manifest: Manifest) -> None:
        self._archive = archive
        self.manifest = manifest

    def extract(self, below: str, folder: Path) -> None:
        """Put the members below the archive's folder *below* into *folder*. Raises SourceError for one that is not what it should be."""
        links = []
        for name, member in self.manifest.members.items():
            if not name.startswith(f"{below}/"):
                continue
            place = folder.joinpath(*name.removeprefix(f"{below}/").split("/"))
            place.parent.mkdir(parents=True, exist_ok=True)
            if member.target is None:
                self._put(name, member, place)
            else:
                _check_link(name, below, member.target)
                links.append((place, member.target))
        for place, target in links:  # last, so that no file is written through one
            place.symlink_to(target)
        top = Path(os.path.realpath(folder))
        for place, target in links:  # one may lead out by way of another
            if not Path(os.path.realpath(place)).is_relative_to(top):
                raise SourceError(f"the link {place.relative_to(folder)} leads out of the package, to {target!r:.200}")

    def wrong(self) -> Iterator[str]:
        """The members whose content is not what the manifest says."""
        for name, member in self.manifest.members.items():
            if (member.target is None and self._digest(name, None) != member.sha256) or (
                member.target is not None and self._archive.read(name) != os.fsencode(member.target)
            ):
                yield name

    def _put(self, name: str, member: Member, place: Path) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC | os.O_NOFOLLOW
        descriptor = os.open(place, flags, 0o777 if member.executable else 0o666)
        if self._digest(name, descriptor) != member.sha256:
            raise SourceError(
                f"{name} is not what {NAME} says: its SHA-256 is another", hint="the file was changed or damaged; get it again"
            )

    def _digest(self, name: str, descriptor: int | None) -> str:
        """The SHA-256 of a member, which is written to *descriptor* on the way."""
        digest = hashlib.sha256()
        with self._archive.open(name) as stream, open(os.devnull if descriptor is None else descriptor, "wb") as file:  # noqa: PTH123
            while block := stream.read(_BLOCK):
                digest.update(block)
                file.write(block)
        return digest.hexdigest()


@contextmanager
def opened(file: Path) -> Iterator[Bundle]:
    """The package *file*. Raises SourceError for what is no package, or holds what no package may hold."""
    try:
        with zipfile.ZipFile(file) as archive:
            manifest = parse(_manifest(archive))
            _check(archive, manifest)
            yield Bundle(archive, manifest)
    except SourceError as error:
        raise SourceError(f"{file.name}: {error.message}", hint=error.hint) from error
    except OSError as error:
        raise SourceError(f"{file} cannot be read: {error.strerror or error}") from error
    except (zipfile.BadZipFile, zipfile.LargeZipFile, EOFError, NotImplementedError, ValueError) as error:
        raise SourceError(f"{file.name} is no package that can be read ({error})", hint="is the file whole?") from error


def _manifest(archive: zipfile.ZipFile) -> bytes:
    try:
        entry = archive.getinfo(NAME)
    except KeyError:
        raise SourceError(f"it has no {NAME}, so it is no package of mlproj", hint="mlproj package makes one") from None
    if entry.file_size > _MAX_MANIFEST:
        raise SourceError(f"its {NAME} is larger than any could be")
    if entry.compress_type != zipfile.ZIP_STORED:
        raise SourceError(f"its {NAME} is compressed, which mlproj package does not do", hint="make the package again")
    return archive.read(entry)


def _check(archive: zipfile.ZipFile, manifest: Manifest) -> None:
    """See that the archive holds the members of the manifest, once each, and nothing else or larger. Raises SourceError."""
    seen: set[str] = set()
    total = 0
    for entry in archive.infolist():
        if entry.filename == NAME and entry.filename not in seen:
            seen.add(NAME)
            continue
        member = manifest.members.get(entry.filename)
        if member is None:
            raise SourceError(f"it holds {entry.filename!r:.200}, which {NAME} does not list", hint="the file was changed; get it again")
        if entry.filename in seen:
            raise SourceError(f"it holds {entry.filename!r:.200} twice")
        if entry.compress_type != zipfile.ZIP_STORED or entry.flag_bits & 1:
            raise SourceError(f"{entry.filename!r:.200} is compressed or encrypted, which mlproj package does not do")
        expected = len(os.fsencode(member.target)) if member.target is not None else member.size
        if entry.file_size != expected:
            raise SourceError(f"{entry.filename!r:.200} has {entry.file_size} bytes, and {NAME} says {expected}")
        seen.add(entry.filename)
        total += expected
    missing = next((name for name in manifest.members if name not in seen), None)
    if missing is not None:
        raise SourceError(f"{missing} is missing in it", hint="the file was changed; get it again")
    if total > MAX_BYTES or len(seen) > MAX_MEMBERS:
        raise SourceError(f"it holds more than {MAX_BYTES // 10**9} GB or {MAX_MEMBERS} files")
    _check_tree(manifest)


def _check_tree(manifest: Manifest) -> None:
    """No member may be below another one that is a file or a link: it would be written through it."""
    for name in manifest.members:
        parent = posixpath.dirname(name)
        while parent:
            if parent in manifest.members:
                raise SourceError(f"{name!r:.200} would be written through {parent!r:.200}")
            parent = posixpath.dirname(parent)


def _check_link(name: str, below: str, target: str) -> None:
    place = posixpath.normpath(posixpath.join(posixpath.dirname(name), target))
    if target.startswith("/") or "\0" in target or not (place == below or place.startswith(f"{below}/")):
        raise SourceError(f"the link {name!r:.200} leads out of the package, to {target!r:.200}")
