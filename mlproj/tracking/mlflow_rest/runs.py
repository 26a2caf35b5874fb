"""The runs of a stock MLflow server, over its REST API 2.0 as its own clients speak it.

What MLflow has no field for (code, environment, inputs, outputs, exit code) is in tags ``mlproj.…``. Ids are the
server's: a run that was made with another one has it in the tag ``mlproj.run_id`` and is found by it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any

from mlproj.foundation.errors import UsageError
from mlproj.foundation.override import override
from mlproj.http.client import HttpClient, Refused
from mlproj.tracking.base import (
    DatasetInput,
    Experiment,
    Metric,
    NewRun,
    NotFound,
    Page,
    Run,
    RunChanges,
    Status,
    TrackingStore,
)
from mlproj.tracking.mlflow_rest import json_form
from mlproj.tracking.remote import as_ours
from mlproj.tracking.run_name import generate
from mlproj.tracking.sql import statement

API = "/api/2.0/mlflow"
_METRICS, _PAIRS = 1000, 100  # of one request
_LONGEST = {"params": 6000, "tags": 5000}  # characters
_LONGEST_OLD = 500  # characters of a parameter before MLflow 2.8
_NO_NAME = re.compile(r"[^/\w.\- :]", re.ASCII)
_STAGES = {"active": "ACTIVE_ONLY", "deleted": "DELETED_ONLY", None: "ALL"}
_RUN_ID, _PREFIX = re.compile(r"[0-9a-f]{32}"), re.compile(r"[0-9a-f]{4,31}")
_PAGE = 1000
_RECORD = ("status_reason", "exit_code", "command", "source", "environment", "inputs", "outputs")
_UNMARKED = "marks are kept where runs are recorded, not on an MLflow server"


def ask(caller: HttpClient, method: str, path: str, fields: Mapping[str, Any], *, again: bool = True) -> dict[str, Any]:
    """What an MLflow server answers to *fields* (those that are None are left out). Raises as a store here would."""
    given = {name: value for name, value in fields.items() if value is not None}
    try:
        answer: dict[str, Any] = caller.call(method, f"{API}/{path}", given, again=again)
    except Refused as refusal:
        raise as_ours(refusal) from refusal
    return answer


class MlflowStore(TrackingStore):
    """The :class:`~mlproj.tracking.base.TrackingStore` of a stock MLflow server; its methods are documented there.

    A call that needs several requests is not one transaction. Values longer than MLflow takes are cut, and signs in
    names that it does not take become ``_``.
    """

    def __init__(self, caller: HttpClient) -> None:
        self._client = caller
        self._names: dict[str, str] = {}

    @override
    def close(self) -> None:
        self._client.close()

    def _post(self, path: str, *, again: bool = True, **fields: Any) -> dict[str, Any]:
        return ask(self._client, "POST", path, fields, again=again)

    def _get(self, path: str, **fields: Any) -> dict[str, Any]:
        return ask(self._client, "GET", path, fields)

    # Runs.

    @override
    def create_run(self, new: NewRun) -> Run:
        """``artifact_uri`` is left: MLflow's servers place artifacts themselves."""
        experiment_id = new.experiment_id or "0"
        if new.experiment_name is not None:
            experiment_id = self.create_experiment(new.experiment_name).experiment_id
        record = {name: getattr(new, name) for name in ("entry_point", "command", "host", "pid")}
        record |= {"source": new.source, "environment": new.environment, "inputs": list(new.inputs)}
        name = new.run_name or new.tags.get("mlflow.runName") or generate()
        known = {"mlflow.runName": name, **new.tags, **({json_form.RUN_ID_TAG: new.run_id} if new.run_id else {})}
        made = self._post(
            "runs/create",
            again=False,
            experiment_id=experiment_id,
            run_name=name,
            start_time=statement.now() if new.start_time is None else new.start_time,
            user_id=new.user,
            tags=json_form.pairs(known),
        )
        there = str(made["run"]["info"]["run_id"])
        self.log(there, params=new.params, tags=json_form.record_tags(record))
        if new.status is not Status.RUNNING:
            self.update_run(there, RunChanges(status=new.status, end_time=new.end_time))
        return self._run(there)

    @override
    def update_run(self, run_id: str, changes: RunChanges, *, expected: Sequence[Status] = ()) -> bool:
        """``start_time`` is left: a server keeps that of the beginning."""
        found = self._run(run_id)
        if expected and found.status not in expected:
            return False
        if changes.experiment_name is not None and changes.experiment_name != found.experiment_name:
            raise UsageError("an MLflow server cannot move a run to another experiment")
        record = json_form.record_tags({name: getattr(changes, name) for name in _RECORD})
        if changes.user:
            record["mlflow.user"] = changes.user
        if record:
            self.log(run_id, tags=record)
        if changes.status is not None or changes.run_name is not None:
            end_time = changes.end_time
            if changes.status is not None and changes.status.ended and end_time is None:
                end_time = statement.now()
            self._post(
                "runs/update",
                run_id=run_id,
                status=changes.status and changes.status.value,
                end_time=end_time,
                run_name=changes.run_name,
            )
        if changes.lifecycle_stage is not None and changes.lifecycle_stage != found.lifecycle_stage:
            self._post("runs/delete" if changes.lifecycle_stage == "deleted" else "runs/restore", run_id=run_id)
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
        if mark:
            raise UsageError(_UNMARKED)
        for portion in _portions(list((params or {}).items()), _PAIRS):
            self._log_params(run_id, dict(portion))
        for portion in _portions(list((tags or {}).items()), _PAIRS):
            self._post("runs/log-batch", run_id=run_id, tags=_fitting(dict(portion), _LONGEST["tags"]))
        for points in _portions(metrics, _METRICS):
            named = [json_form.metric(point) | {"key": name_for_mlflow(point.key)} for point in points]
            self._post("runs/log-batch", run_id=run_id, metrics=named)

    def _log_params(self, run_id: str, params: Mapping[str, str]) -> None:
        try:
            self._post("runs/log-batch", run_id=run_id, params=_fitting(params, _LONGEST["params"]))
        except UsageError:
            if all(len(value) <= _LONGEST_OLD for value in params.values()):
                raise
            self._post("runs/log-batch", run_id=run_id, params=_fitting(params, _LONGEST_OLD))

    @override
    def marks(self, run_id: str) -> Mapping[str, int]:  # noqa: ARG002
        raise UsageError(_UNMARKED)

    @override
    def delete_tag(self, run_id: str, key: str) -> None:
        self._post("runs/delete-tag", again=False, run_id=run_id, key=key)

    @override
    def log_inputs(self, run_id: str, datasets: Sequence[DatasetInput]) -> None:
        self._post(
            "runs/log-inputs", run_id=run_id, datasets=[json_form.dataset_input(dataset) for dataset in datasets]
        )

    @override
    def get_run(self, reference: str) -> Run:
        if _RUN_ID.fullmatch(reference):
            try:
                return self._run(reference)
            except NotFound:
                found = self._some(f"tags.`{json_form.RUN_ID_TAG}` = '{reference}'")
        else:
            quoted = "" if "'" in reference else reference  # MLflow's grammar has no way to write one
            found = []
            if _PREFIX.fullmatch(reference):
                begins = f"LIKE '{reference}%'"
                found = self._some(f"attributes.run_id {begins}") or self._some(
                    f"tags.`{json_form.RUN_ID_TAG}` {begins}"
                )
            found = found or (self._some(f"attributes.run_name = '{quoted}'") if quoted else [])
        if len(found) > 1:
            raise statement.ambiguous(reference, found)
        if not found:
            raise statement.no_run(reference)
        return found[0]

    def _some(self, filter: str) -> list[Run]:
        return list(self.search_runs(filter=filter, lifecycle_stage=None, limit=6).items)

    def _run(self, run_id: str) -> Run:
        document = self._get("runs/get", run_id=run_id)["run"]
        return json_form.to_run(document, self._name_of)

    @override
    def search_runs(
        self,
        *,
        experiment_ids: Sequence[str] | None = None,
        filter: str = "",
        order_by: Sequence[str] = (),
        lifecycle_stage: str | None = "active",
        limit: int = 1000,
        page_token: str | None = None,
    ) -> Page[Run]:
        if experiment_ids is None:
            experiment_ids = [experiment.experiment_id for experiment in self._all_experiments(None)]
        if not experiment_ids:
            return Page([])
        answer = self._post(
            "runs/search",
            experiment_ids=list(experiment_ids),
            filter=filter,
            order_by=list(order_by),
            run_view_type=_STAGES[lifecycle_stage],
            max_results=limit,
            page_token=page_token,
        )
        runs = [json_form.to_run(one, self._name_of) for one in answer.get("runs", ())]
        return Page(runs, answer.get("next_page_token") or None)

    @override
    def list_runs(
        self,
        *,
        experiment_name: str | None = None,
        statuses: Sequence[Status] = (),
        lifecycle_stage: str | None = "active",
        limit: int | None = None,
        offset: int = 0,
    ) -> list[Run]:
        ids = None if experiment_name is None else [self.get_experiment(name=experiment_name).experiment_id]
        last = None if limit is None else offset + limit
        if not statuses:
            return list(islice(self._newest(ids, "", lifecycle_stage), offset, last))
        found = [
            run
            for status in statuses
            for run in self._newest(ids, f"attributes.status = '{status.value}'", lifecycle_stage)
        ]
        return sorted(found, key=lambda run: run.start_time or 0, reverse=True)[offset:last]

    def _newest(self, experiment_ids: Sequence[str] | None, filter: str, stage: str | None) -> Iterator[Run]:
        token = None
        while True:
            page = self.search_runs(
                experiment_ids=experiment_ids,
                filter=filter,
                order_by=["attributes.start_time DESC"],
                lifecycle_stage=stage,
                limit=_PAGE,
                page_token=token,
            )
            yield from page.items
            token = page.next_page_token
            if token is None:
                return

    @override
    def metric_history(self, run_id: str, key: str) -> list[Metric]:
        found: list[Metric] = []
        token: str | None = None
        while True:
            asked = {
                "run_id": run_id,
                "run_uuid": run_id,
                "metric_key": key,
                "max_results": 25_000,
                "page_token": token,
            }
            answer = self._get("metrics/get-history", **asked)
            found.extend(json_form.to_metric(item) for item in answer.get("metrics", ()))
            token = answer.get("next_page_token") or None
            if token is None:
                return sorted(found, key=lambda point: (point.step, point.timestamp))

    @override
    def purge(
        self,
        *,
        deleted_before: int | None = None,  # noqa: ARG002
        run_ids: Sequence[str] | None = None,  # noqa: ARG002
    ) -> list[Run]:
        raise UsageError("runs of an MLflow server are removed for good by `mlflow gc` on its machine")

    @override
    def purgeable(self, *, deleted_before: int | None = None, run_ids: Sequence[str] | None = None) -> list[Run]:
        return self.purge(deleted_before=deleted_before, run_ids=run_ids)

    # Experiments.

    @override
    def create_experiment(
        self,
        name: str,
        artifact_location: str | None = None,
        *,
        tags: Mapping[str, str] | None = None,
        new: bool = False,
    ) -> Experiment:
        if not new:
            try:
                return self.get_experiment(name=name)
            except NotFound:
                pass
        made = self._post(
            "experiments/create",
            again=False,
            name=name,
            artifact_location=artifact_location,
            tags=json_form.pairs(tags or {}),
        )
        return self.get_experiment(experiment_id=str(made["experiment_id"]))

    @override
    def get_experiment(self, *, name: str | None = None, experiment_id: str | None = None) -> Experiment:
        if name is not None:
            answer = self._get("experiments/get-by-name", experiment_name=name)
        else:
            answer = self._get("experiments/get", experiment_id=experiment_id or "0")
        found = json_form.to_experiment(answer["experiment"])
        self._names[found.experiment_id] = found.name
        return found

    @override
    def update_experiment(
        self,
        experiment_id: str,
        *,
        name: str | None = None,
        lifecycle_stage: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        if lifecycle_stage == "active":
            self._post("experiments/restore", experiment_id=experiment_id)
        if name is not None:
            self._post("experiments/update", experiment_id=experiment_id, new_name=name)
        for key, value in (tags or {}).items():
            self._post("experiments/set-experiment-tag", experiment_id=experiment_id, key=key, value=value)
        if lifecycle_stage == "deleted":
            self._post("experiments/delete", experiment_id=experiment_id)

    @override
    def delete_experiment_tag(self, experiment_id: str, key: str) -> None:
        self._post("experiments/delete-experiment-tag", again=False, experiment_id=experiment_id, key=key)

    @override
    def search_experiments(
        self,
        *,
        filter: str = "",
        order_by: Sequence[str] = (),
        lifecycle_stage: str | None = "active",
        limit: int = 1000,
        page_token: str | None = None,
    ) -> Page[Experiment]:
        answer = self._post(
            "experiments/search",
            filter=filter or None,
            order_by=list(order_by) or None,
            view_type=_STAGES[lifecycle_stage],
            max_results=limit,
            page_token=page_token,
        )
        found = [json_form.to_experiment(one) for one in answer.get("experiments", ())]
        self._names.update({one.experiment_id: one.name for one in found})
        return Page(found, answer.get("next_page_token") or None)

    @override
    def list_experiments(self) -> list[Experiment]:
        return sorted(
            self._all_experiments("active"),
            key=lambda one: int(one.experiment_id) if one.experiment_id.isdigit() else 0,
        )

    def _all_experiments(self, stage: str | None) -> Iterator[Experiment]:
        token = None
        while True:
            page = self.search_experiments(lifecycle_stage=stage, page_token=token)
            yield from page.items
            token = page.next_page_token
            if token is None:
                return

    def _name_of(self, experiment_id: str) -> str:
        if experiment_id not in self._names:
            self.get_experiment(experiment_id=experiment_id)
        return self._names[experiment_id]


def name_for_mlflow(key: str) -> str:
    """*key* as MLflow takes it."""
    return _NO_NAME.sub("_", key)[:250] or "_"


def is_cut(key: str, value: str) -> bool:
    """Whether an MLflow server may not have this parameter or tag as it is."""
    return len(value) > _LONGEST_OLD or name_for_mlflow(key) != key


def _fitting(values: Mapping[str, str], longest: int) -> list[dict[str, str]]:
    return json_form.pairs(
        {
            name_for_mlflow(key): value if len(value) <= longest else f"{value[: longest - 1]}…"
            for key, value in values.items()
        }
    )


def _portions(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
