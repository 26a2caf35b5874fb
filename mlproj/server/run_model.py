"""What requests about runs say of logged models: metrics measured of them, models a run used, models a run made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from mlproj.server import wire
from mlproj.server.call import ApiError, Call, Fields
from mlproj.tracking.model_base import ModelMetric, RunModel


def read_metrics(call: Call, items: Sequence[Mapping[str, Any]]) -> list[ModelMetric]:
    """The metric points of a request that name a logged model. Raises ApiError, NotFound for a model that is not
    there."""
    found = []
    for item in items:
        fields = Fields(item)
        model_id = fields.optional_text("model_id")
        if model_id:
            point = wire.to_metric(item)
            name, digest = fields.optional_text("dataset_name"), fields.optional_text("dataset_digest")
            found.append(
                ModelMetric(model_id, point.key, point.value, point.timestamp, point.step, call.run_id(), name, digest)
            )
    for model_id in dict.fromkeys(point.model_id for point in found):
        call.models.get_logged_model(model_id)
    return found


def log_metrics(call: Call, points: Sequence[ModelMetric]) -> None:
    """Keep what :func:`read_metrics` found with its models."""
    if points:
        call.models.log_model_metrics(points)


def read_models(call: Call, *, output: bool) -> list[RunModel]:
    """The models that a request says a run made (*output*) or used. Raises ApiError."""
    models = []
    for item in call.items("models"):
        if not isinstance(item, Mapping):
            raise ApiError(
                "INVALID_PARAMETER_VALUE", "Invalid value for parameter 'models': a list of objects was expected."
            )
        fields = Fields(item)
        models.append(RunModel(fields.text("model_id"), fields.integer("step", 0), output))
    return models


def log_models(call: Call, models: Sequence[RunModel]) -> None:
    """Note what :func:`read_models` found. Raises NotFound, WrongState."""
    if models:
        call.models.link_models(call.run_id(), models)
