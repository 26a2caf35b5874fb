"""MLflow's JSON as a client reads and writes it, and a run's record as tags for servers that have no other place for
it."""

from __future__ import annotations

import functools
import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from mlproj.http.client import NoSuchEndpoint
from mlproj.tracking.base import DatasetInput, Experiment, Metric, Output, Run, Status
from mlproj.tracking.sql.row import to_outputs

RECORD_PREFIX = "mlproj."
RUN_ID_TAG = "mlproj.run_id"
"""The tag with the id that a run has for us on a server that gives ids of its own."""

_CHUNK = 4900  # characters of a tag; MLflow's servers take 5000 or more
_TEXTS = ("status_reason", "entry_point", "command", "host")
_NUMBERS = ("exit_code", "pid")
_DOCUMENTS = ("source", "environment", "inputs", "outputs")
_RECORD = re.compile(rf"mlproj\.({'|'.join((*_TEXTS, *_NUMBERS, *_DOCUMENTS))})(?:\.(\d+))?")
_INFINITE = 1.7976931348623157e308  # what MLflow answers for infinity


_Made = TypeVar("_Made")


def understood(convert: Callable[..., _Made]) -> Callable[..., _Made]:
    """*convert*, which makes something of a server's answer, raising NoSuchEndpoint for one that is not as MLflow's
    are."""

    @functools.wraps(convert)
    def converted(*values: Any) -> _Made:
        try:
            return convert(*values)
        except (ValueError, TypeError, LookupError, AttributeError) as error:
            raise NoSuchEndpoint(f"the server did not answer as a tracking server does: {error}") from error

    return converted


def record_tags(fields: Mapping[str, Any]) -> dict[str, str]:
    """The tags that carry these fields of a run (of :class:`Run`; None is left out); long ones in portions."""
    found: dict[str, str] = {}
    for name in (*_TEXTS, *_NUMBERS, *_DOCUMENTS):
        value = fields.get(name)
        if value is None or (name in _DOCUMENTS and not value):
            continue
        if name == "outputs":
            value = to_outputs(value)
        text = json.dumps(value, separators=(",", ":"), default=str) if name in _DOCUMENTS else str(value)
        for number, start in enumerate(range(0, len(text) or 1, _CHUNK)):
            found[f"{RECORD_PREFIX}{name}" + (f".{number}" if number else "")] = text[start : start + _CHUNK]
    return found


def split_record(tags: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """The fields that :func:`record_tags` wrote, and the other tags."""
    portions: dict[str, dict[int, str]] = {}
    rest = {}
    for key, value in tags.items():
        match = _RECORD.fullmatch(key)
        if match:
            portions.setdefault(match[1], {})[int(match[2] or 0)] = value
        elif key != RUN_ID_TAG:
            rest[key] = value
    fields: dict[str, Any] = {}
    for name, parts in portions.items():
        text = "".join(parts[number] for number in sorted(parts))
        try:
            fields[name] = text if name in _TEXTS else json.loads(text)
        except ValueError:  # somebody else wrote the tag
            continue
    if "outputs" in fields:
        fields["outputs"] = tuple(Output(**output) for output in fields["outputs"])
    return fields, rest


@understood
def to_run(document: Mapping[str, Any], name_of: Callable[[str], str]) -> Run:
    """A run of MLflow's JSON; *name_of* tells the name of an experiment by its id."""
    info, data = document["info"], document.get("data", {})
    fields, tags = split_record(to_pairs(data.get("tags", ())))
    latest = sorted((to_metric(item) for item in data.get("metrics", ())), key=lambda metric: metric.key)
    run_id = info.get("run_id") or info["run_uuid"]
    return Run(
        run_id=run_id,
        run_name=info.get("run_name") or tags.get("mlflow.runName") or run_id[:8],
        experiment_id=str(info["experiment_id"]),
        experiment_name=name_of(str(info["experiment_id"])),
        status=Status(info.get("status", "RUNNING")),
        start_time=_integer(info.get("start_time")),
        end_time=_integer(info.get("end_time")) or None,
        lifecycle_stage=info.get("lifecycle_stage", "active"),
        artifact_uri=info.get("artifact_uri", ""),
        user=info.get("user_id") or tags.get("mlflow.user"),
        params=dict(sorted(to_pairs(data.get("params", ())).items())),
        metrics={metric.key: metric.value for metric in latest},
        tags=dict(sorted(tags.items())),
        latest_metrics=tuple(latest),
        datasets=tuple(_dataset(item) for item in document.get("inputs", {}).get("dataset_inputs", ())),
        **fields,
    )


@understood
def to_experiment(document: Mapping[str, Any]) -> Experiment:
    """An experiment of MLflow's JSON."""
    return Experiment(
        str(document["experiment_id"]),
        document["name"],
        document.get("artifact_location", ""),
        document.get("lifecycle_stage", "active"),
        _integer(document.get("creation_time")),
        _integer(document.get("last_update_time")),
        to_pairs(document.get("tags", ())),
    )


@understood
def to_metric(item: Mapping[str, Any]) -> Metric:
    """A metric point; the greatest number stands for infinity, as MLflow keeps that."""
    value = float(item.get("value", 0.0))
    if abs(value) == _INFINITE:
        value = math.copysign(math.inf, value)
    return Metric(item["key"], value, int(item.get("timestamp", 0)), int(item.get("step", 0)))


def metric(point: Metric) -> dict[str, Any]:
    """A metric point for a request."""
    value: Any = float(point.value)
    if not math.isfinite(value):
        value = "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return {"key": point.key, "value": value, "timestamp": point.timestamp, "step": point.step}


def pairs(values: Mapping[str, str]) -> list[dict[str, str]]:
    """Parameters or tags for a request."""
    return [{"key": key, "value": value} for key, value in values.items()]


@understood
def to_pairs(items: Iterable[Mapping[str, str]]) -> dict[str, str]:
    """Parameters or tags of an answer."""
    return {item["key"]: item.get("value", "") for item in items}


def dataset_input(dataset: DatasetInput) -> dict[str, Any]:
    """A dataset for a request."""
    fields = {
        "name": dataset.name,
        "digest": dataset.digest,
        "source_type": dataset.source_type,
        "source": dataset.source,
        "schema": dataset.schema,
        "profile": dataset.profile,
    }
    return {
        "dataset": {name: value for name, value in fields.items() if value is not None},
        "tags": pairs(dataset.tags),
    }


def _dataset(item: Mapping[str, Any]) -> DatasetInput:
    dataset = item.get("dataset", {})
    name, digest, source_type, source = (
        str(dataset.get(field, "")) for field in ("name", "digest", "source_type", "source")
    )
    return DatasetInput(
        name, digest, source_type, source, dataset.get("schema"), dataset.get("profile"), to_pairs(item.get("tags", ()))
    )


def _integer(value: Any) -> int | None:
    return None if value is None else int(value)
