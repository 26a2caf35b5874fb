"""What a killed mlproj left in home: halves of files, and folders of runs that were never recorded.

A run's folder is made before its record, so that a kill between the two leaves a folder that no list shows.
"""

from __future__ import annotations

import re
import time
from pathlib import Path

from mlproj.foundation import env_vars, file_tree, paths
from mlproj.run_folder import liveness
from mlproj.tracking.base import NotFound, Runs

_OLD = 3600.0  # seconds; nothing is younger that somebody may still be writing
_HALF = re.compile(r"\..+\.\d+-[0-9a-f]{8}")  # as `paths.write_atomic` calls it until it is whole
_BEFORE_RECORD = {liveness.LOCK, paths.PLAN, paths.DEFINITION, paths.DIFF}


def remove(store: Runs) -> int:
    """Remove them where no living process owns the run; returns how many there were. Trouble is passed over."""
    root = paths.run_dir("x").parent
    try:
        folders = [folder for folder in root.iterdir() if _is_abandoned(folder)]
    except OSError:
        return 0
    return sum(_remove_in(folder, store) for folder in folders)


def _is_abandoned(folder: Path) -> bool:
    try:
        is_old = time.time() - folder.stat().st_mtime > _OLD
        return is_old and folder.is_dir() and not folder.is_symlink() and not liveness.owner_lives(folder, None)
    except OSError:
        return False


def _remove_in(folder: Path, store: Runs) -> int:
    halves = [file for file in folder.iterdir() if _HALF.fullmatch(file.name) and file.is_file()]
    others = {file.name for file in folder.iterdir()} - {file.name for file in halves}
    if env_vars.TRACKING_URI.get() is None and others <= _BEFORE_RECORD and not _is_recorded(store, folder.name):
        file_tree.remove(folder)
        return 1
    for half in halves:
        half.unlink(missing_ok=True)
    return len(halves)


def _is_recorded(store: Runs, run_id: str) -> bool:
    try:
        store.get_run(run_id)
    except NotFound:
        return False
    return True
