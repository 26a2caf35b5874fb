"""Removing deleted runs for good, with their files.

The records go first, so that no run is shown whose files are gone; what is about to be removed is noted before in the
home's folder ``gc``, so that a removal which is killed half-way is finished by the next one.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from mlproj import artifacts, outbox
from mlproj.artifacts.base import NoSuchFile
from mlproj.foundation import env_vars, paths
from mlproj.foundation.dataclass import dataclass
from mlproj.foundation.errors import MlprojError
from mlproj.foundation.redaction import mask_url
from mlproj.tracking.base import Experiment, Experiments, NotFound, Run, Runs, TrackingStore


@dataclass(frozen=True)
class Collected:
    """The result: the runs and experiments that were removed, and for people what was left and why."""

    removed: Sequence[Run]
    experiments: Sequence[Experiment]
    left: Sequence[str]


def collect(
    store: TrackingStore, *, deleted_before: int | None = None, run_ids: Sequence[str] | None = None, dry: bool = False
) -> Collected:
    """Remove deleted runs, and deleted experiments left empty; as :meth:`TrackingStore.purge`, with the files.

    With *dry* nothing is removed, and ``removed`` are the runs that would be. A run that goes on although it is deleted
    stays.
    """
    outbox.reap(store)
    left = [] if dry else list(_finish(store))
    purgeable = store.purgeable(deleted_before=deleted_before, run_ids=run_ids)
    running = [run for run in purgeable if not run.status.ended]
    left += [f"run {run.run_id}: it is still running" for run in running]
    if running:
        run_ids = [run.run_id for run in purgeable if run.status.ended]
    removable = [run for run in purgeable if run.status.ended]
    emptied = list(_emptied(store, removable, deleted_before, among_all=run_ids is None))
    if dry:
        return Collected(removable, emptied, left)
    note = _note(purgeable)
    try:
        removed = store.purge(deleted_before=deleted_before, run_ids=run_ids)
    except MlprojError:
        note.unlink(missing_ok=True)
        raise
    for run in removed:
        left += _remove_files(run.run_id, run.artifact_uri)
    note.unlink(missing_ok=True)
    return Collected(removed, [one for one in emptied if not _is_there(store, one)], left)


def _emptied(
    store: TrackingStore, removed: Sequence[Run], deleted_before: int | None, *, among_all: bool
) -> Iterator[Experiment]:
    """The deleted experiments that go with the last of their runs; not *among_all*: only those of runs that are
    *removed*."""
    gone = {run.run_id for run in removed}
    of_removed = {run.experiment_id for run in removed}
    for experiment in _deleted_experiments(store):
        is_old = deleted_before is None or (experiment.last_update_time or 0) < deleted_before
        if is_old and (among_all or experiment.experiment_id in of_removed):
            ids = [experiment.experiment_id]
            page = store.search_runs(experiment_ids=ids, lifecycle_stage=None, limit=len(gone) + 1)
            if all(run.run_id in gone for run in page.items):
                yield experiment


def _deleted_experiments(store: Experiments) -> Iterator[Experiment]:
    token: str | None = None
    while True:
        page = store.search_experiments(lifecycle_stage="deleted", page_token=token)
        yield from page.items
        token = page.next_page_token
        if token is None:
            return


def _is_there(store: Experiments, experiment: Experiment) -> bool:
    with suppress(NotFound):
        return store.get_experiment(experiment_id=experiment.experiment_id).name == experiment.name
    return False


def _note(runs: Sequence[Run]) -> Path:
    """Write down what is about to be removed. Raises ServiceError when that cannot be."""
    note = paths.home() / "gc" / f"{time.time_ns()}-{os.getpid()}.json"
    listed = [{"run_id": run.run_id, "artifact_uri": run.artifact_uri} for run in runs]
    paths.write_atomic(note, json.dumps({"schema": 1, "store": _store_name(), "runs": listed}))
    return note


def _store_name() -> str:
    """Which store a note is about: a run that is not in another one is not gone."""
    uri = env_vars.TRACKING_URI.get()
    return mask_url(uri) if uri else str(paths.database())


def _finish(store: Runs) -> Iterator[str]:
    """Remove the files of runs that an earlier removal, which was killed, took from the records. Yields what was
    left."""
    for note in sorted((paths.home() / "gc").glob("*.json")):
        try:
            document: Mapping[str, Any] = json.loads(note.read_bytes())
            if document["store"] != _store_name():
                continue
            gone = [entry for entry in document["runs"] if not _is_recorded(store, entry["run_id"])]
        except (OSError, ValueError, KeyError, TypeError):
            yield f"{note}: it cannot be read"
            continue
        for entry in gone:
            yield from _remove_files(entry["run_id"], entry["artifact_uri"])
        note.unlink(missing_ok=True)


def _is_recorded(store: Runs, run_id: str) -> bool:
    with suppress(NotFound):
        return store.get_run(run_id).run_id == run_id
    return False


def _remove_files(run_id: str, artifact_uri: str) -> Iterator[str]:
    """Remove a run's folder and its artifacts, if they are in a place of its own. Yields what was left, and why."""
    try:
        with suppress(FileNotFoundError):
            shutil.rmtree(paths.run_dir(run_id))
        (paths.home() / "late" / run_id).unlink(missing_ok=True)
    except OSError as error:
        yield f"{error.filename}: {error.strerror}"
    own, _, last = artifact_uri.rpartition("/")
    place, _, name = own.rpartition("/")
    if last != "artifacts" or name != run_id or not place:
        yield f"{mask_url(artifact_uri)}: the artifacts of run {run_id} are in a place that it was given"
        return
    try:
        with suppress(NoSuchFile):
            artifacts.open_recorded(place).delete(run_id)
    except MlprojError as error:
        yield f"{mask_url(own)}: {error}"
