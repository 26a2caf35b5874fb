"""Statements of one transaction that add to runs or look things up; :mod:`mlproj.tracking.sql.store` puts them
together."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any, Protocol

from mlproj.foundation.dataclass import dataclass
from mlproj.foundation.errors import UsageError
from mlproj.tracking.base import AlreadyExists, DatasetInput, Metric, NotFound, Run, StoreError, WrongState
from mlproj.tracking.sql import row as sql_row
from mlproj.tracking.sql.row import Logged, Point, text

_RUN_ID = re.compile(r"[0-9a-f]{32}")
_PREFIX = re.compile(r"[0-9a-f]{4,31}")


class Connection(Protocol):
    """What this needs of a database driver's connection inside a transaction."""

    def execute(self, statement: str, parameters: Any = ..., /) -> Any:
        """Run one statement; the result iterates over rows."""

    def executemany(self, statement: str, parameters: Any, /) -> Any:
        """Run one statement for many sets of parameters."""


def new_run_id() -> str:
    """32 hexadecimal digits, as in MLflow."""
    return os.urandom(16).hex()


def now() -> int:
    """UTC milliseconds since the epoch."""
    return time.time_ns() // 1_000_000


@dataclass(frozen=True)
class Found:
    """What a change must know of a run before it."""

    number: int
    status: str
    lifecycle_stage: str


def insert_run(connection: Connection, row: Mapping[str, Any]) -> int:
    """Add the run; its number. Raises AlreadyExists when its id is taken."""
    columns, values = ", ".join(row), ", ".join(f":{column}" for column in row)
    statement = f"INSERT INTO runs ({columns}) VALUES ({values}) ON CONFLICT (run_id) DO NOTHING"  # noqa: S608  # names of ours
    if connection.execute(statement, row).rowcount == 0:
        raise AlreadyExists(f"there is a run {row['run_id']} already")
    return find(connection, row["run_id"]).number


def find(connection: Connection, run_id: str, lock: str = "") -> Found:
    """The run with this whole id; *lock* is the dialect's, for a change. Raises NotFound when there is none."""
    statement = f"SELECT number, status, lifecycle_stage FROM runs WHERE run_id = :run_id{lock}"  # noqa: S608  # words of ours
    for row in connection.execute(statement, {"run_id": text(run_id)}):
        return Found(*row)
    raise no_run(run_id)


def find_active(connection: Connection, run_id: str, lock: str) -> int:
    """The number of a run that may be added to. Raises NotFound, and WrongState when it is deleted."""
    found = find(connection, run_id, lock)
    if found.lifecycle_stage != "active":
        raise WrongState(f"the run {run_id} is deleted", hint="restore it first", subject=("run", run_id))
    return found.number


def change_run(connection: Connection, number: int, changes: Mapping[str, Any]) -> None:
    """Set these columns."""
    if changes:
        assignments = ", ".join(f"{column} = :{column}" for column in changes)
        connection.execute(f"UPDATE runs SET {assignments} WHERE number = :number", {**changes, "number": number})  # noqa: S608  # names of ours


def add_params(connection: Connection, number: int, params: Mapping[str, str]) -> None:
    """Add parameters; one that exists keeps its value."""
    connection.executemany(
        "INSERT INTO params (run, key, value) VALUES (:run, :key, :value) ON CONFLICT (run, key) DO NOTHING",
        [{"run": number, "key": sql_row.key(key), "value": text(value)} for key, value in params.items()],
    )


def check_params(connection: Connection, number: int, params: Mapping[str, str]) -> None:
    """Raise StoreError when the run has another value for one of *params*."""
    kept = dict(connection.execute("SELECT key, value FROM params WHERE run = :run", {"run": number}))
    for key, value in params.items():
        if kept[text(key)] != text(value):
            message = (
                f"parameter {key!r} has the value {kept[text(key)]!r:.200} already; it cannot become {value!r:.200}"
            )
            raise StoreError(message, subject=("parameter", key, kept[text(key)], value))


def set_tags(connection: Connection, number: int, tags: Mapping[str, str]) -> None:
    """Add tags; one that exists is replaced."""
    connection.executemany(
        "INSERT INTO tags (run, key, value) VALUES (:run, :key, :value) ON CONFLICT (run, key) DO UPDATE SET value ="
        " excluded.value",
        [{"run": number, "key": sql_row.key(key), "value": text(value)} for key, value in tags.items()],
    )


_INSERT_METRIC = "INSERT INTO {table} (key, step, timestamp, value, is_nan, run) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT "
_ADD_METRIC = _INSERT_METRIC.format(table="metrics") + "DO NOTHING"
_SET_LATEST = (
    _INSERT_METRIC.format(table="latest_metrics")
    + "(run, key) DO UPDATE SET step = excluded.step, timestamp = excluded.timestamp, value = excluded.value, is_nan ="
    " excluded.is_nan WHERE (excluded.step, excluded.timestamp, excluded.value) >= (latest_metrics.step,"
    " latest_metrics.timestamp, latest_metrics.value)"
)
_STEP_TIME_VALUE = itemgetter(1, 2, 3)


