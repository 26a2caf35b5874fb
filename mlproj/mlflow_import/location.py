"""Where a program may have logged through MLflow: a few looks at folders, so that a program that did not costs
nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mlproj.foundation import presence

_DATABASE_SUFFIXES = frozenset({".db", ".sqlite", ".sqlite3"})


def folders(run_dir: Path, checkout: Path, source: Any) -> tuple[Path, Path, Path]:
    """The run's folder, the folder that the program worked in, and the top of its checkout."""
    return run_dir, checkout / str((source or {}).get("subdirectory") or ""), checkout


def candidates(within: tuple[Path, ...], since: int) -> Iterator[Path]:
    """``mlruns`` folders and database files in the folders *within* and in those directly below them.

    A database counts when it changed at or after *since* (UTC milliseconds).
    """
    for place in dict.fromkeys(place for folder in within for place in [folder, *_children(folder)]):
        if presence.is_folder(place / "mlruns"):
            yield place / "mlruns"
        for file in _files(place):
            if file.suffix in _DATABASE_SUFFIXES and _changed(file) >= since:
                yield file


def _files(folder: Path) -> list[Path]:
    try:
        return sorted(folder.iterdir())
    except OSError:  # a folder that we may not look into is no place of the program's runs
        return []


def _changed(file: Path) -> int:
    try:
        return file.lstat().st_mtime_ns // 1_000_000
    except OSError:
        return -1


def _children(folder: Path) -> list[Path]:
    return [
        child
        for child in _files(folder)
        if child.name[0] != "." and presence.is_folder(child) and not child.is_symlink()
    ]
