"""The layer of a packaged image that has the project's files, the launcher and what it goes by: the same bytes for the
same content."""

from __future__ import annotations

import io
import json
import os
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mlproj.environments.containers.settings import WORKDIR
from mlproj.foundation.dataclass import dataclass
from mlproj.foundation.digest import sha256_of_file
from mlproj.package import launcher, launcher_file

FOLDER = WORKDIR.rpartition("/")[0]
"""Where everything of it is: above the project's folder, which somebody may mount."""

_REPOSITORY = ".git"
_BLOCK = 1 << 20


@dataclass(frozen=True)
class Layer:
    """The archive, how many ``files`` of the project are in it, and its SHA-256."""

    archive: Path
    files: int
    sha256: str


def write(target: Path, project_dir: Path, data: Mapping[str, Any], moment: int) -> Layer:
    """Write the layer to *target*; all its files are of *moment*, in seconds since 1970. Raises OSError.

    Whoever runs a container can read the files, and write beside them: it may be run as anybody.
    """
    top = FOLDER.lstrip("/")
    text = json.dumps(data, indent=1, sort_keys=True) + "\n"
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as archive:
        for name in (top.partition("/")[0], top):
            archive.addfile(_entry(name, moment, tarfile.DIRTYPE, 0o755))
        for name, content in ((launcher_file.NAME, launcher_file.content()), (launcher.DATA, text.encode())):
            entry = _entry(f"{top}/{name}", moment, tarfile.REGTYPE, 0o644)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        archive.addfile(_entry(WORKDIR.lstrip("/"), moment, tarfile.DIRTYPE, 0o777))
        files = _add_folder(archive, WORKDIR, project_dir, moment, 0o777)
    return Layer(target, files, sha256_of_file(target))


def of_folders(target: Path, folders: Mapping[str, Path], texts: Mapping[str, bytes], moment: int) -> Layer:
    """Write a layer with *folders* and files, each under its absolute path in the image, which whoever runs a container
    can read only. Raises OSError."""
    parents = {parent for name in (*folders, *texts) for parent in Path(name).parents if parent != Path("/")}
    files = len(texts)
    with tarfile.open(target, "w", format=tarfile.PAX_FORMAT) as archive:
        for name in sorted({*map(str, parents), *folders}):
            archive.addfile(_entry(name.lstrip("/"), moment, tarfile.DIRTYPE, 0o755))
        for name, content in sorted(texts.items()):
            entry = _entry(name.lstrip("/"), moment, tarfile.REGTYPE, 0o644)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
        for name, folder in sorted(folders.items()):
            files += _add_folder(archive, name, folder, moment, 0o755)
    return Layer(target, files, sha256_of_file(target))


def _add_folder(archive: tarfile.TarFile, name: str, folder: Path, moment: int, mode: int) -> int:
    """Add what is in *folder* under *name*, folders with *mode*; how many files and links these are."""
    files = 0
    for place in _places(folder):
        _add(archive, f"{name}/{place.relative_to(folder).as_posix()}".lstrip("/"), place, moment, mode)
        files += not place.is_dir() or place.is_symlink()
    return files


def _places(folder: Path) -> Iterator[Path]:
    """Every folder, file and link in *folder* in the same order everywhere, but for what is Git's own."""
    for place in sorted(folder.iterdir(), key=lambda place: os.fsencode(place.name)):
        if place.name == _REPOSITORY:
            continue
        if place.is_symlink() or place.is_file() or place.is_dir():
            yield place
        if place.is_dir() and not place.is_symlink():
            yield from _places(place)


def _add(archive: tarfile.TarFile, name: str, place: Path, moment: int, folder_mode: int) -> None:
    if place.is_symlink():
        entry = _entry(name, moment, tarfile.SYMTYPE, 0o777)
        entry.linkname = os.readlink(place)  # noqa: PTH115  # as it is written
        archive.addfile(entry)
    elif place.is_dir():
        archive.addfile(_entry(name, moment, tarfile.DIRTYPE, folder_mode))
    else:
        with place.open("rb") as stream:
            status = os.fstat(stream.fileno())
            entry = _entry(name, moment, tarfile.REGTYPE, 0o755 if status.st_mode & 0o100 else 0o644)
            entry.size = status.st_size
            archive.addfile(entry, stream)


def _entry(name: str, moment: int, kind: bytes, mode: int) -> tarfile.TarInfo:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode, entry.mtime = kind, mode, moment
    return entry
