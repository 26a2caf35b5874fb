"""MLflow's JSON for experiments and what runs log; ``run_wire`` writes the runs.

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
from mlproj.tracking.base import DatasetInput, Experiment, Metric, Status

_GREATEST = 1.7976931348623157e308  # what MLflow answers for infinity
_LONGEST_INPUT_TAG = 255  # characters
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


def dataset_input(found: DatasetInput) -> dict[str, Any]:
    """A dataset that a run used."""
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
    for index, item in enumerate(items):
        found |= to_pair(_mapping(item, what), f"{what}[{index}]")
    return found


def _to_input_tags(items: Sequence[Any], place: str) -> dict[str, str]:
    """Tags of a dataset, whose keys are no names of files."""
    found: dict[str, str] = {}
    for index, item in enumerate(items):
        entry = Fields(_mapping(item, "tags"), f"{place}.tags[{index}]")
        key = entry.text("key")
        if len(key) > _LONGEST_INPUT_TAG:
            raise invalid(entry.path("key"), key, f"at most {_LONGEST_INPUT_TAG} characters are allowed")
        found[key] = entry.optional_text("value") or ""
    return found


def to_pair(item: Mapping[str, Any], place: str = "") -> dict[str, str]:
    """One parameter or tag; errors call it by its *place* in the request."""
    entry = Fields(item, place)
    return {_key(entry): entry.optional_text("value") or ""}


def to_metrics(items: Sequence[Any]) -> list[Metric]:
    """Metric points of a request."""
    return [to_metric(_mapping(item, "metrics"), f"metrics[{index}]") for index, item in enumerate(items)]


def to_metric(item: Mapping[str, Any], place: str = "") -> Metric:
    """One metric point; ``value`` may be a number or the strings that protobuf writes for NaN and infinities. Errors
    call it by its *place* in the request."""
    entry = Fields(item, place)
    key, value = _key(entry, "name"), item.get("value")
    for name in ("value", "timestamp"):
        if item.get(name) is None:
            raise entry.missing(name)
    try:
        if isinstance(value, bool):
            raise ValueError
        number = float(item["value"])
    except (TypeError, ValueError, OverflowError):
        raise invalid(entry.path("value"), value, f"a number was expected for the metric {key!r:.80}") from None
    return Metric(key, number, entry.moment("timestamp"), entry.integer("step", 0))


def to_datasets(items: Sequence[Any]) -> list[DatasetInput]:
    """Datasets of ``runs/log-inputs``."""
    found = []
    for index, item in enumerate(items):
        given = _mapping(item, "datasets")
        dataset = Fields(_mapping(given.get("dataset"), "datasets"), f"datasets[{index}].dataset")
        found.append(
            DatasetInput(
                dataset.text("name"),
                dataset.text("digest"),
                dataset.text("source_type", empty=True),
                dataset.text("source", empty=True),
                dataset.optional_text("schema"),
                dataset.optional_text("profile"),
                _to_input_tags(Fields(given).items("tags"), f"datasets[{index}]"),
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


def _key(entry: Fields, word: str = "key") -> str:
    """The name of a parameter, metric or tag, as MLflow allows it: its file store makes a file of it. A name that it
    does not allow it calls *word*."""
    key = entry.text("key")
    if len(key) > 250:
        raise ApiError(
            "INVALID_PARAMETER_VALUE", f"The name '{key[:80]}…' has {len(key)} characters; at most 250 are allowed."
        )
    if not _NAME.fullmatch(key):
        expected = "letters, digits, underscores, dashes, periods, spaces, colons and slashes were expected"
        raise invalid(entry.path(word), key, expected)
    if posixpath.normpath(key) != key or key == "." or key.startswith(("/", "..")):
        raise invalid(entry.path(word), key, "it is no plain path")
    return key
