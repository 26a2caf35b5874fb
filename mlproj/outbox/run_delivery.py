"""One run from the outbox to the server, as far as it has come: every step can be broken off and done again.

Order: the run, what it logged, its metric points as they came, its files, its models, and last its end. So a run that
the server shows as over is whole there.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from mlproj.foundation.errors import MlprojError, ServiceError
from mlproj.http.client import Failing, NoSuchEndpoint
from mlproj.mlflow_import.foreign_run import PARENT_TAG
from mlproj.outbox import files, ledger
from mlproj.outbox.destination import Destination
from mlproj.outbox.ledger import Entry, Ledger
from mlproj.outbox.models import ModelDelivery
from mlproj.tracking.base import UNFINISHED, AlreadyExists, Metric, NewRun, NotFound, Run, RunChanges, TrackingStore
from mlproj.tracking.mlflow_rest.json_form import RUN_ID_TAG
from mlproj.tracking.mlflow_rest.runs import is_cut
from mlproj.tracking.model_base import ModelStore

_BATCH = 1000
_LOOK_AGAIN = 5.0  # seconds between two looks at the files of a run that goes on
_FIELDS = (
    *("run_name", "status_reason", "start_time", "exit_code", "user", "command"),
    *("source", "environment", "inputs", "outputs", "experiment_name"),
)


class RunDelivery:
    """Brings runs of the outbox, whose notes, runs and models these are, to *destination*."""

    def __init__(self, notes: Ledger, store: TrackingStore, models: ModelStore, destination: Destination) -> None:
        self._ledger = notes
        self._store = store
        self._models = models
        self._destination = destination
        self.there: dict[str, Mapping[str, Any]] = {}
        """The fields of runs that are others with the server, of those that were delivered."""
        self._looked: dict[str, float] = {}

    def deliver(self, entry: Entry, run: Run, on_answer: Callable[[], object]) -> list[str]:
        """Everything that the server does not have of the run yet; what could not be sent. *on_answer* is called when
        it has answered."""
        remote_id, artifact_uri = self._made(entry, run)
        if remote_id != entry.remote_id:  # else nothing was asked
            on_answer()
        return self._deliver_rest(entry, run, remote_id, artifact_uri, on_answer)

    def _made(self, entry: Entry, run: Run) -> tuple[str, str]:
        """See that the run is on the server; its id and the place of its artifacts there."""
        if entry.remote_id and "artifact_uri" in entry.sent:
            if self._destination.is_exact or entry.sent.get("experiment") == run.experiment_name:
                self._note_there(run.run_id, entry.sent)
                return entry.remote_id, str(entry.sent["artifact_uri"])
            self._begin_anew(entry)
            entry = entry._replace(attempted=False, sent={})
        made = self._find(run) if entry.attempted else None
        if made is None:
            self._ledger.note(run.run_id, attempted=1)
            made = self._create(run)
        fields = {
            "artifact_uri": made.artifact_uri,
            "experiment_id": made.experiment_id,
            "experiment": made.experiment_name,
        }
        self._ledger.note(run.run_id, remote_id=made.run_id, sent={**entry.sent, **fields})
        self._note_there(run.run_id, fields)
        return made.run_id, made.artifact_uri

    def _note_there(self, run_id: str, fields: Mapping[str, Any]) -> None:
        self.there[run_id] = {name: str(fields[name]) for name in ("artifact_uri", "experiment_id")}

    def _begin_anew(self, entry: Entry) -> None:
        """MLflow's servers cannot move a run: when its program has chosen another experiment, it is made there
        again."""
        assert entry.remote_id is not None
        with suppress(NotFound):
            self._destination.store.update_run(entry.remote_id, RunChanges(lifecycle_stage="deleted"))
        self._ledger.begin_anew(entry.run_id)

    def _find(self, run: Run) -> Run | None:
        """The run on the server, if a former attempt has come so far without our hearing of it."""
        store = self._destination.store
        try:
            if self._destination.is_exact:
                return store.get_run(run.run_id)
            return next(
                iter(store.search_runs(filter=f"tags.`{RUN_ID_TAG}` = '{run.run_id}'", lifecycle_stage=None).items),
                None,
            )
        except NotFound:
            return None

    def _create(self, run: Run) -> Run:
        experiment = self._destination.experiment(self._store.get_experiment(experiment_id=run.experiment_id))
        try:
            return self._destination.store.create_run(
                NewRun(
                    run_id=run.run_id,
                    run_name=run.run_name,
                    experiment_id=experiment.experiment_id,
                    start_time=run.start_time,
                    artifact_uri=None if run.artifact_uri.startswith("file:") else run.artifact_uri,
                    entry_point=run.entry_point,
                    command=run.command,
                    host=run.host,
                    user=run.user,
                    pid=run.pid,
                    tags=self._tags(run),
                    source=run.source,
                    environment=run.environment,
                    inputs=run.inputs,
                )
            )
        except AlreadyExists:
            return self._destination.store.get_run(run.run_id)

    def _deliver_rest(
        self, entry: Entry, run: Run, remote_id: str, artifact_uri: str, on_answer: Callable[[], object]
    ) -> list[str]:
        """Everything that the server does not have of the run yet; what could not be sent."""
        noted = self._ledger.entry(run.run_id) or entry  # but `version` is that of before the run was read
        sent, uncertain = dict(noted.sent), bool(noted.sending)
        self._deliver_values(run, remote_id, sent)
        if sent != noted.sent:
            on_answer()
        for points in ledger.batches(self._ledger, run.run_id, _BATCH):
            self._deliver_points(run.run_id, remote_id, points, uncertain=uncertain)
            uncertain = False
            on_answer()
        files_there = self._ledger.files(run.run_id)
        left = self._deliver_files(run, artifact_uri)
        models = ModelDelivery(self._ledger, self._models, self._destination, self._remote_id)
        try:
            models.deliver(run, remote_id, artifact_uri)
        except MlprojError as refusal:  # what there is of the run is there all the same, and its end is sent
            if concerns_all(refusal):
                raise
            left.append(f"models: {refusal}")
        if self._ledger.files(run.run_id) != files_there:
            on_answer()
        if run.status.ended:
            self._deliver_end(run, remote_id, sent)
        if sent != noted.sent or entry.version > entry.delivered or noted.trouble:
            self._ledger.note(run.run_id, sent=sent, delivered=entry.version, trouble=None)
        return left

    def _deliver_end(self, run: Run, remote_id: str, sent: dict[str, Any]) -> None:
        store = self._destination.store
        self._destination.deliver_tags(self._store.get_experiment(experiment_id=run.experiment_id))
        if sent.get("end") != [run.status.value, run.end_time]:
            ended = store.update_run(
                remote_id, RunChanges(status=run.status, end_time=run.end_time), expected=UNFINISHED
            )
            if not ended:  # the server took it for dead, or another client did: we know
                store.update_run(
                    remote_id,
                    RunChanges(status=run.status, end_time=run.end_time, status_reason=run.status_reason or ""),
                )
            sent["end"] = [run.status.value, run.end_time]
        if run.lifecycle_stage != sent.get("lifecycle_stage", "active"):
            store.update_run(remote_id, RunChanges(lifecycle_stage=run.lifecycle_stage))
            sent["lifecycle_stage"] = run.lifecycle_stage

    def _deliver_values(self, run: Run, remote_id: str, sent: dict[str, Any]) -> None:
        store, before = self._destination.store, dict(sent)
        params = {key: value for key, value in run.params.items() if key not in sent.get("params", ())}
        tags = self._tags(run)
        known: Mapping[str, str] = sent.get("tags", {})
        changed = {key: value for key, value in tags.items() if known.get(key) != value}
        if params or changed:
            store.log(remote_id, params=params, tags=changed)
        for key in known.keys() - tags.keys():
            try:
                store.delete_tag(remote_id, key)
            except NotFound:
                continue
        sent |= {"params": [*run.params], "tags": tags}
        fields = {name: _plain(run, name) for name in _FIELDS}
        sent_fields = sent.get("fields", {})
        changed_fields = {
            name: value
            for name, value in fields.items()
            if value not in (None, [], ()) and value != sent_fields.get(name)
        }
        if changed_fields:
            if "outputs" in changed_fields:
                changed_fields["outputs"] = run.outputs
            if "experiment_name" in changed_fields:  # made as it is here, with its tags
                self._destination.experiment(self._store.get_experiment(experiment_id=run.experiment_id))
            store.update_run(remote_id, RunChanges(**changed_fields))
            sent["fields"] = fields
        datasets = [[dataset.name, dataset.digest, dict(dataset.tags)] for dataset in run.datasets]
        if datasets and datasets != sent.get("datasets"):
            with suppress(
                *(() if self._destination.is_exact else (NoSuchEndpoint,))
            ):  # MLflow's servers before 2.4 keep none
                store.log_inputs(remote_id, run.datasets)
            sent["datasets"] = datasets
        if sent != before:
            self._ledger.note(run.run_id, sent=sent)

    def _deliver_points(self, run_id: str, remote_id: str, points: ledger.Points, *, uncertain: bool) -> None:
        metrics = points.metrics
        if uncertain and not self._destination.is_exact:
            # MLflow's file store keeps what comes twice twice: look what of the last attempt has arrived.
            metrics = self._missing(remote_id, metrics)
        self._ledger.note(run_id, sending=points.last)
        if metrics:
            self._destination.store.log(remote_id, metrics=metrics)
        self._ledger.points_are_there(run_id, points.last)

    def _missing(self, remote_id: str, metrics: Any) -> list[Metric]:
        arrived = {
            (point.key, point.step, point.timestamp, repr(float(point.value)))
            for key in {metric.key for metric in metrics}
            for point in self._destination.store.metric_history(remote_id, key)
        }
        return [
            metric
            for metric in metrics
            if (metric.key, metric.step, metric.timestamp, repr(float(metric.value))) not in arrived
        ]

    def _deliver_files(self, run: Run, artifact_uri: str) -> list[str]:
        folder = files.folder_of(run.artifact_uri)
        if folder is None:
            return []
        now = time.monotonic()
        if not run.status.ended and now - self._looked.get(run.run_id, 0) < _LOOK_AGAIN:
            return []
        self._looked[run.run_id] = now
        target = self._destination.artifacts(artifact_uri)
        left = files.send(self._ledger, run.run_id, folder, target, ended=run.status.ended)
        if run.status.ended:
            cut = {key: value for key, value in {**run.params, **run.tags}.items() if is_cut(key, value)}
            if cut and not self._destination.is_exact:
                files.send_values(run, cut, target)
        return left

    def _tags(self, run: Run) -> dict[str, str]:
        """The run's tags with the ids that the server knows."""
        tags = dict(run.tags)
        if self._destination.is_exact:
            return tags
        parent = tags.get(PARENT_TAG)
        if parent and (entry := self._ledger.entry(parent)) and entry.remote_id:
            tags[PARENT_TAG] = entry.remote_id
        return {**tags, RUN_ID_TAG: run.run_id}

    def _remote_id(self, run_id: str) -> str | None:
        entry = self._ledger.entry(run_id)
        return entry.remote_id if entry else None


def concerns_all(trouble: MlprojError) -> bool:
    """Whether nothing can be delivered for now; else it is about the one thing that was to be."""
    return isinstance(trouble, ServiceError) and not isinstance(trouble, (Failing, NoSuchEndpoint))


def _plain(run: Run, name: str) -> Any:
    """A field as JSON gives it back."""
    value = getattr(run, name)
    if name == "outputs":
        return [[output.path, output.sha256, output.size, output.kept] for output in value]
    if name == "inputs":
        return [dict(document) for document in value]
    return value
