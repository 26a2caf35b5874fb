"""Statements of one transaction about logged models and the runs that make and use them."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import Any

from mlproj.foundation.errors import UsageError
from mlproj.tracking.base import AlreadyExists, NotFound
from mlproj.tracking.model_base import LoggedModel, LoggedModelStatus, ModelMetric, RunModel
from mlproj.tracking.sql import row as sql_row
from mlproj.tracking.sql.row import text
from mlproj.tracking.sql.statement import Connection, now

MODEL_ID = re.compile(r"m-[0-9a-f]{32}")
_FIELDS = (
    "model_id, experiment_id, name, artifact_uri, status, status_message, lifecycle_stage, "
    "source_run_id, model_type, creation_time, last_update_time"
)
_CHUNK = 500  # models or runs that are read at once


def checked_model_id(model_id: str | None) -> str:
    """*model_id*, or a new one for None: ``m-`` and 32 hexadecimal digits, as in MLflow. Raises UsageError when it is
    none."""
    if model_id is None:
        return f"m-{os.urandom(16).hex()}"
    if not MODEL_ID.fullmatch(model_id):
        raise UsageError(f"{model_id!r:.80} is no id of a logged model: expected m- and 32 hexadecimal digits")
    return model_id


def insert(connection: Connection, row: Mapping[str, Any]) -> int:
    """Add the model; its number. Raises AlreadyExists when its id is taken."""
    full = {**row, "status": LoggedModelStatus.PENDING.value, "creation_time": now(), "last_update_time": now()}
    columns, places = ", ".join(full), ", ".join(f":{column}" for column in full)
    statement = f"INSERT INTO logged_models ({columns}) VALUES ({places}) ON CONFLICT (model_id) DO NOTHING"  # noqa: S608  # names of ours
    if connection.execute(statement, full).rowcount == 0:
        raise AlreadyExists(f"there is a logged model {row['model_id']} already")
    return find(connection, row["model_id"])


def find(connection: Connection, model_id: str, lock: str = "", *, deleted_too: bool = False) -> int:
    """The number of the model. Raises NotFound."""
    statement = f"SELECT number, lifecycle_stage FROM logged_models WHERE model_id = :model_id{lock}"  # noqa: S608  # words of ours
    for number, stage in connection.execute(statement, {"model_id": text(model_id)}):
        if deleted_too or stage == "active":
            return int(number)
    raise NotFound(f"there is no logged model {model_id!r:.80}", subject=("logged model", model_id))


def change(connection: Connection, number: int, changes: Mapping[str, Any]) -> None:
    """Set these columns, and note that it was changed now."""
    changes = {**changes, "last_update_time": now()}
    assignments = ", ".join(f"{column} = :{column}" for column in changes)
    connection.execute(f"UPDATE logged_models SET {assignments} WHERE number = :number", {**changes, "number": number})  # noqa: S608  # names of ours


def add_metrics(connection: Connection, number: int, metrics: Sequence[ModelMetric]) -> None:
    """Add points of one model; those that are there stay once."""
    rows = [
        (*point, number, text(metric.run_id), text(metric.dataset_name or ""), text(metric.dataset_digest or ""))
        for point, metric in zip(sql_row.to_points(metrics), metrics, strict=True)
    ]
    connection.executemany(
        "INSERT INTO logged_model_metrics (key, step, timestamp, value, is_nan, model, run_id, dataset_name,"
        " dataset_digest) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING",
        rows,
    )


def remove(connection: Connection, condition: str) -> None:
    """Remove for good the models that meet a *condition* of ours."""
    chosen = f"SELECT number FROM logged_models WHERE {condition}"  # noqa: S608  # words of ours
    for table in ("logged_model_tags", "logged_model_params", "logged_model_metrics"):
        connection.execute(f"DELETE FROM {table} WHERE model IN ({chosen})")  # noqa: S608  # words of ours
    connection.execute(f"DELETE FROM logged_models WHERE {condition}")  # noqa: S608  # words of ours


def read(connection: Connection, numbers: Sequence[int], artifact_root: str) -> list[LoggedModel]:
    """The models with these numbers, in this order."""
    found: dict[int, LoggedModel] = {}
    for start in range(0, len(numbers), _CHUNK):
        chosen = ", ".join(map(str, numbers[start : start + _CHUNK]))
        rows = list(connection.execute(f"SELECT number, {_FIELDS} FROM logged_models WHERE number IN ({chosen})"))  # noqa: S608  # integers
        tags = _values(connection, "logged_model_tags", chosen)
        params = _values(connection, "logged_model_params", chosen)
        metrics = _metrics(connection, {row[0]: row[1] for row in rows}, chosen)
        for number, *values in rows:
            found[number] = _to_model(
                values, artifact_root, tags.get(number, {}), params.get(number, {}), metrics.get(number, [])
            )
    return [found[number] for number in numbers if number in found]


def _to_model(
    values: Sequence[Any],
    artifact_root: str,
    tags: Mapping[str, str],
    params: Mapping[str, str],
    metrics: Sequence[ModelMetric],
) -> LoggedModel:
    fields = dict(zip(_FIELDS.split(", "), values, strict=True))
    fields["experiment_id"] = str(fields["experiment_id"])
    fields["status"] = LoggedModelStatus(fields["status"])
    fields["artifact_uri"] = place(fields["artifact_uri"], artifact_root)
    return LoggedModel(**fields, tags=tags, params=params, metrics=tuple(metrics))


def place(artifact_uri: str, artifact_root: str) -> str:
    """A stored ``artifact_uri`` as a URI."""
    return artifact_uri if ":" in artifact_uri else f"{artifact_root}/{artifact_uri}"


def _values(connection: Connection, table: str, chosen: str) -> dict[int, dict[str, str]]:
    found: dict[int, dict[str, str]] = {}
    for number, key, value in connection.execute(
        f"SELECT model, key, value FROM {table} WHERE model IN ({chosen}) ORDER BY key"  # noqa: S608
    ):  # integers
        found.setdefault(number, {})[key] = value
    return found


def _metrics(connection: Connection, ids: Mapping[int, str], chosen: str) -> dict[int, list[ModelMetric]]:
    found: dict[int, list[ModelMetric]] = {}
    statement = (
        "SELECT model, key, value, is_nan, timestamp, step, run_id, dataset_name, dataset_digest "  # noqa: S608  # integers
        f"FROM logged_model_metrics WHERE model IN ({chosen}) ORDER BY model, key, step, timestamp"
    )
    for model, key, value, is_nan, timestamp, step, run_id, name, digest in connection.execute(statement):
        metric = ModelMetric(
            ids[model], key, sql_row.to_value(value, is_nan), timestamp, step, run_id, name or None, digest or None
        )
        found.setdefault(model, []).append(metric)
    return found


def link(connection: Connection, run: int, models: Sequence[RunModel]) -> None:
    """Note that a run made or used these models."""
    connection.executemany(
        "INSERT INTO run_models (run, model_id, is_output, step) VALUES (:run, :model_id, :is_output, :step) ON"
        " CONFLICT DO NOTHING",
        [
            {"run": run, "model_id": text(model.model_id), "is_output": int(model.output), "step": model.step}
            for model in models
        ],
    )


def linked(connection: Connection, run_ids: Sequence[str]) -> dict[str, list[RunModel]]:
    """What :func:`link` noted of these runs."""
    found: dict[str, list[RunModel]] = {}
    for start in range(0, len(run_ids), _CHUNK):
        values = {f"id{index}": text(run_id) for index, run_id in enumerate(run_ids[start : start + _CHUNK])}
        statement = (
            "SELECT r.run_id, l.model_id, l.step, l.is_output FROM run_models l JOIN runs r ON r.number = l.run "  # noqa: S608  # our names
            f"WHERE r.run_id IN ({', '.join(f':{name}' for name in values)}) ORDER BY l.run, l.step, l.model_id"
        )
        for run_id, model_id, step, is_output in connection.execute(statement, values):
            found.setdefault(run_id, []).append(RunModel(model_id, step, bool(is_output)))
    return found
