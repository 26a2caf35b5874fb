"""Between a run's words and the rows of the tables."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mlproj.foundation.errors import UsageError
from mlproj.foundation.redaction import mask_url
from mlproj.tracking import artifact_uri, run_document
from mlproj.tracking.base import DatasetInput, Experiment, Metric, Output, Run, Status

# Fields of a Run that are columns, in the order they are read.
_RUN_FIELDS = {
    "run_id": "r.run_id",
    "run_name": "r.run_name",
    "experiment_id": "r.experiment_id",
    "experiment_name": "e.name",
    "status": "r.status",
    "status_reason": "r.status_reason",
    "start_time": "r.start_time",
    "end_time": "r.end_time",
    "lifecycle_stage": "r.lifecycle_stage",
    "artifact_uri": "r.artifact_uri",
    "entry_point": "r.entry_point",
    "command": "r.command",
    "exit_code": "r.exit_code",
    "host": "r.host",
    "user": "r.user_name",
    "pid": "r.pid",
    "source": "r.source",
    "environment": "r.environment",
    "inputs": "r.inputs",
    "outputs": "r.outputs",
}
RUN_COLUMNS = f"r.number, {', '.join(_RUN_FIELDS.values())}"
EXPERIMENT_COLUMNS = "experiment_id, name, artifact_location, lifecycle_stage, creation_time, last_update_time"
DATASET_COLUMNS = "name, digest, source_type, source, schema_json, profile, tags"
DATASET_CONTEXT_TAG = "mlflow.data.context"
_LEAST = -(2**63)

_INTEGERS = ("start_time", "end_time", "exit_code", "pid")
_STATUSES = {status.value: status for status in Status}

Row = Sequence[Any]


class Logged:
    """What a run logged. A plain class: a search makes one for each run."""

    __slots__ = ("datasets", "latest_metrics", "metrics", "params", "tags")

    def __init__(self) -> None:
        self.params: dict[str, str] = {}
        self.tags: dict[str, str] = {}
        self.metrics: dict[str, float] = {}
        self.latest_metrics: list[Metric] = []
        self.datasets: list[DatasetInput] = []


def text(value: str) -> str:
    """*value* as a database may hold it: without credentials in addresses; bytes that were no text become visible
    escapes.

    Bytes of UTF-8 that Python read as something else, as it does where the locale is ASCII, become the text that they
    are. All texts that are stored, and all that are looked for, go through here.
    """
    value = mask_url(value)
    if value.isascii():
        return value
    try:
        return value.encode("utf-8", "surrogateescape").decode("utf-8")
    except UnicodeError:
        return value.encode("utf-8", "backslashreplace").decode("utf-8")


def optional_text(value: str | None) -> str | None:
    """:func:`text`, and None for None."""
    return None if value is None else text(value)


Point = tuple[str, int, int, float, int]
"""The row of a metric point, without its run: key, step, timestamp, value, whether it is NaN."""


def to_point(metric: Metric) -> Point:
    """The row of a metric point. Raises UsageError for what is no 64-bit float or integer."""
    value, step, timestamp = metric.value, metric.step, metric.timestamp
    if type(value) is not float:
        value = _to_float(metric)
    if not (type(step) is type(timestamp) is int and _LEAST <= step < -_LEAST and _LEAST <= timestamp < -_LEAST):
        _check_integers(metric)
    is_nan = value != value  # nothing but NaN differs from itself
    return key(metric.key), step, timestamp, 0.0 if is_nan else value, int(is_nan)


def _to_float(metric: Metric) -> float:
    try:
        return float(metric.value)
    except (TypeError, ValueError, OverflowError) as error:
        raise UsageError(f"metric {metric.key!r}: {metric.value!r:.80} is not a number that fits in 64 bits") from error


def _check_integers(metric: Metric) -> None:
    for name, number in (("step", metric.step), ("timestamp", metric.timestamp)):
        if not isinstance(number, int) or not _LEAST <= number < -_LEAST:
            raise UsageError(f"metric {metric.key!r}: {name} {number!r:.80} is not an integer that fits in 64 bits")


def key(name: str) -> str:
    """The name of a parameter, metric, tag or dataset. Raises UsageError when it is empty."""
    if not name:
        raise UsageError("a parameter, metric, tag or dataset needs a name")
    return text(name)


def to_value(value: float, is_nan: int) -> float:
    """A stored metric value as Python's float."""
    try:
        return math.nan if is_nan else float(value)
    except (TypeError, ValueError):  # another program's; SQLite lets it
        return math.nan


