"""Statements of one transaction that remove deleted runs and experiments for good."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from mlproj.tracking.base import Run, WrongState
from mlproj.tracking.sql import logged_model, statement
from mlproj.tracking.sql.statement import Connection

_OF_RUNS = ("params", "tags", "metrics", "latest_metrics", "file_marks", "dataset_inputs", "run_models")
_CHUNK = 500  # runs of one statement


def purgeable(
    connection: Connection, run_ids: Sequence[str] | None, deleted_before: int | None, lock: str
) -> list[int]:
    """Numbers of the runs to remove. Raises NotFound, and WrongState for one of *run_ids* that is not deleted."""
    if run_ids is None:
        rows = connection.execute(
            f"SELECT number FROM runs WHERE lifecycle_stage = 'deleted' AND {_old(deleted_before)}{lock}"  # noqa: S608
        )  # integers
        return [number for (number,) in rows]
    numbers = []
    for run_id in run_ids:
        found = statement.find(connection, run_id, lock)
        if found.lifecycle_stage != "deleted":
            raise WrongState(f"the run {run_id} is not deleted", hint="only deleted runs can be removed for good")
        numbers.append(found.number)
    chosen = ", ".join(map(str, numbers)) or "NULL"
    rows = connection.execute(f"SELECT number FROM runs WHERE number IN ({chosen}) AND {_old(deleted_before)}")  # noqa: S608  # integers
    return [number for (number,) in rows]


def remove_runs(connection: Connection, numbers: Sequence[int]) -> None:
    """Remove these runs and all that they logged."""
    for start in range(0, len(numbers), _CHUNK):
        chosen = ", ".join(map(str, numbers[start : start + _CHUNK]))
        for table in _OF_RUNS:
            connection.execute(f"DELETE FROM {table} WHERE run IN ({chosen})")  # noqa: S608  # names and numbers of ours
        connection.execute(f"DELETE FROM runs WHERE number IN ({chosen})")  # noqa: S608  # integers


def remove_experiments(connection: Connection, deleted_before: int | None, only: Collection[int] | None) -> None:
    """Remove the deleted experiments that have no run; *only*: not others than these."""
    among = "" if only is None else f"AND experiment_id IN ({', '.join(map(str, only)) or 'NULL'})"
    rows = connection.execute(
        f"SELECT experiment_id FROM experiments WHERE lifecycle_stage = 'deleted' AND {_old(deleted_before)} {among} "  # noqa: S608  # integers
        "AND NOT EXISTS (SELECT 1 FROM runs WHERE runs.experiment_id = experiments.experiment_id)"
    )
    chosen = ", ".join(str(number) for (number,) in rows)
    if chosen:
        logged_model.remove(connection, f"experiment_id IN ({chosen})")
        connection.execute(f"DELETE FROM experiment_tags WHERE experiment_id IN ({chosen})")  # noqa: S608  # integers
        connection.execute(f"DELETE FROM experiments WHERE experiment_id IN ({chosen})")  # noqa: S608  # integers


def experiments_of(runs: Sequence[Run]) -> set[int]:
    """The numbers of the experiments that *runs* belong to."""
    return {int(run.experiment_id) for run in runs}


def _old(deleted_before: int | None) -> str:
    # What an older mlproj deleted may have no time: it is old.
    return "1 = 1" if deleted_before is None else f"COALESCE(deleted_time, 0) < {int(deleted_before)}"
