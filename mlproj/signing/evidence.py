"""What is there of a run now: the hashes of its artifacts and of the files of its record."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import IO

from mlproj import artifacts
from mlproj.artifacts.base import ArtifactStore, InvalidPath, NoSuchFile
from mlproj.foundation import paths
from mlproj.foundation.dataclass import dataclass
from mlproj.run_folder import output_log, record
from mlproj.run_folder.outputs import FOLDER as OUTPUTS
from mlproj.tracking.base import Run

_PORTION = 1 << 20  # bytes


@dataclass(frozen=True)
class Evidence:
    """SHA-256 of each file: of the artifacts by their paths, of the record by their names; ``unreadable`` artifacts
    have none."""

    artifacts: Mapping[str, str]
    record: Mapping[str, str]
    unreadable: Sequence[str]


def gather(run: Run) -> Evidence:
    """Read everything that is kept of *run*. Raises ServiceError, UsageError when the artifacts cannot be reached."""
    found: dict[str, str] = {}
    unreadable: list[str] = []
    files = {name: digest for name in _record_names(run) if (digest := _record_digest(run, name)) is not None}
    _walk(artifacts.open_recorded(run.artifact_uri), "", found, unreadable)
    copies = {
        f"{record.FOLDER}/{name}" for name in (*_record_names(run), paths.STATEMENT)
    }  # of the record, with a tracking server
    kept = {path: digest for path, digest in found.items() if path not in copies}
    return Evidence(kept, files, unreadable)


def lock_of(run: Run) -> str | None:
    """The name of the file with the environment's lock."""
    name = (run.environment or {}).get("lock")
    return str(name) if name else None


def output_path(path: str) -> str:
    """Where the copy of the output at *path* is among the artifacts."""
    return f"{OUTPUTS}/{path}"


def _record_names(run: Run) -> list[str]:
    lock = lock_of(run)
    return [paths.DEFINITION, paths.PLAN, paths.DIFF, output_log.LOG, *([lock] if lock else [])]


def _record_digest(run: Run, name: str) -> str | None:
    stream = record.open(run.run_id, run.artifact_uri, name)
    return None if stream is None else _digest(stream)


def _walk(store: ArtifactStore, folder: str, found: dict[str, str], unreadable: list[str]) -> None:
    for entry in store.list(folder):
        path = f"{folder}/{entry.name}" if folder else entry.name
        try:
            if entry.is_dir:
                _walk(store, path, found, unreadable)
            else:
                found[path] = _digest(store.open(path))
        except InvalidPath:
            unreadable.append(path)
        except NoSuchFile:  # removed meanwhile
            continue


def _digest(stream: IO[bytes]) -> str:
    digest = hashlib.sha256()
    with stream:
        while portion := stream.read(_PORTION):
            digest.update(portion)
    return digest.hexdigest()
