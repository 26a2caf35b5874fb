"""What a program logged through MLflow, brought into the record of its run.

Most programs log to the run's own tracking server, and nothing is left to be brought in. Some choose a store of their
own in their checkout or the run's folder: a SQLite file or an ``mlruns`` folder. The first run that the program started
there *is* our run, unless it took it already through the server: what it logged becomes ours. Further ones become child
runs, under the ids that MLflow gave them. What we recorded ourselves is never replaced: where the program logged
another value under the same name, ours stays and the difference is reported.

Whose run it is, a store of the program's own choice does not say: of two programs that write to one ``mlruns`` folder
at the same time, the one that ends first takes what is there. A nested run takes its own, as it ends before its parent.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path

from mlproj.foundation.errors import MlprojError, UsageError
from mlproj.foundation.progress import Progress
from mlproj.foundation.redaction import redact
from mlproj.mlflow_import import artifacts, database, folder, location
from mlproj.mlflow_import.foreign_run import PARENT_TAG, MlflowRun
from mlproj.tracking.base import UNFINISHED, Metric, NewRun, Run, RunChanges, Runs, Status
from mlproj.tracking.sql.statement import now

RUN_TAG = "mlproj.mlflow.runId"
"""The id that the adopted run had in the program's own store."""

_BATCH = 10_000  # metric points in one transaction
_RECENT = 5_000  # runs looked at for what is recorded already
_GENERATED_NAME = re.compile(r"[a-z]+-[a-z]+-\d{1,4}")
_RUN_ID = re.compile(r"[0-9a-f]{32}")
# What reading a store of a client that died, or of a hostile one, may raise.
_BROKEN = (sqlite3.Error, OSError, ValueError, TypeError, KeyError, IndexError, OverflowError, RecursionError)

Reader = Callable[[Path, int], list[MlflowRun]]


def collect(
    store: Runs,
    run: Run,
    *,
    run_dir: Path,
    checkout: Path,
    ended: Status,
    progress: Progress,
    adopt: bool = True,
) -> list[str]:
    """Record what *run*'s program logged since it started; return the ids of the child runs that this made.

    *ended* is how the program ended: runs that it left open get that status. Without *adopt* all are child runs. A
    store that cannot be read is a warning.
    Raises ServiceError when our own store cannot be written.
    """
    folders = location.folders(run_dir, checkout, run.source)
    working_folder = folders[1]
    since = run.start_time or 0
    logged_since = list(_read_all(folders, since, progress))
    if not logged_since:
        return []
    known = _recorded(store, since)
    found = sorted(
        (logged for logged in logged_since if logged.run_id not in known), key=lambda logged: logged.start_time
    )
    if not found:
        return []
    importer = _Importer(store, run, artifacts.Places(working_folder, (run_dir, checkout)), ended, progress)
    return importer.record(found, adopt=adopt)


def _recorded(store: Runs, since: int) -> set[str]:
    """The ids of MLflow's that are in our store already: a nested run brought them in."""
    recent = [run for run in store.list_runs(lifecycle_stage=None, limit=_RECENT) if (run.start_time or 0) >= since]
    return {run.run_id for run in recent} | {run.tags[RUN_TAG] for run in recent if RUN_TAG in run.tags}


def _read_all(folders: tuple[Path, ...], since: int, progress: Progress) -> Iterator[MlflowRun]:
    seen: set[str] = set()
    for place, read in _stores(folders, since, progress):
        try:
            runs = read(place, since)
        except _BROKEN as trouble:
            progress.warn(f"what the program logged in {place} cannot be read: {trouble}")
            continue
        for logged in runs:
            if logged.run_id not in seen:
                seen.add(logged.run_id)
                yield logged


def _stores(folders: tuple[Path, ...], since: int, progress: Progress) -> Iterator[tuple[Path, Reader]]:
    for place in location.candidates(folders, since):
        kind = folder if place.is_dir() else database
        yield from _if_detected(place, kind.detect, kind.read, progress)


def _if_detected(
    place: Path, detect: Callable[[Path], bool], read: Reader, progress: Progress
) -> Iterator[tuple[Path, Reader]]:
    try:
        detected = detect(place)
    except _BROKEN as trouble:
        progress.warn(f"what the program logged in {place} cannot be read: {trouble}")
        return
    if detected:
        yield place, read


