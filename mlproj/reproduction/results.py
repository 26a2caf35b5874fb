"""What a run came out as: how it ended, its metrics point by point, its files by what they hold."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from mlproj import artifacts
from mlproj.artifacts.base import ArtifactStore
from mlproj.artifacts.record import FOLDER as RECORD
from mlproj.errors import MlprojError
from mlproj.tracking.base import Metric, Run, TrackingStore
from mlproj.tracking.outputs import FOLDER as OUTPUTS
from mlproj.tracking.system_metrics import PREFIX as LOAD

LARGEST_READ = 20_000_000  # bytes of a file that is looked into; of larger ones the digest has to do
_BLOCK = 1 << 20
# What MLflow writes into the description of a model is never twice the same.
_OF_ONE_MODEL = ("run_id", "utc_time_created", "model_uuid", "model_id", "artifact_path", "model_size_bytes", "mlflow_version")


@dataclass(frozen=True)
class File:
    """A file that a run left; ``sha256`` None where it could not be read. ``read`` gives its content, None when there is no copy."""

    sha256: str | None
    size: int
    read: Callable[[], bytes | None] = field(repr=False, compare=False)


@dataclass(frozen=True)
class Results:
    """What a run came out as. ``files`` are those made in the project's folder, and under ``logged:`` the artifacts that it logged."""

    run: Run
    metrics: Mapping[str, tuple[Metric, ...]]
    files: Mapping[str, File]


def of(run: Run, store: TrackingStore) -> Results:
    """The results of *run*. Raises ServiceError when the store or the place of the artifacts cannot be read."""
    names = sorted(name for name in run.metrics if not name.startswith(LOAD))
    place = artifacts.open_recorded(run.artifact_uri)
    made = {
        output.path: File(output.sha256, output.size, _reader(place, f"{OUTPUTS}/{output.path}", output.size if output.kept else None))
        for output in run.outputs
    }
    logged = {f"logged: {path}": _logged(place, path, size) for path, size in _walk(place, "")}
    return Results(run, {name: tuple(store.metric_history(run.run_id, name)) for name in names}, {**made, **logged})


def _walk(place: ArtifactStore, folder: str) -> Iterator[tuple[str, int]]:
    for entry in place.list(folder):
        path = f"{folder}/{entry.name}" if folder else entry.name
        if entry.size is not None:
            yield path, entry.size
        elif path not in (OUTPUTS, RECORD):
            yield from _walk(place, path)


def _logged(place: ArtifactStore, path: str, size: int) -> File:
    if path.rpartition("/")[2] == "MLmodel":
        content = _described_model(_reader(place, path, size)() or b"")
        return File(hashlib.sha256(content).hexdigest(), len(content), lambda: content)
    return File(_digest(place, path), size, _reader(place, path, size))


def _described_model(content: bytes) -> bytes:
    """An ``MLmodel`` without what differs from one logging of the same model to the next."""
    from mlproj import yaml_document

    try:
        document: Any = yaml_document.parse(content.decode(), "MLmodel").value
        kept = {name: value for name, value in document.items() if name not in _OF_ONE_MODEL}
    except (MlprojError, UnicodeDecodeError, AttributeError):
        return content
    import json

    return json.dumps(kept, indent=1, sort_keys=True, default=str).encode()


def _digest(place: ArtifactStore, path: str) -> str | None:
    digest = hashlib.sha256()
    try:
        with place.open(path) as file:
            while block := file.read(_BLOCK):
                digest.update(block)
    except (MlprojError, OSError):
        return None
    return digest.hexdigest()


def _reader(place: ArtifactStore, path: str, size: int | None) -> Callable[[], bytes | None]:
    def read() -> bytes | None:
        if size is None or size > LARGEST_READ:
            return None
        try:
            with place.open(path) as file:
                return file.read()
        except (MlprojError, OSError):
            return None

    return read
