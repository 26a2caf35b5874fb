"""Statements of one transaction about experiments."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from mlproj.foundation.errors import UsageError, did_you_mean
from mlproj.tracking.base import AlreadyExists, Experiment, NotFound, WrongState
from mlproj.tracking.sql import row as sql_row
from mlproj.tracking.sql.row import EXPERIMENT_COLUMNS, text
from mlproj.tracking.sql.statement import Connection, now

_RESTORE = "choose another name, or bring it back: mlproj experiments restore NAME"
DEFAULT = 0
"""The number of the experiment that is always there."""


def to_number(experiment_id: str) -> int:
    """The number of an experiment id, which may be that of none, such as -1. Raises UsageError when it is no number."""
    if not re.fullmatch(r"-?\d{1,18}", experiment_id, re.ASCII):
        raise UsageError(f"{experiment_id!r} is no experiment id: expected a number")
    return int(experiment_id)


def by_number(connection: Connection, number: int, artifact_root: str, lock: str = "") -> Experiment:
    """The experiment with this number. Raises NotFound."""
    return _find(connection, "experiment_id", number, artifact_root, lock)


def by_name(connection: Connection, name: str, artifact_root: str, lock: str = "") -> Experiment:
    """The experiment with this name. Raises NotFound, with the name that was meant when there is one like it."""
    return _find(connection, "name", text(name), artifact_root, lock)


def _find(connection: Connection, column: str, value: str | int, artifact_root: str, lock: str) -> Experiment:
    statement = f"SELECT {EXPERIMENT_COLUMNS} FROM experiments WHERE {column} = :value{lock}"  # noqa: S608  # words of ours
    rows = list(connection.execute(statement, {"value": value}))
    if rows:
        return to_experiments(connection, rows, artifact_root)[0]
    known = [
        str(name)
        for (name,) in connection.execute("SELECT name FROM experiments WHERE lifecycle_stage = 'active' LIMIT 1000")
    ]
    guess = did_you_mean(str(value), known) if column == "name" else None
    raise NotFound(
        f"there is no experiment {'called' if column == 'name' else 'with id'} {str(value)!r}"
        + (f"; did you mean {guess!r}?" if guess else ""),
        subject=("experiment name" if column == "name" else "experiment", value),
    )


def by_numbers(connection: Connection, numbers: Sequence[int], artifact_root: str) -> list[Experiment]:
    """The experiments with these numbers, in this order."""
    chosen = ", ".join(map(str, numbers)) or "NULL"
    statement = f"SELECT {EXPERIMENT_COLUMNS} FROM experiments WHERE experiment_id IN ({chosen})"  # noqa: S608  # integers
    rows = {row[0]: row for row in connection.execute(statement)}
    return to_experiments(connection, [rows[number] for number in numbers], artifact_root)


def to_experiments(connection: Connection, rows: Sequence[sql_row.Row], artifact_root: str) -> list[Experiment]:
    """The experiments of rows of ``EXPERIMENT_COLUMNS``, with their tags."""
    tags: dict[int, dict[str, str]] = {row[0]: {} for row in rows}
    chosen = ", ".join(map(str, tags)) or "NULL"
    statement = f"SELECT experiment_id, key, value FROM experiment_tags WHERE experiment_id IN ({chosen}) ORDER BY key"  # noqa: S608  # integers
    for number, key, value in connection.execute(statement):
        tags[number][key] = value
    return [sql_row.to_experiment(row, artifact_root, tags[row[0]]) for row in rows]


def insert(connection: Connection, name: str, location: str | None) -> bool:
    """Make the experiment unless its name is taken; whether it is new. Raises UsageError for an empty name."""
    if not name.strip():
        raise UsageError("an experiment needs a name")
    made = connection.execute(
        "INSERT INTO experiments (name, artifact_location, creation_time, last_update_time) "
        "VALUES (:name, :location, :now, :now) ON CONFLICT (name) DO NOTHING",
        {"name": text(name), "location": location, "now": now()},
    )
    return bool(made.rowcount)


def active(experiment: Experiment) -> Experiment:
    """*experiment*, unless it is deleted: WrongState."""
    if experiment.lifecycle_stage != "active":
        subject = ("experiment", experiment.experiment_id)
        raise WrongState(f"the experiment {experiment.name!r} is deleted", hint=_RESTORE, subject=subject)
    return experiment


def set_tags(connection: Connection, number: int, tags: Mapping[str, str]) -> None:
    """Add tags; one that exists is replaced."""
    connection.executemany(
        "INSERT INTO experiment_tags (experiment_id, key, value) VALUES (:number, :key, :value) "
        "ON CONFLICT (experiment_id, key) DO UPDATE SET value = excluded.value",
        [{"number": number, "key": sql_row.key(key), "value": text(value)} for key, value in tags.items()],
    )


def rename(connection: Connection, experiment: Experiment, name: str) -> None:
    """Give it another name. Raises AlreadyExists when that is taken."""
    _refuse_default(experiment, "renamed")
    if not name.strip():
        raise UsageError("an experiment needs a name")
    values: dict[str, Any] = {"number": int(experiment.experiment_id), "name": text(name), "now": now()}
    if list(connection.execute("SELECT 1 FROM experiments WHERE name = :name AND experiment_id <> :number", values)):
        raise taken(name)
    connection.execute(
        "UPDATE experiments SET name = :name, last_update_time = :now WHERE experiment_id = :number", values
    )


def delete(connection: Connection, experiment: Experiment) -> None:
    """Hide it and its active runs."""
    _refuse_default(experiment, "deleted")
    values = {"number": int(experiment.experiment_id), "now": now()}
    connection.execute(
        "UPDATE experiments SET lifecycle_stage = 'deleted', deleted_time = :now, last_update_time = :now WHERE"
        " experiment_id = :number",
        values,
    )
    connection.execute(
        "UPDATE runs SET lifecycle_stage = 'deleted', deleted_time = :now, deleted_with_experiment = 1 "
        "WHERE experiment_id = :number AND lifecycle_stage = 'active'",
        values,
    )


def restore(connection: Connection, experiment: Experiment) -> None:
    """Bring it back with the runs that were deleted with it."""
    values = {"number": int(experiment.experiment_id), "now": now()}
    connection.execute(
        "UPDATE experiments SET lifecycle_stage = 'active', deleted_time = NULL, last_update_time = :now WHERE"
        " experiment_id = :number",
        values,
    )
    connection.execute(
        "UPDATE runs SET lifecycle_stage = 'active', deleted_time = NULL, deleted_with_experiment = 0 "
        "WHERE experiment_id = :number AND deleted_with_experiment = 1",
        {"number": values["number"]},
    )


def taken(name: str) -> AlreadyExists:
    """The error for a name that another experiment has, which may be deleted."""
    hint = "choose another name; a deleted experiment keeps its name"
    return AlreadyExists(f"there is an experiment {name!r} already", hint=hint, subject=("experiment", name))


def _refuse_default(experiment: Experiment, what: str) -> None:
    if int(experiment.experiment_id) == DEFAULT:
        raise WrongState(f"the experiment {experiment.name!r} cannot be {what}: it takes the runs that name none")