class _Importer:
    """Brings the runs of one program in: the first one is adopted, the others become children."""

    def __init__(self, store: Runs, run: Run, places: artifacts.Places, ended: Status, progress: Progress) -> None:
        self._store = store
        self._run = run
        self._places = places
        self._ended = ended
        self._progress = progress
        # An experiment that the user asked for stands; otherwise the program chooses, as under `mlflow run`.
        self._may_move = run.experiment_id == "0"

    def record(self, found: Sequence[MlflowRun], *, adopt: bool) -> list[str]:
        first = next((logged for logged in found if PARENT_TAG not in logged.tags), found[0]) if adopt else None
        ids = {}
        if first is not None:
            self._adopt(first)
            ids[first.run_id] = self._run.run_id
        children = [child for logged in found if logged is not first and (child := self._add_child(logged, ids))]
        if children:
            self._progress.note(f"the program logged {len(children)} more runs; they are recorded as child runs")
        return children

    def _adopt(self, logged: MlflowRun) -> None:
        run = self._run
        tags = {key: value for key, value in logged.tags.items() if key not in run.tags and key != PARENT_TAG}
        differing = sorted(
            [f"parameter {key}" for key, value in logged.params.items() if run.params.get(key, value) != value]
            + [
                f"tag {key}"
                for key, value in logged.tags.items()
                if not key.startswith("mlflow.") and run.tags.get(key, value) != value
            ]
        )
        if differing:
            self._progress.warn(
                f"the program logged other values than the run was given, which are kept: {', '.join(differing)}"
            )
        self._store.log(
            run.run_id,
            params={key: redact(value) for key, value in logged.params.items() if key not in run.params},
            tags={**{key: redact(value) for key, value in tags.items()}, RUN_TAG: logged.run_id},
        )
        self._add_logged(run.run_id, run.artifact_uri, logged)
        try:
            self._store.update_run(
                run.run_id,
                RunChanges(
                    run_name=logged.name if _is_better_name(logged.name, run.run_name) else None,
                    experiment_name=logged.experiment_name
                    if self._may_move and logged.experiment_name not in ("Default", "")
                    else None,
                ),
            )
        except UsageError as trouble:
            self._progress.warn(f"the run stays in {run.experiment_name}: {trouble}")

    def _add_child(self, logged: MlflowRun, ids: dict[str, str]) -> str | None:
        """A child run of its own; None when it cannot be or was made before."""
        run = self._run
        left_open = logged.status in UNFINISHED
        parent = ids.get(logged.tags.get(PARENT_TAG, ""), run.run_id)
        try:
            child = self._store.create_run(
                NewRun(
                    run_id=logged.run_id if _RUN_ID.fullmatch(logged.run_id) else None,
                    run_name=logged.name or None,
                    experiment_name=logged.experiment_name if self._may_move else run.experiment_name,
                    status=self._ended if left_open else logged.status,
                    start_time=logged.start_time,
                    end_time=logged.end_time or _last_time(logged, run),
                    user=run.user,
                    params={key: redact(value) for key, value in logged.params.items()},
                    tags={**{key: redact(value) for key, value in logged.tags.items()}, PARENT_TAG: parent},
                    source=run.source,
                    environment=run.environment,
                )
            )
            ids[logged.run_id] = child.run_id
            self._add_logged(child.run_id, child.artifact_uri, logged)
        except MlprojError as trouble:
            self._progress.warn(
                f"the run {logged.name or logged.run_id} that the program logged is not recorded: {trouble}"
            )
            return None
        return child.run_id

    def _add_logged(self, run_id: str, artifact_uri: str, logged: MlflowRun) -> None:
        try:
            for batch in _batches(logged.metrics()):
                self._store.log(run_id, metrics=batch)
        except (*_BROKEN, UsageError) as trouble:
            self._progress.warn(f"not all metrics of {logged.name or logged.run_id} can be read: {trouble}")
        for trouble_told in self._places.copy(logged, artifact_uri):
            self._progress.warn(trouble_told)


def _batches(metrics: Iterator[Metric]) -> Iterator[list[Metric]]:
    while batch := list(islice(metrics, _BATCH)):
        yield batch


def _is_better_name(theirs: str, ours: str) -> bool:
    """Whether somebody chose *theirs*, while *ours* was made up."""
    return bool(theirs) and not _GENERATED_NAME.fullmatch(theirs) and bool(_GENERATED_NAME.fullmatch(ours))


def _last_time(logged: MlflowRun, run: Run) -> int:
    return max(logged.start_time, run.end_time or now())
