"""What goes into a package: members, and where their files are until it is written."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from mlproj.foundation import file_tree
from mlproj.foundation.errors import ServiceError, UsageError
from mlproj.package.format import writing
from mlproj.package.format.manifest import Member, check_name, check_text, leads_out

REPOSITORY = ".git"


class Content:
    """Members by name with the ``places`` of their files, and ``folders`` that are empty.

    Methods raise UsageError for what no package can hold, ServiceError for what cannot be read.
    """

    def __init__(self, staging: Path) -> None:
        self.members: dict[str, Member] = {}
        self.places: dict[str, Path] = {}
        self.folders: list[str] = []
        self._staging = staging

    def add_file(self, name: str, place: Path) -> str:
        """Put the file *place* in as *name*, which is returned. One of that name must be the same file."""
        _check(name)
        try:
            self._put(name, writing.member_of(place), place)
        except OSError as error:
            raise _unreadable(place, error) from error
        return name

    def add_bytes(self, name: str, content: bytes) -> None:
        """Put *content* in as *name*."""
        place = self._staging / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        self.add_file(name, place)

    def add_folder(self, folder: Path, below: str, *, without: str | None = None) -> None:
        """Put every file and link in *folder* in, below the archive's folder *below*, but for what is called
        *without*."""
        try:
            for place, folders, files in _walk(folder, without):
                where = _name(place, folder, below)
                if not folders and not files and place != folder:
                    _check(where)
                    self.folders.append(where)
                for path in (*(place / name for name in files), *(place / name for name in folders)):
                    self._add(path, _name(path, folder, below), folder, below)
        except OSError as error:
            raise _unreadable(Path(str(error.filename or folder)), error) from error

    def _add(self, path: Path, name: str, folder: Path, below: str) -> None:
        _check(name)
        if path.is_symlink():
            target = os.readlink(path)  # noqa: PTH115  # as it is written
            _check_link(path, name, target, folder, below)
            self._put(name, Member(target=target), path)
        elif path.is_file():
            self._put(name, writing.member_of(path), path)

    def _put(self, name: str, member: Member, place: Path) -> None:
        if self.members.get(name, member) != member:
            raise UsageError(f"two different files would be {name} in the package")
        self.members[name], self.places[name] = member, place


def _walk(folder: Path, without: str | None) -> Iterator[tuple[Path, list[str], list[str]]]:
    def fail(error: OSError) -> None:
        raise error

    for place, folders, files in file_tree.walk(folder, onerror=fail):
        folders[:] = [name for name in folders if name != without]
        yield Path(place), folders, [name for name in files if name != without]


def _name(path: Path, folder: Path, below: str) -> str:
    relative = path.relative_to(folder).as_posix()
    return below if relative == "." else f"{below}/{relative}"


def _check(name: str) -> None:
    try:
        check_name(name)
    except ValueError as error:
        raise UsageError(f"{error}, so it cannot be put into a package", hint="rename it") from error


def _check_link(path: Path, name: str, target: str, folder: Path, below: str) -> None:
    shown = name.partition("/")[2]
    try:
        check_text(target)
    except ValueError as error:
        raise UsageError(f"the link {shown} cannot be put into a package: {error}") from error
    if leads_out(name, below, target) or not Path(os.path.realpath(path)).is_relative_to(os.path.realpath(folder)):
        raise UsageError(
            f"the link {shown} leads out of what is packaged, to {target!r:.200}, which would not be in the package",
            hint="put what it leads to in its place, or let the program take it by a parameter of type path",
        )


def _unreadable(place: Path, error: OSError) -> ServiceError:
    return ServiceError(f"{place} cannot be read: {error.strerror}")
