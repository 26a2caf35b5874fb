"""MLflow's JSON for experiments and runs: the only file that knows how they are written there.

Protobuf's JSON: what is not set is left out; a 64-bit integer is read as a number or a string. Runs are named by
``run_id`` and by ``run_uuid``, as clients before 1.0 and after ask for them.
"""

from __future__ import annotations

import math
import posixpath
import re
from collections.abc import Mapping, Sequence
from typing import Any

from mlproj.server.call import ApiError, Call, Fields, invalid
from mlproj.tracking.base import DatasetInput, Experiment, Metric, Run, Status

_GREATEST = 1.7976931348623157e308  # what MLflow answers for infinity
_STATUS_NUMBERS = {"1": "RUNNING", "2": "SCHEDULED", "3": "FINISHED", "4": "FAILED", "5": "KILLED"}
_NAME = re.compile(r"[/\w.\- :]+")
_STAGES = {"ACTIVE_ONLY": "active", "1": "active", "DELETED_ONLY": "deleted", "2": "deleted", "ALL": None, "3": None}


def experiment(found: Experiment, artifact_location: str) -> dict[str, Any]:
    """An experiment."""
    return _set(
        experiment_id=found.experiment_id,
        name=found.name,
        artifact_location=artifact_location,
        lifecycle_stage=found.lifecycle_stage,
        creation_time=found.creation_time,
        last_update_time=found.last_update_time,
        tags=pairs(found.tags),
    )


def run(found: Run, artifact_uri: str) -> dict[str, Any]:
    """A run with its latest metrics, parameters, tags and datasets."""
    data = {
        "metrics": [metric(point) for point in found.latest_metrics],
        "params": pairs(found.params),
        "tags": pairs(found.tags),
    }
    inputs = {"dataset_inputs": [_dataset_input(dataset) for dataset in found.datasets]} if found.datasets else {}
    return {
        "info": run_info(found, artifact_uri),
        "data": {name: value for name, value in data.items() if value},
        "inputs": inputs,
    }


def run_info(found: Run, artifact_uri: str) -> dict[str, Any]:
    """What a run is, without what it logged."""
    return _set(
        run_id=found.run_id,
        run_uuid=found.run_id,
        run_name=found.run_name,
        experiment_id=found.experiment_id,
        user_id=found.user or found.tags.get("mlflow.user"),
        status=found.status.value,
        start_time=found.start_time,
        end_time=found.end_time,
        artifact_uri=artifact_uri,
        lifecycle_stage=found.lifecycle_stage,
    )


def metric(point: Metric, **more: Any) -> dict[str, Any]:
    """A metric point; NaN is a string, infinity the greatest number of its sign, as MLflow answers them."""
    value: Any = point.value
    if math.isnan(value):
        value = "NaN"
    elif math.isinf(value):
        value = math.copysign(_GREATEST, value)
    return {"key": point.key, "value": value, "timestamp": point.timestamp, "step": point.step, **more}


def pairs(values: Mapping[str, str]) -> list[dict[str, str]]:
    """Parameters or tags."""
    return [{"key": key, "value": value} for key, value in values.items()]


def _dataset_input(found: DatasetInput) -> dict[str, Any]:
    dataset = _set(
        name=found.name,
        digest=found.digest,
        source_type=found.source_type,
        source=found.source,
        schema=found.schema,
        profile=found.profile,
    )
    return {"dataset": dataset, "tags": pairs(found.tags)}


def _set(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}


def to_pairs(items: Sequence[Any], what: str) -> dict[str, str]:
    """``[{"key", "value"}]`` as a mapping; of a key that is repeated (MLflow 1.8 does that) the last value counts."""
    found: dict[str, str] = {}
    for item in items:
        entry = Fields(_mapping(item, what))
        key = _key(entry)
        found[key] = entry.optional_text("value") or ""
    return found


def to_metrics(items: Sequence[Any]) -> list[Metric]:
    """Metric points of a request."""
    return [to_metric(_mapping(item, "metrics")) for item in items]


def to_metric(item: Mapping[str, Any]) -> Metric:
    """One metric point; ``value`` may be a number or the strings that protobuf writes for NaN and infinities."""
    entry = Fields(item)
    value = item.get("value")
    try:
        if isinstance(value, bool) or value is None:
            raise ValueError
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        name = str(item.get("key"))[:250]
        raise ApiError(
            "INVALID_PARAMETER_VALUE", f"Got invalid value {value!r:.80} for metric '{name}': a number was expected."
        ) from None
    key = _key(entry)
    if item.get("timestamp") is None:
        raise ApiError("INVALID_PARAMETER_VALUE", "Missing value for required parameter 'timestamp'.")
    return Metric(key, number, entry.moment("timestamp"), entry.integer("step", 0))


def to_datasets(items: Sequence[Any]) -> list[DatasetInput]:
    """Datasets of ``runs/log-inputs``."""
    found = []
    for item in items:
        given = _mapping(item, "datasets")
        dataset = Fields(_mapping(given.get("dataset"), "datasets"))
        found.append(
            DatasetInput(
                dataset.text("name"),
                dataset.text("digest"),
                dataset.text("source_type"),
                dataset.text("source"),
                dataset.optional_text("schema"),
                dataset.optional_text("profile"),
                to_pairs(Fields(given).items("tags"), "tags"),
            )
        )
    return found


def to_status(call: Call) -> Status | None:
    """The status of a request, by name or by protobuf's number; None when there is none."""
    given = call.word("status")
    if given is None:
        return None
    try:
        return Status(_STATUS_NUMBERS.get(given, given))
    except ValueError:
        expected = ", ".join(status.value for status in Status)
        raise ApiError(
            "INVALID_PARAMETER_VALUE", f"Invalid status '{given:.80}': expected one of {expected}."
        ) from None


def to_stage(call: Call, name: str) -> str | None:
    """Which lifecycle stage a search is about; None for all."""
    given = call.word(name) or "ACTIVE_ONLY"
    if given not in _STAGES:
        raise ApiError(
            "INVALID_PARAMETER_VALUE", f"Invalid {name} '{given:.80}': expected ACTIVE_ONLY, DELETED_ONLY or ALL."
        )
    return _STAGES[given]


def _mapping(item: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(item, Mapping):
        raise invalid(what, item, "an object was expected")
    return item


def _key(entry: Fields) -> str:
    """The name of a parameter, metric or tag, as MLflow allows it: its file store makes a file of it."""
    key = entry.text("key")
    if len(key) > 250:
        raise ApiError(
            "INVALID_PARAMETER_VALUE", f"The name '{key[:80]}…' has {len(key)} characters; at most 250 are allowed."
        )
    if not _NAME.fullmatch(key):
        expected = "letters, digits, underscores, dashes, periods, spaces, colons and slashes were expected"
        raise ApiError(
            "INVALID_PARAMETER_VALUE", f"Invalid value {key!r:.80} for parameter 'key' supplied: {expected}."
        )
    if posixpath.normpath(key) != key or key == "." or key.startswith(("/", "..")):
        raise ApiError(
            "INVALID_PARAMETER_VALUE", f"Invalid value {key!r:.80} for parameter 'key' supplied: it is no plain path."
        )
    return key
