"""Where a crate is written: a folder or a zip archive, there whole at the end or not at all."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Protocol

from mlproj.artifacts.local import LocalArtifacts
from mlproj.export.ro_crate.entity import METADATA
from mlproj.foundation import paths
from mlproj.foundation.errors import ServiceError, UsageError

_EPOCH = (1980, 1, 1, 0, 0, 0)  # the first moment that a zip archive knows


class Target(Protocol):
    """Takes the files of a crate."""

    def create(self, path: str) -> AbstractContextManager[Callable[[bytes], object]]:
        """Write the file *path*: the block is given a function that takes its bytes in portions."""


@contextmanager
def opened(place: Path, *, replace: bool) -> Iterator[Target]:
    """Where to write the crate at *place*, an archive if it is named ``….zip``. It is there when the block ends without
    an error.

    What is there already is in the way unless *replace*, and then only a crate or an empty folder is replaced. Raises
    UsageError, ServiceError.
    """
    is_archive = place.suffix.lower() == ".zip"
    _check(place, is_archive, replace)
    try:
        with paths.temporary_folder(place.absolute().parent, ".mlproj-crate-") as folder:
            draft = folder / "crate"
            if is_archive:
                with zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as archive:
                    yield _Archive(archive)
                draft.replace(place)
            else:
                draft.mkdir()
                yield LocalArtifacts(draft)
                _put_in_place(draft, place, folder / "old")
    except OSError as error:
        raise ServiceError(f"the crate cannot be written to {place}: {error.strerror or error}") from error


def _put_in_place(draft: Path, place: Path, old: Path) -> None:
    with suppress(FileNotFoundError):
        place.rename(old)
    try:
        draft.rename(place)
    except OSError:
        if old.exists():
            old.rename(place)
        raise


def _check(place: Path, is_archive: bool, replace: bool) -> None:
    parent = place.absolute().parent
    if not parent.is_dir():
        raise UsageError(f"there is no folder {parent} to write the crate to")
    if not os.path.lexists(place):
        return
    if place.is_symlink() or not (_is_crate_archive(place) if is_archive else _is_crate_folder(place)):
        raise UsageError(
            f"{place} is there already and no crate, so nothing will replace it", hint="name another file or folder"
        )
    if not replace:
        raise UsageError(f"{place} is there already", hint="name another file or folder, or replace it with --force")


def _is_crate_folder(place: Path) -> bool:
    return place.is_dir() and ((place / METADATA).is_file() or not any(place.iterdir()))


def _is_crate_archive(place: Path) -> bool:
    try:
        with zipfile.ZipFile(place) as archive:
            return METADATA in archive.namelist()
    except (OSError, zipfile.BadZipFile):
        return False


class _Archive:
    """A zip archive that tells nothing of when and by whom it was made."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    @contextmanager
    def create(self, path: str) -> Iterator[Callable[[bytes], object]]:
        """As :meth:`Target.create`."""
        entry = zipfile.ZipInfo(path, _EPOCH)
        entry.compress_type = zipfile.ZIP_DEFLATED
        entry.create_system = 3  # Unix
        entry.external_attr = 0o100644 << 16
        with self._archive.open(entry, "w", force_zip64=True) as opened:  # how long it will be is not known yet
            yield opened.write
