"""Between a run's words and the rows of the tables."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from mlproj.foundation.errors import UsageError
from mlproj.foundation.redaction import mask_url
from mlproj.tracking import artifact_uri, run_document
from mlproj.tracking.base import DatasetInput, Experiment, Metric, Output, Run, Status

if TYPE_CHECKING:
    from mlproj.tracking.model_base import ModelMetric

RUN_COLUMNS = (
    "r.number, r.run_id, r.run_name, r.experiment_id, e.name, r.status, r.status_reason, r.start_time, r.end_time,"
    " r.lifecycle_stage, r.artifact_uri, r.entry_point, r.command, r.exit_code, r.host, r.user_name, r.pid, r.source,"
    " r.environment, r.inputs, r.outputs"
)
EXPERIMENT_COLUMNS = "experiment_id, name, artifact_location, lifecycle_stage, creation_time, last_update_time"
DATASET_COLUMNS = "name, digest, source_type, source, schema_json, profile, tags"
DATASET_CONTEXT_TAG = "mlflow.data.context"
_LEAST, _BEYOND = -(2**63), 2**63  # of a 64-bit integer

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
"""The row of a metric point, without its run or model: key, step, timestamp, value, whether it is NaN."""


def to_points(metrics: Iterable[Metric | ModelMetric]) -> list[Point]:
    """The rows of metric points. Raises UsageError for what is no 64-bit float or integer."""
    # There are many of these, and few names among them: each step more is felt.
    keys: dict[str, str] = {}
    points: list[Point] = []
    for metric in metrics:
        name, value, step, timestamp = metric.key, metric.value, metric.step, metric.timestamp
        if name not in keys:
            keys[name] = key(name)
        if type(value) is not float:
            value = _to_float(metric)
        if not (type(step) is type(timestamp) is int and _LEAST <= step < _BEYOND and _LEAST <= timestamp < _BEYOND):
            _check_integers(metric)
        is_nan = value != value  # nothing but NaN differs from itself
        points.append((keys[name], step, timestamp, 0.0, 1) if is_nan else (keys[name], step, timestamp, value, 0))
    return points


def _to_float(metric: Metric | ModelMetric) -> float:
    try:
        return float(metric.value)
    except (TypeError, ValueError, OverflowError) as error:
        raise UsageError(f"metric {metric.key!r}: {metric.value!r:.80} is not a number that fits in 64 bits") from error


def _check_integers(metric: Metric | ModelMetric) -> None:
    for name, number in (("step", metric.step), ("timestamp", metric.timestamp)):
        if not isinstance(number, int) or not _LEAST <= number < _BEYOND:
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
    # A search makes hundreds: fields by position take a third of the time of fields by name.
    _, run_id, run_name, experiment_id, experiment_name, status, status_reason, start_time, end_time, *more = row
    lifecycle_stage, uri, entry_point, command, exit_code, host, user, pid, source, environment, inputs, outputs = more
    return Run(
        run_id,
        run_name,
        str(experiment_id),
        experiment_name,
        _STATUSES[status],
        status_reason,
        _to_integer(start_time),
        _to_integer(end_time),
        lifecycle_stage,
        uri if ":" in uri else f"{artifact_root}/{uri}",
        entry_point,
        command,
        _to_integer(exit_code),
        host,
        user,
        _to_integer(pid),
        logged.params,
        logged.metrics,
        logged.tags,
        run_document.read_document(source, run_document.SOURCE) if source else None,
        run_document.read_document(environment, run_document.ENVIRONMENT) if environment else None,
        run_document.read_inputs(inputs) if inputs else (),
        run_document.read_outputs(outputs) if outputs else (),
        tuple(logged.latest_metrics),
        tuple(logged.datasets),
    )


def _to_integer(value: Any) -> int | None:
    """A column of integers, in which SQLite lets other programs write anything."""
    if value is None or type(value) is int:
        return value
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
