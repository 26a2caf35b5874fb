"""Registered models, versions and logged models as MLflow's JSON: absent is left out, times are numbers, versions
texts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from mlproj.server import wire
from mlproj.server.call import ApiError, Call
from mlproj.tracking.base import Metric
from mlproj.tracking.model_base import LoggedModel, ModelMetric, ModelVersion, RegisteredModel

Document = dict[str, Any]


def registered_model(model: RegisteredModel) -> Document:
    """MLflow's ``RegisteredModel``."""
    return _given(
        {
            "name": model.name,
            "creation_timestamp": model.creation_time,
            "last_updated_timestamp": model.last_update_time,
            "description": model.description or None,
            "latest_versions": [model_version(version) for version in model.latest_versions],
            "tags": wire.pairs(model.tags),
            "aliases": [{"alias": alias, "version": str(version)} for alias, version in model.aliases.items()],
        }
    )


def model_version(version: ModelVersion) -> Document:
    """MLflow's ``ModelVersion``. What its server keeps as an empty text is answered as one."""
    return _given(
        {
            "name": version.name,
            "version": str(version.version),
            "creation_timestamp": version.creation_time,
            "last_updated_timestamp": version.last_update_time,
            "user_id": version.user,
            "current_stage": version.stage.value,
            "description": version.description or "",
            "source": version.source,
            "run_id": version.run_id or "",
            "run_link": version.run_link or "",
            "model_id": version.model_id,
            "status": version.status,
            "status_message": version.status_message,
            "tags": wire.pairs(version.tags),
            "aliases": list(version.aliases),
        }
    )


def logged_model(model: LoggedModel, artifact_place: Callable[[str], str]) -> Document:
    """MLflow's ``LoggedModel``; *artifact_place* says where this client finds its files."""
    info = {
        "model_id": model.model_id,
        "experiment_id": model.experiment_id,
        "name": model.name,
        "creation_timestamp_ms": model.creation_time,
        "last_updated_timestamp_ms": model.last_update_time,
        "artifact_uri": artifact_place(model.artifact_uri),
        "status": model.status.value,
        "status_message": model.status_message,
        "model_type": model.model_type or "",
        "source_run_id": model.source_run_id or "",
        "tags": wire.pairs(model.tags),
    }
    return {
        "info": _given(info),
        "data": _given({"params": wire.pairs(model.params), "metrics": [_metric(metric) for metric in model.metrics]}),
    }


def page(name: str, items: Iterable[Document], next_page_token: str | None) -> Document:
    """A page of a search, its items under *name*."""
    return _given({name: list(items), "next_page_token": next_page_token})


def read_texts(call: Call, name: str) -> Sequence[str]:
    """A field that lists texts. Raises ApiError."""
    found = call.items(name)
    if not all(isinstance(item, str) for item in found):
        raise ApiError(
            "INVALID_PARAMETER_VALUE", f"Invalid value for parameter '{name}': a list of strings was expected."
        )
    return found


def read_flag(call: Call, name: str) -> bool:
    """A field that says yes or no; absent is no. Raises ApiError."""
    value = call.fields.get(name)
    if value is None or isinstance(value, bool):
        return bool(value)
    if isinstance(value, str) and value.lower() in ("true", "false"):
        return value.lower() == "true"
    raise ApiError("INVALID_PARAMETER_VALUE", f"Invalid value for parameter '{name}': true or false was expected.")


def _metric(metric: ModelMetric) -> Document:
    point = wire.metric(Metric(metric.key, metric.value, metric.timestamp, metric.step))
    about = {"dataset_name": metric.dataset_name, "dataset_digest": metric.dataset_digest}
    return _given({**point, **about, "model_id": metric.model_id, "run_id": metric.run_id or None})


def _given(fields: Mapping[str, Any]) -> Document:
    return {name: value for name, value in fields.items() if value is not None and value != []}