def add_metrics(connection: Connection, number: int, points: Sequence[Point]) -> None:
    """Keep the points, and for each metric its latest one: the greatest step, then time, then value, as in MLflow."""
    latest = {point[0]: point for point in sorted(points, key=_STEP_TIME_VALUE)}
    run = (number,)
    connection.executemany(_ADD_METRIC, [point + run for point in points])
    connection.executemany(_SET_LATEST, [point + run for point in latest.values()])


def set_mark(connection: Connection, number: int, name: str, position: int) -> None:
    """Note how far the file *name* was read."""
    connection.execute(
        "INSERT INTO file_marks (run, name, position) VALUES (:run, :name, :position) "
        "ON CONFLICT (run, name) DO UPDATE SET position = excluded.position",
        {"run": number, "name": text(name), "position": position},
    )


def set_datasets(connection: Connection, number: int, datasets: Sequence[DatasetInput]) -> None:
    """Add datasets; one that is there stays as it is."""
    connection.executemany(
        "INSERT INTO dataset_inputs (run, name, digest, source_type, source, schema_json, profile, context, tags,"
        " position) VALUES (:run, :name, :digest, :source_type, :source, :schema_json, :profile, :context, :tags,"
        " (SELECT COUNT(*) FROM dataset_inputs WHERE run = :run)) ON CONFLICT (run, name, digest) DO"
        " NOTHING",
        [{**sql_row.from_dataset(dataset), "run": number} for dataset in datasets],
    )


def logged(connection: Connection, numbers: Sequence[int]) -> dict[int, Logged]:
    """Parameters, latest metrics, tags and datasets of each run."""
    # Thousands of rows come by here for one page: each step more is felt.
    found = {number: Logged() for number in numbers}
    params = {number: logged.params for number, logged in found.items()}
    tags = {number: logged.tags for number, logged in found.items()}
    chosen = f"IN ({', '.join(map(str, numbers))})"
    for run, key, value in connection.execute(f"SELECT run, key, value FROM params WHERE run {chosen}"):  # noqa: S608  # integers
        params[run][key] = value
    for run, key, value in connection.execute(f"SELECT run, key, value FROM tags WHERE run {chosen}"):  # noqa: S608  # integers
        tags[run][key] = value
    to_value = sql_row.to_value
    statement = f"SELECT run, key, value, is_nan, timestamp, step FROM latest_metrics WHERE run {chosen}"  # noqa: S608  # integers
    for run, key, number, is_nan, timestamp, step in connection.execute(statement):
        value = to_value(number, is_nan) if is_nan or type(number) is not float else number
        of_run = found[run]
        of_run.metrics[key] = value
        of_run.latest_metrics.append(Metric(key, value, timestamp, step))
    order = "ORDER BY run, position, name, digest"
    statement = f"SELECT run, {sql_row.DATASET_COLUMNS} FROM dataset_inputs WHERE run {chosen} {order}"  # noqa: S608  # integers
    for run, *row in connection.execute(statement):
        found[run].datasets.append(sql_row.to_dataset(row))
    return found


def ways_to_find(reference: str) -> list[tuple[str, dict[str, str]]]:
    """Conditions to try in turn for what a user may call a run."""
    ways = [("r.run_name = :name", {"name": reference})]
    if _RUN_ID.fullmatch(reference):
        ways.insert(0, ("r.run_id = :run_id", {"run_id": reference}))
    elif _PREFIX.fullmatch(reference):
        ways.insert(0, ("r.run_id >= :low AND r.run_id < :high", {"low": reference, "high": reference + "g"}))
    return ways


def ambiguous(reference: str, found: Sequence[Run]) -> UsageError:
    """The error for a name that is more than one run."""
    shown = ", ".join(f"{run.run_id[:12]} ({run.run_name})" for run in found[:5])
    return UsageError(
        f"{reference!r} is more than one run: {shown}{' …' if len(found) > 5 else ''}",
        hint="give more digits of the id",
    )


def no_run(reference: str) -> NotFound:
    """The error for a run that is not there."""
    return NotFound(
        f"there is no run {reference!r}",
        hint="mlproj runs list shows the runs and their ids",
        subject=("run", reference),
    )


def checked_run_id(run_id: str | None) -> str:
    """*run_id*, or a new one for None. Raises UsageError when it is none."""
    if run_id is None:
        return new_run_id()
    if not _RUN_ID.fullmatch(run_id):
        raise UsageError(f"{run_id!r} is no run id: expected 32 hexadecimal digits")
    return run_id
