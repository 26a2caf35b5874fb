"""Runs in a SQLite file that an MLflow client (seen: 1.8 to 3.17) wrote. Columns that a version lacks are done
without."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from mlproj.mlflow_import.foreign_run import LoggedModel, MlflowRun, to_moment, to_status
from mlproj.tracking.base import Metric

_MAGIC = b"SQLite format 3\0"
_NEEDED = {"experiments", "runs", "params", "metrics", "tags"}
# MLflow's SQL store writes the greatest float for infinity, which databases of its choice cannot hold.
_INFINITE = 1.7976931348623157e308


def detect(file: Path) -> bool:
    """Whether *file* is a SQLite file with MLflow's tables. A link is not followed."""
    if file.is_symlink() or not file.is_file():
        return False
    with file.open("rb") as opened:
        if opened.read(len(_MAGIC)) != _MAGIC:
            return False
    with closing(_connect(file)) as connection:
        return _tables(connection) >= _NEEDED


def read(file: Path, since: int) -> list[MlflowRun]:
    """The runs that started at *since* (UTC milliseconds) or later and were not deleted, the first one first."""
    with closing(_connect(file)) as connection:
        connection.row_factory = sqlite3.Row
        columns = _columns(connection, "runs")
        models = _models(connection)
        rows = connection.execute(
            f"SELECT r.*, e.name AS experiment_name, {'r.name' if 'name' in columns else 'NULL'} AS run_name "  # noqa: S608  # constants
            "FROM runs r JOIN experiments e ON e.experiment_id = r.experiment_id "
            "WHERE r.start_time >= :since AND r.lifecycle_stage = 'active' ORDER BY r.start_time, r.rowid",
            {"since": since},
        ).fetchall()
        return [_run(connection, file, row, models) for row in rows]


def _run(
    connection: sqlite3.Connection, file: Path, row: sqlite3.Row, models: dict[str, list[LoggedModel]]
) -> MlflowRun:
    run_id = str(row["run_uuid"])
    tags = _pairs(connection, "tags", run_id)
    return MlflowRun(
        run_id=run_id,
        name=str(row["run_name"] or tags.get("mlflow.runName", "")),
        experiment_name=str(row["experiment_name"]),
        status=to_status(row["status"]),
        start_time=to_moment(row["start_time"]),
        end_time=None if row["end_time"] is None else to_moment(row["end_time"]),
        artifact_uri=str(row["artifact_uri"] or ""),
        params=_pairs(connection, "params", run_id),
        tags=tags,
        metrics=lambda: _metrics(file, run_id),
        models=tuple(models.get(run_id, ())),
    )


def _metrics(file: Path, run_id: str) -> Iterator[Metric]:
    with closing(_connect(file)) as connection:
        columns = _columns(connection, "metrics")
        is_nan = "is_nan" if "is_nan" in columns else "0"
        step = "step" if "step" in columns else "0"
        statement = (
            f"SELECT key, value, {is_nan}, timestamp, {step} FROM metrics WHERE run_uuid = :run_id AND key <> ''"  # noqa: S608  # constants
        )
        for key, value, nan, timestamp, number in connection.execute(statement, {"run_id": run_id}):
            yield Metric(str(key), _value(value, nan), to_moment(timestamp), int(number or 0))


def _value(value: Any, is_nan: Any) -> float:
    if is_nan or value is None:
        return float("nan")
    number = float(value)
    return number if abs(number) < _INFINITE else number * 2  # beyond the greatest float is infinity, with its sign


def _pairs(connection: sqlite3.Connection, table: str, run_id: str) -> dict[str, str]:
    rows = connection.execute(
        f"SELECT key, value FROM {table} WHERE run_uuid = :run_id AND key <> ''",  # noqa: S608
        {"run_id": run_id},
    )  # constants
    return {str(key): "" if value is None else str(value) for key, value in rows}


def _models(connection: sqlite3.Connection) -> dict[str, list[LoggedModel]]:
    """The models of MLflow 3 by the run that logged them."""
    found: dict[str, list[LoggedModel]] = {}
    if "logged_models" in _tables(connection):
        rows = connection.execute(
            "SELECT source_run_id, name, artifact_location FROM logged_models WHERE lifecycle_stage = 'active'"
        )
        for run_id, name, location in rows:
            found.setdefault(str(run_id), []).append(LoggedModel(str(name), str(location)))
    return found


def _tables(connection: sqlite3.Connection) -> set[str]:
    return {str(name) for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def _columns(connection: sqlite3.Connection, table: str) -> set[str]:
    return {str(row[1]) for row in connection.execute(f"PRAGMA table_info({table})")}


def _connect(file: Path) -> sqlite3.Connection:
    # Not "mode=ro": the journal that a killed client left must be rolled back before anything can be read.
    connection = sqlite3.connect(f"{file.absolute().as_uri()}?mode=rw", uri=True, timeout=5)
    connection.text_factory = lambda data: data.decode("utf-8", "backslashreplace")
    connection.execute("PRAGMA query_only = 1")
    connection.execute("PRAGMA trusted_schema = 0")
    return connection
