"""What is there of a run now: the hashes of its artifacts and of the files of its record."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from mlproj import artifacts
from mlproj.artifacts.base import ArtifactStore, InvalidPath, NoSuchFile, walk
from mlproj.artifacts.local import folder_of
from mlproj.foundation import file_tree, paths
from mlproj.foundation.dataclass import dataclass, field
from mlproj.foundation.digest import sha256_of_stream
from mlproj.foundation.errors import ServiceError
from mlproj.foundation.tree_digest import folder_digest
from mlproj.run_folder import output_log, record
from mlproj.run_folder.outputs import FOLDER as OUTPUTS
from mlproj.tracking import run_document
from mlproj.tracking.base import Metric, Run
from mlproj.tracking.record import number

History = Callable[[str, str], Sequence[Metric]]
_PORTION = 1 << 20  # bytes
_READ_ONLY = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


@dataclass(frozen=True)
class Evidence:
    """SHA-256 of each file: of the artifacts by their paths, of the record by their names; ``unreadable`` artifacts
    have none.

    ``histories`` has one for all values that each metric had. ``snapshot`` is the digest of the copy of the project,
    None where none is.
    """

    artifacts: Mapping[str, str]
    record: Mapping[str, str]
    unreadable: Sequence[str]
    histories: Mapping[str, str] = field(default_factory=dict)
    snapshot: str | None = None


def gather(run: Run, history: History) -> Evidence:
    """Read everything that is kept of *run*, of whose metrics *history* gives all values by id and name.

    Raises ServiceError, UsageError when the artifacts cannot be reached.
    """
    found: dict[str, str] = {}
    unreadable: list[str] = []
    files = {name: digest for name in _record_names(run) if (digest := _record_digest(run, name)) is not None}
    _read_artifacts(artifacts.open_recorded(run.artifact_uri), found, unreadable)
    unreadable = _recorded_outputs(run, unreadable, found)
    copies = {
        f"{record.FOLDER}/{name}" for name in (*_record_names(run), paths.STATEMENT)
    }  # of the record, with a tracking server
    kept = {path: digest for path, digest in found.items() if path not in copies}
    return Evidence(
        kept, files, unreadable, {key: _history_digest(history(run.run_id, key)) for key in run.metrics}, _snapshot(run)
    )


def lock_of(run: Run) -> str | None:
    """The name of the file with the environment's lock."""
    name = (run.environment or {}).get("lock")
    return str(name) if name else None


def output_path(path: str) -> str:
    """Where the copy of the output at *path* is among the artifacts."""
    return f"{OUTPUTS}/{path}"


def _history_digest(values: Sequence[Metric]) -> str:
    """Of all values with their steps and times, whatever order the store gives them in."""
    lines = sorted(f"{metric.step} {metric.timestamp} {number(metric.value)}" for metric in values)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _snapshot(run: Run) -> str | None:
    copy = paths.run_dir(run.run_id) / paths.PROJECT
    try:
        return folder_digest(copy) if copy.is_dir() else None
    except OSError as error:
        raise ServiceError(f"{error.filename or copy} cannot be read: {error.strerror}") from error


def _record_names(run: Run) -> list[str]:
    lock = lock_of(run)
    return [paths.DEFINITION, paths.PLAN, paths.DIFF, output_log.LOG, *([lock] if lock else [])]


def _record_digest(run: Run, name: str) -> str | None:
    stream = record.open(run.run_id, run.artifact_uri, name)
    return None if stream is None else _digest(stream)


def _read_artifacts(store: ArtifactStore, found: dict[str, str], unreadable: list[str]) -> None:
    for path, _size in walk(store, on_invalid=unreadable.append):
        try:
            found[path] = _digest(store.open(path))
        except InvalidPath:
            unreadable.append(path)
        except NoSuchFile:  # removed meanwhile
            continue


def _recorded_outputs(run: Run, unreadable: Sequence[str], found: dict[str, str]) -> list[str]:
    """Read outputs whose names no artifact may have (one with a tab, one of no UTF-8), where they are on this machine.

    Returns what is left of *unreadable*.
    """
    folder = folder_of(run.artifact_uri)
    if folder is None:
        return list(unreadable)
    known = {output_path(output.path) for output in run.outputs}
    left: list[str] = []
    for name in unreadable:
        top = folder / name
        for path in _below(top) if top.is_dir() and not top.is_symlink() else [top]:
            relative = run_document.encodable(str(path.relative_to(folder)))
            try:
                with os.fdopen(os.open(path, _READ_ONLY), "rb") as stream:
                    if relative in known:
                        found[relative] = _digest(stream)
                        continue
            except OSError:
                pass
            left.append(relative)
    return left


def _digest(stream: IO[bytes]) -> str:
    with stream:
        return sha256_of_stream(stream)


def _below(folder: Path) -> list[Path]:
    return [Path(place, file) for place, _folders, files in file_tree.walk(folder) for file in files]