def to_document(value: Any) -> str | None:
    """JSON for one column; None stays NULL."""
    return None if value is None else json.dumps(value, separators=(",", ":"), default=str)


def to_outputs(outputs: Iterable[Output]) -> list[dict[str, Any]]:
    """Outputs as the JSON document that is kept of them."""
    return [
        {"path": output.path, "sha256": output.sha256, "size": output.size, "kept": output.kept} for output in outputs
    ]


def to_experiment(row: Row, artifact_root: str, tags: Mapping[str, str]) -> Experiment:
    """An experiment of a row of ``EXPERIMENT_COLUMNS``."""
    number, name, location, stage, created, updated = row
    return Experiment(str(number), name, location or f"{artifact_root}/{number}", stage, created, updated, tags)


def artifact_place(experiment: Experiment, artifact_root: str, run_id: str) -> str:
    """Where a new run of *experiment* keeps its artifacts: a URI, or a path below *artifact_root* when it is there."""
    return artifact_uri.below(experiment.artifact_location, f"{run_id}/artifacts").removeprefix(f"{artifact_root}/")


def to_run(row: Row, artifact_root: str, logged: Logged) -> Run:
    """A run of a row of ``RUN_COLUMNS`` and of what it logged."""
    fields = dict(zip(_RUN_FIELDS, row[1:], strict=True))
    fields["experiment_id"] = str(fields["experiment_id"])
    fields["status"] = _STATUSES[fields["status"]]
    if ":" not in fields["artifact_uri"]:
        fields["artifact_uri"] = f"{artifact_root}/{fields['artifact_uri']}"
    for name, kind in (("source", run_document.SOURCE), ("environment", run_document.ENVIRONMENT)):
        fields[name] = run_document.read_document(fields[name], kind) if fields[name] else None
    fields["inputs"] = run_document.read_inputs(fields["inputs"]) if fields["inputs"] else ()
    fields["outputs"] = run_document.read_outputs(fields["outputs"]) if fields["outputs"] else ()
    for name in _INTEGERS:
        if type(fields[name]) is not int and fields[name] is not None:
            fields[name] = _to_integer(fields[name])
    return Run(
        **fields,
        params=logged.params,
        metrics=logged.metrics,
        tags=logged.tags,
        latest_metrics=tuple(logged.latest_metrics),
        datasets=tuple(logged.datasets),
    )


def _to_integer(value: Any) -> int | None:
    """What another program wrote into a column of integers, which SQLite lets it."""
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return None


def from_dataset(dataset: DatasetInput) -> dict[str, Any]:
    """The row of a dataset."""
    return {
        "name": key(dataset.name),
        "digest": text(dataset.digest),
        "source_type": text(dataset.source_type),
        "source": text(dataset.source),
        "schema_json": optional_text(dataset.schema),
        "profile": optional_text(dataset.profile),
        "context": optional_text(dataset.tags.get(DATASET_CONTEXT_TAG)),
        "tags": to_document({text(name): text(value) for name, value in dataset.tags.items()}),
    }


def to_dataset(row: Row) -> DatasetInput:
    """A dataset of a row of ``DATASET_COLUMNS``."""
    name, digest, source_type, source, schema, profile, tags = row
    return DatasetInput(name, digest, source_type, source, schema, profile, run_document.read_tags(tags))
