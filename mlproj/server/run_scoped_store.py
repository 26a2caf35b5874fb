"""A store as the program of one run may use it: what the program takes for a run of its own making is the run it is
part of.

The first run that the program creates *is* ours; further ones are children. MLflow's clients need not know: they are
answered as MLflow's server would, also where ours goes on as it was, because the run ends when its process does.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from mlproj.foundation.override import override
from mlproj.foundation.redaction import looks_secret, redact
from mlproj.mlflow_import.foreign_run import PARENT_TAG
from mlproj.server.call import ApiError
from mlproj.server.masked_models import without_secrets
from mlproj.server.run_scoped_experiments import Chosen, RunScopedExperiments, redacted
from mlproj.server.run_tree import RunTree
from mlproj.tracking.base import (
    DatasetInput,
    Metric,
    NewRun,
    NotFound,
    Page,
    Run,
    RunChanges,
    Status,
    TrackingStore,
)
from mlproj.tracking.sql.statement import now
from mlproj.tracking.sql.store import RUN_NAME_TAG

_PROJECT_TAG = "mlflow.project.entryPoint"
_SOURCE_TYPE_TAG = "mlflow.source.type"


class RunScopedStore(RunScopedExperiments, TrackingStore):
    """The :class:`~mlproj.tracking.base.TrackingStore` of one run's program, over *store*.

    It reads everything (of a *confined* run see ``confined_reading``) and writes to its run tree only: other runs are
    an ApiError(PERMISSION_DENIED), and so are experiments that it neither made nor is in. *folder* is where the program
    works. ``is_adopted`` tells whether the program has taken the run for its own, ``differing`` what it logged
    otherwise than the run was given it. Safe for threads.
    """

    def __init__(self, store: TrackingStore, run: Run, chosen: Chosen, folder: Path, *, confined: bool = False) -> None:
        super().__init__(store, run, chosen, folder, confined=confined)
        self.run_tree = RunTree(store, run.run_id)
        self.is_adopted = False
        self.differing: set[str] = set()
        self._our_tags = run.tags.keys() - {RUN_NAME_TAG} | {PARENT_TAG}
        self._reported: dict[str, Any] = {}  # fields of our run as the program made them
        self._lock = threading.Lock()

    @property
    def reported_status(self) -> Status | None:
        """The status that the program gave its run last."""
        return self._reported.get("status")

    @property
    def reported_deleted(self) -> bool:
        """Whether the program deleted its run."""
        return self._reported.get("lifecycle_stage") == "deleted"

    # Runs.

    @override
    def create_run(self, new: NewRun) -> Run:
        tags = redacted(new.tags)
        name = redact(new.run_name or tags.get(RUN_NAME_TAG) or "") or None
        experiment_id = new.experiment_id or "0"
        with self._lock:
            if not self.is_adopted and not self._is_child(tags):
                adopted = self._adopt(experiment_id, name, tags)
                self.is_adopted = True
                return adopted
        return self._create_child(replace(new, experiment_id=self.place(experiment_id), run_name=name, tags=tags))

    def _is_child(self, tags: Mapping[str, str]) -> bool:
        """Whether a run is none that a program starts for itself: ``mlflow.run`` makes one for another program."""
        if tags.get(_SOURCE_TYPE_TAG) == "PROJECT" or _PROJECT_TAG in tags:
            return True
        return self._known_parent(tags) is not None

    def _known_parent(self, tags: Mapping[str, str]) -> str | None:
        """The run of the run tree that *tags* name as the parent."""
        parent = tags.get(PARENT_TAG)
        try:
            return parent if parent and self.run_tree.holds(parent) else None
        except NotFound:
            return None

    def _adopt(self, experiment_id: str, name: str | None, tags: Mapping[str, str]) -> Run:
        ours = self._run.run_id
        experiment = self.place(experiment_id)
        moved = experiment not in ("0", self._run.experiment_id)
        self._store.update_run(
            ours,
            RunChanges(
                run_name=None if self._chosen.name else name,
                experiment_name=self._store.get_experiment(experiment_id=experiment).name if moved else None,
            ),
        )
        self._log_ours({}, (), {key: value for key, value in tags.items() if key != RUN_NAME_TAG})
        return self._store.get_run(ours)

    def _create_child(self, new: NewRun) -> Run:
        parent = self._store.get_run(self._run.run_id)
        made = self._store.create_run(
            replace(
                new,
                tags={**new.tags, PARENT_TAG: self._known_parent(new.tags) or parent.run_id},
                source=parent.source,
                environment=parent.environment,
                # It lives and dies with our process.
                host=parent.host,
                pid=os.getpid(),
            )
        )
        self.run_tree.add(made.run_id)
        self._entered.add(made.experiment_id)
        return made

    @override
    def update_run(self, run_id: str, changes: RunChanges, *, expected: Sequence[Status] = ()) -> bool:
        name = redact(changes.run_name) if changes.run_name else None
        if run_id != self._run.run_id:
            self.run_tree.require(run_id)
            return self._store.update_run(run_id, replace(changes, run_name=name), expected=expected)
        with self._lock:
            self.is_adopted = True
            status = changes.status
            if status is not None:
                end_time = (changes.end_time or now()) if status.ended else None
                self._reported |= {"status": status, "end_time": end_time}
            if changes.lifecycle_stage:
                self._reported["lifecycle_stage"] = changes.lifecycle_stage
        if name and not self._chosen.name:
            self._store.update_run(run_id, RunChanges(run_name=name))
        return True

    @override
    def log(
        self,
        run_id: str,
        *,
        params: Mapping[str, str] | None = None,
        metrics: Sequence[Metric] = (),
        tags: Mapping[str, str] | None = None,
        mark: tuple[str, int] | None = None,
    ) -> None:
        metrics = _redacted_metrics(metrics)
        if run_id == self._run.run_id:
            self.is_adopted = True
            self._log_ours(redacted(params), metrics, redacted(tags))
        else:
            self.run_tree.require(run_id)
            self._store.log(run_id, params=redacted(params), metrics=metrics, tags=redacted(tags), mark=mark)

    def _log_ours(self, params: Mapping[str, str], metrics: Sequence[Metric], tags: Mapping[str, str]) -> None:
        """Add to our run; what it was given stays, and a difference is noted."""
        given = self._run.params
        self.differing |= {
            *(
                f"parameter {key}"
                for key, value in params.items()
                if given.get(key, value) != value and not looks_secret(key)
            ),
            *(f"tag {key}" for key, value in tags.items() if key in self._our_tags and self._is_another(key, value)),
        }
        params = {key: value for key, value in params.items() if key not in given}
        tags = {
            key: value
            for key, value in tags.items()
            if key not in self._our_tags and not (key == RUN_NAME_TAG and self._chosen.name)
        }
        if params or metrics or tags:
            self._store.log(self._run.run_id, params=params, metrics=metrics, tags=tags)

    def _is_another(self, key: str, value: str) -> bool:
        """Whether the program contradicts the user. MLflow's own tags tell the same things in other words."""
        return not key.startswith("mlflow.") and self._run.tags.get(key, value) != value

    @override
    def delete_tag(self, run_id: str, key: str) -> None:
        self.run_tree.require(run_id)
        if run_id != self._run.run_id or key not in self._our_tags:
            self._store.delete_tag(run_id, key)

    @override
    def log_inputs(self, run_id: str, datasets: Sequence[DatasetInput]) -> None:
        self.run_tree.require(run_id)
        self._store.log_inputs(run_id, without_secrets(list(datasets)))

    @override
    def marks(self, run_id: str) -> Mapping[str, int]:
        return self._store.marks(run_id)

    @override
    def purge(self, **_which: Any) -> list[Run]:
        raise ApiError("PERMISSION_DENIED", "A program inside `mlproj run` may not remove runs for good.")

    @override
    def purgeable(self, **which: Any) -> list[Run]:
        return self._store.purgeable(**which)

    # Reading.

    def _as_reported(self, run: Run) -> Run:
        """Our run as the program left it."""
        return replace(run, **self._reported) if run.run_id == self._run.run_id and self._reported else run

    @override
    def get_run(self, reference: str) -> Run:
        return self._as_reported(self._store.get_run(reference))

    @override
    def search_runs(self, *, experiment_ids: Sequence[str] | None = None, **query: Any) -> Page[Run]:
        page = self._store.search_runs(experiment_ids=self.searched(experiment_ids), **query)
        return Page([self._as_reported(run) for run in page.items], page.next_page_token)

    @override
    def list_runs(self, **query: Any) -> list[Run]:
        return [self._as_reported(run) for run in self._store.list_runs(**query)]

    @override
    def metric_history(self, run_id: str, key: str) -> list[Metric]:
        return self._store.metric_history(run_id, key)

    @override
    def close(self) -> None:
        """Nothing: the owner of the store closes it."""


def _redacted_metrics(metrics: Sequence[Metric]) -> Sequence[Metric]:
    """*metrics* without secrets in their names."""
    shown = {key: redact(key) for key in {metric.key for metric in metrics}}
    if all(key == name for key, name in shown.items()):
        return metrics
    return [Metric(shown[metric.key], metric.value, metric.timestamp, metric.step) for metric in metrics]
