"""A whole store of MLflow's, a folder, a SQLite file or a server, imported into ours; again later, and only what is new
is added.

Runs keep the ids and experiments the names that they had there. What was imported once is brought up to date: further
metric points and parameters are added, tags and status follow. A run that was not imported from there is left alone.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Protocol

from mlproj.foundation.errors import MlprojError, ServiceError, UsageError, did_you_mean
from mlproj.foundation.progress import Progress
from mlproj.foundation.redaction import redact
from mlproj.mlflow_import import artifacts, database
from mlproj.mlflow_import import folder as mlflow_folder
from mlproj.mlflow_import.foreign_run import MlflowRun
from mlproj.tracking.base import Metric, NewRun, Run, RunChanges, Runs

ORIGIN_TAG = "mlproj.imported.from"
"""Where a run was imported from."""

_BATCH = 10_000  # metric points in one transaction
_BROKEN = (sqlite3.Error, OSError, ValueError, TypeError, KeyError, IndexError, OverflowError, RecursionError)


class Places(Protocol):
    """Where the files of runs are."""

    def copy(self, logged: MlflowRun, artifact_uri: str) -> Iterator[str]:
        """Copy the files of a run to the place of ours; what could not be copied, and why, is yielded."""


@dataclass
class Transfer:
    """What one import did: ids of the runs that are new, that were there and got something, and that were left
    alone."""

    new: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)


def import_folder(store: Runs, place: Path, progress: Progress) -> Transfer:
    """Import the store at *place*: an ``mlruns`` folder, a folder with one in it, or a SQLite file.

    A run that cannot be read whole is a warning, and the others are imported. Raises UsageError when there is no
    store of MLflow's, ServiceError when it cannot be read at all.
    """
    place, runs = _read(place.absolute())
    places = artifacts.Places(place.parent, (place if place.is_dir() else place.parent,))
    return import_runs(store, runs, places, place.as_uri(), progress)


def import_runs(store: Runs, runs: Iterable[MlflowRun], places: Places, origin: str, progress: Progress) -> Transfer:
    """Import *runs* that were recorded at *origin*, and their files from *places*. Raises ServiceError."""
    transfer = Transfer()
    known = {run.run_id: run for run in store.list_runs(lifecycle_stage=None)}
    for logged in runs:
        try:
            _import_run(store, logged, known.get(logged.run_id), places, origin, transfer, progress)
        except (MlprojError, *_BROKEN) as trouble:
            progress.warn(f"the run {logged.name or logged.run_id} is not imported completely: {trouble}")
    return transfer


def _read(place: Path) -> tuple[Path, list[MlflowRun]]:
    try:
        if place.is_dir():
            folder = place if mlflow_folder.detect(place) else place / "mlruns"
            if mlflow_folder.detect(folder):
                return folder, mlflow_folder.read(folder, 0)
        elif database.detect(place):
            return place, database.read(place, 0)
    except _BROKEN as trouble:
        raise ServiceError(f"the runs in {place} cannot be read: {trouble}") from trouble
    raise UsageError(
        _nothing_there(place), hint="name an mlruns folder, or the SQLite file of an MLflow server or client"
    )


def _nothing_there(place: Path) -> str:
    if place.exists():
        return f"{place} holds no runs of MLflow's: there is no experiment in it"
    siblings = [child.name for child in place.parent.iterdir()] if place.parent.is_dir() else []
    guess = did_you_mean(place.name, siblings)
    return f"there is no {place}" + (f"; did you mean {guess!r}?" if guess else "")


def _import_run(
    store: Runs,
    logged: MlflowRun,
    ours: Run | None,
    places: Places,
    origin: str,
    transfer: Transfer,
    progress: Progress,
) -> None:
    if ours is None:
        run = _create(store, logged, origin)
        transfer.new.append(run.run_id)
    elif ORIGIN_TAG not in ours.tags:
        transfer.left.append(ours.run_id)
        return
    else:
        run = ours
        if _update(store, logged, ours):
            transfer.updated.append(run.run_id)
        elif ours.status.ended:
            return  # nothing is added to a run that had ended when it was brought in
    for batch in _batches(logged.metrics()):
        store.log(run.run_id, metrics=batch)
    for trouble in places.copy(logged, run.artifact_uri):
        progress.warn(trouble)


def _create(store: Runs, logged: MlflowRun, origin: str) -> Run:
    return store.create_run(
        NewRun(
            run_id=logged.run_id,
            run_name=logged.name or None,
            experiment_name=logged.experiment_name,
            status=logged.status,
            start_time=logged.start_time,
            end_time=logged.end_time,
            user=logged.tags.get("mlflow.user"),
            entry_point=logged.tags.get("mlflow.project.entryPoint"),
            params={key: redact(value) for key, value in logged.params.items()},
            tags={**{key: redact(value) for key, value in logged.tags.items()}, ORIGIN_TAG: origin},
            source=_source(logged),
        )
    )


def _source(logged: MlflowRun) -> dict[str, str | None] | None:
    """The provenance that MLflow keeps in tags, as ours."""
    tags = logged.tags
    uri = tags.get("mlflow.source.git.repoURL") or tags.get("mlflow.source.name")
    if not uri:
        return None
    return {
        "uri": redact(uri),
        "commit": tags.get("mlflow.source.git.commit"),
        "branch": tags.get("mlflow.source.git.branch"),
    }


def _update(store: Runs, logged: MlflowRun, ours: Run) -> bool:
    """Add what the run got since it was brought in, without its metrics; whether there was anything."""
    params = {key: redact(value) for key, value in logged.params.items() if key not in ours.params}
    tags = {key: redact(value) for key, value in logged.tags.items()}
    changed = {key: value for key, value in tags.items() if ours.tags.get(key) != value}
    if params or changed:
        store.log(ours.run_id, params=params, tags=changed)
    ended = logged.status is not ours.status or logged.end_time != ours.end_time
    if ended:
        store.update_run(ours.run_id, RunChanges(status=logged.status, end_time=logged.end_time))
    return bool(params or changed or ended)


def _batches(metrics: Iterator[Metric]) -> Iterator[list[Metric]]:
    while batch := list(islice(metrics, _BATCH)):
        yield batch
