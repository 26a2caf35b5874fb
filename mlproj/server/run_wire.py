"""Runs as MLflow's JSON, written as text: absent is left out."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from mlproj.server import wire
from mlproj.server.json_text import JsonText, write_list, write_object, write_text
from mlproj.tracking.base import DatasetInput, Metric, Run
from mlproj.tracking.model_base import RunModel

_encode = json.JSONEncoder(separators=(",", ":"), allow_nan=False).encode


def run(found: Run, artifact_uri: str, models: Sequence[RunModel] = ()) -> JsonText:
    """A run with its latest metrics, parameters, tags, datasets, and the logged models it used and made."""
    data = write_object(
        metrics=write_list([_metric(point) for point in found.latest_metrics]),
        params=write_list(_pairs(found.params)),
        tags=write_list(_pairs(found.tags)),
    )
    made = [{"model_id": model.model_id, "step": model.step} for model in models if model.output]
    return write_object(
        info=run_info(found, artifact_uri),
        data=data,
        inputs=_inputs(found.datasets, [model for model in models if not model.output]),
        outputs=_encode({"model_outputs": made}) if made else "",
    )


def run_info(found: Run, artifact_uri: str) -> JsonText:
    """What a run is, without what it logged."""
    user = found.user or found.tags.get("mlflow.user")
    return write_object(
        run_id=write_text(found.run_id),
        run_uuid=write_text(found.run_id),
        run_name=write_text(found.run_name),
        experiment_id=write_text(found.experiment_id),
        user_id="" if user is None else write_text(user),
        status=write_text(found.status.value),
        start_time="" if found.start_time is None else str(found.start_time),
        end_time="" if found.end_time is None else str(found.end_time),
        artifact_uri=write_text(artifact_uri),
        lifecycle_stage=write_text(found.lifecycle_stage),
    )


def _metric(point: Metric) -> str:
    value, timestamp, step = point.value, point.timestamp, point.step
    if type(value) is float and math.isfinite(value) and type(timestamp) is type(step) is int:
        return f'{{"key":{write_text(point.key)},"value":{value!r},"timestamp":{timestamp},"step":{step}}}'
    return _encode(wire.metric(point))


def _pairs(values: Mapping[str, str]) -> list[str]:
    return [f'{{"key":{write_text(key)},"value":{write_text(value)}}}' for key, value in values.items()]


def _inputs(datasets: Sequence[DatasetInput], used: Sequence[RunModel]) -> str:
    found: dict[str, Any] = {}
    if datasets:
        found["dataset_inputs"] = [wire.dataset_input(dataset) for dataset in datasets]
    if used:
        found["model_inputs"] = [{"model_id": model.model_id} for model in used]
    return _encode(found)
