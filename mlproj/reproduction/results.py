"""What a run came out as: how it ended, its metrics point by point, its files by what they hold."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field

from mlproj import artifacts, outbox, tracking
from mlproj.artifacts.base import ArtifactStore, walk
from mlproj.foundation import env_vars
from mlproj.foundation.digest import sha256_of_stream
from mlproj.foundation.errors import MlprojError
from mlproj.mlflow_import.foreign_run import PARENT_TAG
from mlproj.reproduction.described_model import NAME as MODEL
from mlproj.reproduction.described_model import without_identity
from mlproj.run_folder.outputs import FOLDER as OUTPUTS
from mlproj.run_folder.record import FOLDER as RECORD
from mlproj.running.system_metrics import PREFIX as LOAD
from mlproj.tracking.base import Metric, Run, Runs, Status
from mlproj.tracking.model_base import ModelStore

LARGEST_READ = 20_000_000  # bytes of a file that is looked into; of larger ones the digest has to do
_BLOCK = 1 << 20
_MOST_CHILDREN = 1000


@dataclass(frozen=True)
class File:
    """A file that a run left, by its own path; ``sha256`` None where it could not be read.

    ``read`` gives its content, None where there is no copy or it is too large.
    """

    path: str
    sha256: str | None
    size: int
    read: Callable[[], bytes | None] = field(repr=False, compare=False)


@dataclass(frozen=True)
class Results:
    """What a run came out as.

    ``files`` are those made in the project's folder, and after ``logged:`` and ``model NAME:`` the artifacts and models
    that it logged. ``endings`` are those of its child runs; their metrics and files are among the run's, after ``child
    N:``.
    """

    run: Run
    metrics: Mapping[str, tuple[Metric, ...]]
    files: Mapping[str, File]
    endings: tuple[tuple[Status, int | None], ...] = ()


@dataclass(frozen=True)
class Place:
    """Where runs are recorded."""

    runs: Runs
    models: ModelStore


@contextmanager
def place_of(run: Run, store: Runs) -> Iterator[Place]:
    """Where *run* is to be read: in *store*, that of ``MLPROJ_TRACKING_URI``, or on this disk while it waits for its
    server."""
    uri = env_vars.TRACKING_URI.get()
    waiting = outbox.recording_uri() if tracking.is_server(uri) and not _has(store, run) else None
    with ExitStack() as opened:
        models = opened.enter_context(closing(tracking.open_models(waiting)))
        yield Place(opened.enter_context(closing(tracking.open(waiting))) if waiting else store, models)


def _has(store: Runs, run: Run) -> bool:
    try:
        return store.get_run(run.run_id).run_id == run.run_id
    except MlprojError:
        return False


def read_results(run: Run, place: Place) -> Results:
    """The results of *run*. Raises ServiceError and UsageError when its record or its artifacts cannot be read."""
    names = sorted(name for name in run.metrics if not name.startswith(LOAD))
    metrics = {name: tuple(place.runs.metric_history(run.run_id, name)) for name in names}
    files = {**_made(run), **_logged(run), **_models(run, place.models)}
    children = _children(run, place.runs)
    for number, child in enumerate(children, start=1):
        inner = read_results(child, place)
        metrics |= {f"child {number}: {name}": points for name, points in inner.metrics.items()}
        files |= {f"child {number}: {name}": file for name, file in inner.files.items()}
    return Results(run, metrics, files, tuple((child.status, child.exit_code) for child in children))


def _children(run: Run, store: Runs) -> list[Run]:
    """The child runs in an order that does not depend on which of them began first."""
    found = store.search_runs(filter=f"tags.`{PARENT_TAG}` = '{run.run_id}'", limit=_MOST_CHILDREN).items
    return sorted(
        found, key=lambda child: (child.entry_point or "", sorted(child.params.items()), child.start_time or 0)
    )


def _made(run: Run) -> dict[str, File]:
    if not run.outputs:
        return {}
    place = artifacts.open_recorded(run.artifact_uri)
    return {
        output.path: File(
            output.path,
            output.sha256,
            output.size,
            _reader(place, f"{OUTPUTS}/{output.path}", output.size if output.kept else None),
        )
        for output in run.outputs
    }


def _logged(run: Run) -> dict[str, File]:
    return _stored(artifacts.open_recorded(run.artifact_uri), "logged") if run.artifact_uri else {}


def _models(run: Run, models: ModelStore) -> dict[str, File]:
    """The files of the models that the run logged apart from its artifacts, as MLflow 3 does."""
    files: dict[str, File] = {}
    made = [linked.model_id for linked in models.models_of_runs([run.run_id]).get(run.run_id, ()) if linked.output]
    seen: Counter[str] = Counter()
    for model in (models.get_logged_model(model_id, deleted_too=True) for model_id in made):
        seen[model.name] += 1
        which = f" {seen[model.name]}" if seen[model.name] > 1 else ""
        files |= _stored(artifacts.open_recorded(model.artifact_uri), f"model {model.name}{which}")
    return files


def _stored(place: ArtifactStore, label: str) -> dict[str, File]:
    return {f"{label}: {path}": _file(place, path, size) for path, size in walk(place, skipped=(OUTPUTS, RECORD))}


def _file(place: ArtifactStore, path: str, size: int) -> File:
    read = _reader(place, path, size)
    if path.rpartition("/")[2] == MODEL and (written := read()) is not None:
        content = without_identity(written)
        return File(path, hashlib.sha256(content).hexdigest(), len(content), lambda: content)
    return File(path, _digest(place, path), size, read)


def _digest(place: ArtifactStore, path: str) -> str | None:
    try:
        with place.open(path) as file:
            return sha256_of_stream(file)
    except (MlprojError, OSError):
        return None


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
