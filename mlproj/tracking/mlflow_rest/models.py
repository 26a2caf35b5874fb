"""Models on a stock MLflow server: logged models (from MLflow 3 on) and registered versions."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from mlproj.foundation.errors import UsageError
from mlproj.foundation.override import override
from mlproj.http.client import HttpClient, NoSuchEndpoint
from mlproj.tracking.base import Metric, Page
from mlproj.tracking.mlflow_rest import json_form
from mlproj.tracking.mlflow_rest.runs import ask
from mlproj.tracking.model_base import (
    LoggedModel,
    LoggedModelStatus,
    ModelDataset,
    ModelMetric,
    ModelOrder,
    ModelStore,
    ModelVersion,
    RegisteredModel,
    RunModel,
    Stage,
)


class NoLoggedModels(UsageError):
    """The server is older than MLflow 3 and keeps models among the files of their runs."""


class MlflowModels(ModelStore):
    """The :class:`~mlproj.tracking.model_base.ModelStore` of a stock MLflow server; its methods are documented
    there."""

    def __init__(self, caller: HttpClient) -> None:
        self._client = caller

    @override
    def close(self) -> None:
        self._client.close()

    def _ask(self, method: str, path: str, *, again: bool = True, **fields: Any) -> dict[str, Any]:
        return ask(self._client, method, path, fields, again=again)

    # Logged models.

    @override
    def create_logged_model(
        self,
        experiment_id: str,
        *,
        name: str | None = None,
        source_run_id: str | None = None,
        model_type: str | None = None,
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
        model_id: str | None = None,  # noqa: ARG002  # the server gives one
    ) -> LoggedModel:
        try:
            answer = self._ask(
                "POST",
                "logged-models",
                again=False,
                experiment_id=experiment_id,
                name=name,
                source_run_id=source_run_id,
                model_type=model_type,
                params=json_form.pairs(params or {}),
                tags=json_form.pairs(tags or {}),
            )
        except NoSuchEndpoint as missing:
            raise NoLoggedModels("the server keeps no logged models") from missing
        return replace(_logged_model(answer), params=dict(params or {}))

    @override
    def get_logged_model(self, model_id: str, *, deleted_too: bool = False) -> LoggedModel:  # noqa: ARG002
        return _logged_model(self._ask("GET", f"logged-models/{model_id}"))

    @override
    def finish_logged_model(self, model_id: str, status: LoggedModelStatus) -> LoggedModel:
        return _logged_model(self._ask("PATCH", f"logged-models/{model_id}", model_id=model_id, status=status.value))

    @override
    def delete_logged_model(self, model_id: str) -> None:
        self._ask("DELETE", f"logged-models/{model_id}")

    @override
    def set_logged_model_tags(self, model_id: str, tags: Mapping[str, str]) -> LoggedModel:
        self._ask("PATCH", f"logged-models/{model_id}/tags", model_id=model_id, tags=json_form.pairs(tags))
        return self.get_logged_model(model_id)

    @override
    def delete_logged_model_tag(self, model_id: str, key: str) -> None:
        self._ask("DELETE", f"logged-models/{model_id}/tags/{quote(key, safe='')}", again=False)

    @override
    def search_logged_models(
        self,
        experiment_ids: Sequence[str],
        *,
        filter: str = "",
        datasets: Sequence[ModelDataset] = (),
        order_by: Sequence[ModelOrder] = (),
        limit: int = 100,
        page_token: str | None = None,
    ) -> Page[LoggedModel]:
        answer = self._ask(
            "POST",
            "logged-models/search",
            experiment_ids=list(experiment_ids),
            filter=filter or None,
            datasets=[_given(dataset_name=one.name, dataset_digest=one.digest) for one in datasets] or None,
            order_by=[_given(**vars(one)) for one in order_by] or None,
            max_results=limit,
            page_token=page_token,
        )
        models = [_logged_model({"model": one}) for one in answer.get("models", ())]
        return Page(models, answer.get("next_page_token") or None)

    @override
    def log_model_params(self, model_id: str, params: Mapping[str, str]) -> None:
        self._ask("POST", f"logged-models/{model_id}/params", model_id=model_id, params=json_form.pairs(params))

    @override
    def log_model_metrics(self, metrics: Sequence[ModelMetric]) -> None:
        by_run: dict[str, list[dict[str, Any]]] = {}
        for one in metrics:
            point = json_form.metric(Metric(one.key, one.value, one.timestamp, one.step))
            about = {"model_id": one.model_id, "dataset_name": one.dataset_name, "dataset_digest": one.dataset_digest}
            by_run.setdefault(one.run_id, []).append(
                {**point, **{name: value for name, value in about.items() if value}}
            )
        for run_id, points in by_run.items():
            self._ask("POST", "runs/log-batch", run_id=run_id, metrics=points)

    @override
    def link_models(self, run_id: str, models: Sequence[RunModel]) -> None:
        made = [{"model_id": one.model_id, "step": one.step} for one in models if one.output]
        used = [{"model_id": one.model_id} for one in models if not one.output]
        if made:
            self._ask("POST", "runs/outputs", run_id=run_id, models=made)
        if used:
            self._ask("POST", "runs/log-inputs", run_id=run_id, models=used)

    @override
    def models_of_runs(self, run_ids: Sequence[str]) -> Mapping[str, Sequence[RunModel]]:
        found: dict[str, Sequence[RunModel]] = {}
        for run_id in run_ids:
            run = self._ask("GET", "runs/get", run_id=run_id)["run"]
            made = [
                RunModel(one["model_id"], int(one.get("step") or 0))
                for one in run.get("outputs", {}).get("model_outputs", ())
            ]
            used = [RunModel(one["model_id"], 0, output=False) for one in run.get("inputs", {}).get("model_inputs", ())]
            if made or used:
                found[run_id] = [*used, *made]
        return found

    @override
    def append_model_history(self, run_id: str, entry: Mapping[str, object]) -> None:
        self._ask("POST", "runs/log-model", again=False, run_id=run_id, model_json=json.dumps(entry))

    # The registry.

    @override
    def create_registered_model(
        self, name: str, *, description: str | None = None, tags: Mapping[str, str] | None = None
    ) -> RegisteredModel:
        made = self._ask(
            "POST",
            "registered-models/create",
            again=False,
            name=name,
            description=description,
            tags=json_form.pairs(tags or {}),
        )
        return RegisteredModel(made["registered_model"]["name"])

    @override
    def get_registered_model(self, name: str) -> RegisteredModel:
        return _registered_model(self._ask("GET", "registered-models/get", name=name)["registered_model"])

    @override
    def search_registered_models(
        self, *, filter: str = "", order_by: Sequence[str] = (), limit: int = 100, page_token: str | None = None
    ) -> Page[RegisteredModel]:
        asked: dict[str, Any] = {"filter": filter or None, "order_by": list(order_by) or None}
        asked |= {"max_results": limit, "page_token": page_token}
        answer = self._ask("GET", "registered-models/search", **asked)
        return Page(
            [_registered_model(one) for one in answer.get("registered_models", ())],
            answer.get("next_page_token") or None,
        )

    @override
    def update_registered_model(self, name: str, *, description: str) -> RegisteredModel:
        changed = self._ask("PATCH", "registered-models/update", name=name, description=description)
        return _registered_model(changed["registered_model"])

    @override
    def rename_registered_model(self, name: str, new_name: str) -> RegisteredModel:
        renamed = self._ask("POST", "registered-models/rename", again=False, name=name, new_name=new_name)
        return _registered_model(renamed["registered_model"])

    @override
    def delete_registered_model(self, name: str) -> None:
        self._ask("DELETE", "registered-models/delete", again=False, name=name)

    @override
    def delete_registered_model_tag(self, name: str, key: str) -> None:
        self._ask("DELETE", "registered-models/delete-tag", name=name, key=key)

    @override
    def set_registered_model_tag(self, name: str, key: str, value: str) -> None:
        self._ask("POST", "registered-models/set-tag", name=name, key=key, value=value)

    @override
    def set_alias(self, name: str, alias: str, version: int) -> None:
        self._ask("POST", "registered-models/alias", name=name, alias=alias, version=str(version))

    @override
    def delete_alias(self, name: str, alias: str) -> None:
        self._ask("DELETE", "registered-models/alias", name=name, alias=alias)

    @override
    def create_version(
        self,
        name: str,
        source: str,
        *,
        run_id: str | None = None,
        run_link: str | None = None,
        model_id: str | None = None,
        description: str | None = None,
        user: str | None = None,  # noqa: ARG002  # the server knows who asks
        tags: Mapping[str, str] | None = None,
    ) -> ModelVersion:
        made = self._ask(
            "POST",
            "model-versions/create",
            again=False,
            name=name,
            source=source,
            run_id=run_id,
            run_link=run_link,
            model_id=model_id,
            description=description,
            tags=json_form.pairs(tags or {}),
        )
        return _version(made["model_version"])

    @override
    def get_version(self, name: str, version: int) -> ModelVersion:
        return _version(self._ask("GET", "model-versions/get", name=name, version=str(version))["model_version"])

    @override
    def get_version_by_alias(self, name: str, alias: str) -> ModelVersion:
        return _version(self._ask("GET", "registered-models/alias", name=name, alias=alias)["model_version"])

    @override
    def latest_versions(self, name: str, stages: Sequence[str] = ()) -> list[ModelVersion]:
        answer = self._ask("POST", "registered-models/get-latest-versions", name=name, stages=list(stages))
        return [_version(one) for one in answer.get("model_versions", ())]

    @override
    def download_uri(self, name: str, version: int) -> str:
        return str(self._ask("GET", "model-versions/get-download-uri", name=name, version=str(version))["artifact_uri"])

    @override
    def search_versions(
        self,
        *,
        filter: str = "",
        order_by: Sequence[str] = (),
        limit: int = 10_000,
        page_token: str | None = None,
    ) -> Page[ModelVersion]:
        asked: dict[str, Any] = {
            "filter": filter,
            "order_by": list(order_by) or None,
            "max_results": limit,
            "page_token": page_token,
        }
        answer = self._ask("GET", "model-versions/search", **asked)
        return Page([_version(one) for one in answer.get("model_versions", ())], answer.get("next_page_token") or None)

    @override
    def update_version(self, name: str, version: int, *, description: str) -> ModelVersion:
        changed = self._ask("PATCH", "model-versions/update", name=name, version=str(version), description=description)
        return _version(changed["model_version"])

    @override
    def delete_version(self, name: str, version: int) -> None:
        self._ask("DELETE", "model-versions/delete", again=False, name=name, version=str(version))

    @override
    def delete_version_tag(self, name: str, version: int, key: str) -> None:
        self._ask("DELETE", "model-versions/delete-tag", name=name, version=str(version), key=key)

    @override
    def set_version_tag(self, name: str, version: int, key: str, value: str) -> None:
        self._ask("POST", "model-versions/set-tag", name=name, version=str(version), key=key, value=value)

    @override
    def move_to_stage(self, name: str, version: int, stage: str, *, archive_others: bool = False) -> ModelVersion:
        moved = self._ask(
            "POST",
            "model-versions/transition-stage",
            name=name,
            version=str(version),
            stage=stage,
            archive_existing_versions=archive_others,
        )
        return _version(moved["model_version"])


def _given(**fields: object) -> dict[str, object]:
    return {name: value for name, value in fields.items() if value is not None}


@json_form.understood
def _logged_model(answer: Mapping[str, Any]) -> LoggedModel:
    info, data = answer["model"]["info"], answer["model"].get("data", {})
    return LoggedModel(
        info["model_id"],
        str(info["experiment_id"]),
        info["name"],
        info["artifact_uri"],
        LoggedModelStatus(info.get("status") or LoggedModelStatus.PENDING),
        source_run_id=info.get("source_run_id") or None,
        model_type=info.get("model_type") or None,
        creation_time=_milliseconds(info, "creation_timestamp_ms"),
        last_update_time=_milliseconds(info, "last_updated_timestamp_ms"),
        tags=json_form.to_pairs(info.get("tags", ())),
        params=json_form.to_pairs(data.get("params", ())),
    )


@json_form.understood
def _registered_model(found: Mapping[str, Any]) -> RegisteredModel:
    return RegisteredModel(
        found["name"],
        found.get("description") or None,
        _milliseconds(found, "creation_timestamp"),
        _milliseconds(found, "last_updated_timestamp"),
        json_form.to_pairs(found.get("tags", ())),
        {one["alias"]: int(one["version"]) for one in found.get("aliases", ())},
        tuple(_version(one) for one in found.get("latest_versions", ())),
    )


@json_form.understood
def _version(found: Mapping[str, Any]) -> ModelVersion:
    return ModelVersion(
        found["name"],
        int(found["version"]),
        found.get("source", ""),
        Stage(found.get("current_stage") or Stage.NONE.value),
        description=found.get("description") or None,
        user=found.get("user_id") or None,
        run_id=found.get("run_id") or None,
        run_link=found.get("run_link") or None,
        model_id=found.get("model_id") or None,
        status=found.get("status", "READY"),
        creation_time=_milliseconds(found, "creation_timestamp"),
        last_update_time=_milliseconds(found, "last_updated_timestamp"),
        tags=json_form.to_pairs(found.get("tags", ())),
        aliases=tuple(found.get("aliases", ())),
    )


def _milliseconds(found: Mapping[str, Any], name: str) -> int:
    return int(found.get(name) or 0)
