"""Between a run's words and the rows of the tables."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mlproj.errors import UsageError
from mlproj.tracking.base import Experiment, Metric, Output, Run, Status

RUN_COLUMNS = (
    "r.number, r.run_id, r.run_name, r.experiment_id, e.name, r.status, r.status_reason, r.start_time, r.end_time, r.lifecycle_stage, "
    "r.artifact_uri, r.entry_point, r.command, r.exit_code, r.host, r.user_name, r.pid, "
    "r.source, r.environment, r.inputs, r.outputs"
)
EXPERIMENT_COLUMNS = "experiment_id, name, artifact_location, lifecycle_stage"
_INT64 = range(-(2**63), 2**63)

Row = Sequence[Any]


def text(value: str) -> str:
    """*value* as a database can hold it: bytes that were no text when Python read them become visible escapes."""
    if value.isascii():
        return value
    return value.encode("utf-8", "backslashreplace").decode("utf-8")


def optional_text(value: str | None) -> str | None:
    """:func:`text`, and None for None."""
    return None if value is None else text(value)


def to_number(metric: Metric) -> dict[str, Any]:
    """The row of a metric point. Raises UsageError for what is no 64-bit float or integer."""
    try:
        value = float(metric.value)
    except (TypeError, ValueError, OverflowError) as error:
        raise UsageError(f"metric {metric.key!r}: {metric.value!r:.80} is not a number that fits in 64 bits") from error
    for name, number in (("step", metric.step), ("timestamp", metric.timestamp)):
        if not isinstance(number, int) or number not in _INT64:
            raise UsageError(f"metric {metric.key!r}: {name} {number!r:.80} is not an integer that fits in 64 bits")
    is_nan = math.isnan(value)
    return {
        "key": key(metric.key),
        "step": metric.step,
        "timestamp": metric.timestamp,
        "value": 0.0 if is_nan else value,
        "is_nan": int(is_nan),
    }


def key(name: str) -> str:
    """The name of a parameter, metric or tag. Raises UsageError when it is empty."""
    if not name:
        raise UsageError("a parameter, metric or tag needs a name")
    return text(name)


def to_value(value: float, is_nan: int) -> float:
    """A stored metric value as Python's float."""
    return math.nan if is_nan else float(value)


def to_document(value: Any) -> str | None:
    """JSON for one column; None stays NULL."""
    return None if value is None else json.dumps(value, separators=(",", ":"), default=str)


def to_outputs(outputs: Iterable[Output]) -> list[dict[str, Any]]:
    """Outputs as the JSON document that is kept of them."""
    return [{"path": output.path, "sha256": output.sha256, "size": output.size, "kept": output.kept} for output in outputs]


def to_experiment(row: Row, artifact_root: str) -> Experiment:
    """An experiment of a row of ``EXPERIMENT_COLUMNS``."""
    number, name, location, stage = row
    return Experiment(str(number), name, location or f"{artifact_root}/{number}", stage)


def artifact_place(experiment: Experiment, artifact_root: str, run_id: str) -> str:
    """Where a new run of *experiment* keeps its artifacts: a URI, or a path below *artifact_root* when it is there."""
    return f"{experiment.artifact_location}/{run_id}/artifacts".removeprefix(f"{artifact_root}/")


def to_run(row: Row, artifact_root: str, params: Mapping[str, str], metrics: Mapping[str, float], tags: Mapping[str, str]) -> Run:
    """A run of a row of ``RUN_COLUMNS`` and of what it logged."""
    (
        _,
        run_id,
        run_name,
        experiment,
        experiment_name,
        status,
        status_reason,
        start_time,
        end_time,
        stage,
        artifact_uri,
        entry_point,
        command,
        exit_code,
        host,
        user,
        pid,
        source,
        environment,
        inputs,
        outputs,
    ) = row
    return Run(
        run_id=run_id,
        run_name=run_name,
        experiment_id=str(experiment),
        experiment_name=experiment_name,
        status=Status(status),
        status_reason=status_reason,
        start_time=start_time,
        end_time=end_time,
        lifecycle_stage=stage,
        artifact_uri=artifact_uri if ":" in artifact_uri else f"{artifact_root}/{artifact_uri}",
        entry_point=entry_point,
        command=command,
        exit_code=exit_code,
        host=host,
        user=user,
        pid=pid,
        params=params,
        metrics=metrics,
        tags=tags,
        source=json.loads(source) if source else None,
        environment=json.loads(environment) if environment else None,
        inputs=json.loads(inputs) if inputs else (),
        outputs=tuple(Output(**output) for output in json.loads(outputs)) if outputs else (),
    )
