"""Folders with everything in them, however deep: Python's own functions for it recurse (walk before 3.12, the others
until later)."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path


def walk(
    top: Path | str, onerror: Callable[[OSError], object] | None = None
) -> Iterator[tuple[str, list[str], list[str]]]:
    """As :func:`os.walk` from the top down: links are not followed, and of the list of folders those are entered that
    stay in it."""
    waiting = [os.fspath(top)]
    while waiting:
        place = waiting.pop()
        try:
            with os.scandir(place) as scan:
                entries = list(scan)
        except OSError as error:
            if onerror is not None:
                onerror(error)
            continue
        folders = [entry.name for entry in entries if _is_folder(entry)]
        known = set(folders)
        links = {entry.name for entry in entries if entry.name in known and entry.is_symlink()}
        yield place, folders, [entry.name for entry in entries if entry.name not in known]
        waiting.extend(os.path.join(place, name) for name in reversed(folders) if name not in links)  # noqa: PTH118  # many


def copy(source: Path, target: Path, is_left_out: Callable[[Path], bool]) -> None:
    """Copy what is in the folder *source* into *target*, links as they are. Raises OSError for the first that cannot
    be."""
    import shutil  # a run that copies nothing has no use for it

    for place, folders, files in walk(source, _raise):
        there = Path(target, os.path.relpath(place, source))
        there.mkdir(parents=True, exist_ok=True)
        folders[:] = [name for name in folders if not is_left_out(Path(place, name))]
        for name in [*files, *(name for name in folders if Path(place, name).is_symlink())]:
            if not is_left_out(Path(place, name)):
                shutil.copy2(Path(place, name), there / name, follow_symlinks=False)
    for place, _, _ in walk(target):  # a folder that may not be written is filled by now
        with suppress(OSError):
            shutil.copystat(Path(source, os.path.relpath(place, target)), place)


def remove(folder: Path | str) -> None:
    """Remove *folder* with everything in it, folders included that may not be written; links are not followed.

    Trouble is passed over.
    """
    emptied = []
    for place, folders, files in walk(_made_writable(folder)):
        emptied.append(place)
        for name in files:
            with suppress(OSError):
                os.unlink(os.path.join(place, name))  # noqa: PTH108, PTH118
        for name in folders:
            path = os.path.join(place, name)  # noqa: PTH118
            with suppress(OSError):
                os.unlink(path) if os.path.islink(path) else _made_writable(path)  # noqa: PTH108, PTH114
    for place in reversed(emptied):
        with suppress(OSError):
            os.rmdir(place)  # noqa: PTH106


def _made_writable(folder: Path | str) -> Path | str:
    with suppress(OSError):
        mode = os.lstat(folder).st_mode
        if stat.S_ISDIR(mode) and mode & 0o700 != 0o700:
            os.chmod(folder, 0o700)  # noqa: PTH101
    return folder


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:
        return False


def _raise(error: OSError) -> None:
    raise error
