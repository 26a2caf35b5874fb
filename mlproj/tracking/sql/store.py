"""A store of runs in SQL tables: plain statements with named parameters over one database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from mlproj.foundation.errors import UsageError
from mlproj.foundation.override import override
from mlproj.tracking import run_name as names
from mlproj.tracking.base import (
    DatasetInput,
    Experiment,
    Metric,
    NewRun,
    NotFound,
    Page,
    Run,
    RunChanges,
    Status,
    TrackingStore,
    WrongState,
)
from mlproj.tracking.sql import experiment as sql_experiment
from mlproj.tracking.sql import row as sql_row
from mlproj.tracking.sql import statement as sql_statement
from mlproj.tracking.sql.dialect import Dialect
from mlproj.tracking.sql.row import EXPERIMENT_COLUMNS, RUN_COLUMNS, optional_text, text

RUN_NAME_TAG = "mlflow.runName"
_FROM_RUNS = f"SELECT {RUN_COLUMNS} FROM runs r JOIN experiments e ON e.experiment_id = r.experiment_id"  # noqa: S608  # constants
_INFINITE = 2**62
_CHUNK = 1000  # runs whose parameters, metrics and tags are read at once


class Database(Protocol):
    """Where the tables are."""

    dialect: Dialect

    def read(self) -> AbstractContextManager[Any]:
        """A transaction that sees one moment."""

    def write(self) -> AbstractContextManager[Any]:
        """A transaction that happens whole or not at all."""

    def close(self) -> None:
        """Let go of it."""


class SqlStore(TrackingStore):
    """The :class:`~mlproj.tracking.base.TrackingStore` over SQL tables. Its methods are documented there."""

    def __init__(self, database: Database, artifact_root: Path | str) -> None:
        self._database = database
        self._lock_row, self._share_row = database.dialect.lock_row, database.dialect.share_row
        self._artifact_root = artifact_root.as_uri() if isinstance(artifact_root, Path) else artifact_root

    @override
    def create_run(self, new: NewRun) -> Run:
        name = new.run_name or new.tags.get(RUN_NAME_TAG) or names.generate()
        row: dict[str, Any] = {
            "run_id": sql_statement.checked_run_id(new.run_id),
            "run_name": text(name),
            "status": new.status.value,
            "start_time": sql_statement.now() if new.start_time is None else new.start_time,
            "end_time": new.end_time,
            "entry_point": optional_text(new.entry_point),
            "command": optional_text(new.command),
            "host": new.host,
            "user_name": optional_text(new.user),
            "pid": new.pid,
            "source": sql_row.to_document(new.source),
            "environment": sql_row.to_document(new.environment),
            "inputs": sql_row.to_document(list(new.inputs) or None),
        }
        with self._database.write() as connection:
            experiment = self._experiment_for_run(connection, new.experiment_name, new.experiment_id)
            row["experiment_id"] = int(experiment.experiment_id)
            row["artifact_uri"] = new.artifact_uri or sql_row.artifact_place(
                experiment, self._artifact_root, row["run_id"]
            )
            number = sql_statement.insert_run(connection, row)
            sql_statement.add_params(connection, number, new.params)
            sql_statement.set_tags(connection, number, {**new.tags, RUN_NAME_TAG: name})
            return self._runs(connection, "WHERE r.number = :number", {"number": number})[0]

    @override
    def update_run(self, run_id: str, changes: RunChanges, *, expected: Sequence[Status] = ()) -> bool:
        columns = _columns(changes)
        with self._database.write() as connection:
            found = sql_statement.find(connection, run_id, self._lock_row)
            if expected and Status(found.status) not in expected:
                return False
            if changes.experiment_name is not None:
                experiment = self._ensure_experiment(connection, changes.experiment_name)
                columns["experiment_id"] = int(experiment.experiment_id)
            if changes.lifecycle_stage is not None and changes.lifecycle_stage != found.lifecycle_stage:
                columns |= self._move_to_stage(connection, found.number, changes.lifecycle_stage)
            sql_statement.change_run(connection, found.number, columns)
            if changes.run_name is not None:
                sql_statement.set_tags(connection, found.number, {RUN_NAME_TAG: changes.run_name})
        return True

    @override
    def log(
        self,
        run_id: str,
        *,
        params: Mapping[str, str] | None = None,
        metrics: Sequence[Metric] = (),
        tags: Mapping[str, str] | None = None,
        mark: tuple[str, int] | None = None,
    ) -> None:
        points = sql_row.to_points(metrics)
        with self._database.write() as connection:
            number = sql_statement.find_active(connection, run_id, self._lock_row)
            if params:
                sql_statement.add_params(connection, number, params)
                sql_statement.check_params(connection, number, params)
            if points:
                sql_statement.add_metrics(connection, number, points)
            if tags:
                sql_statement.set_tags(connection, number, tags)
                if tags.get(RUN_NAME_TAG):
                    sql_statement.change_run(connection, number, {"run_name": text(tags[RUN_NAME_TAG])})
            if mark:
                sql_statement.set_mark(connection, number, *mark)

    @override
    def marks(self, run_id: str) -> Mapping[str, int]:
        with self._database.read() as connection:
            number = sql_statement.find(connection, run_id).number
            return dict(
                connection.execute("SELECT name, position FROM file_marks WHERE run = :number", {"number": number})
            )

    @override
    def delete_tag(self, run_id: str, key: str) -> None:
        with self._database.write() as connection:
            number = sql_statement.find_active(connection, run_id, self._lock_row)
            values = {"number": number, "key": text(key)}
            if connection.execute("DELETE FROM tags WHERE run = :number AND key = :key", values).rowcount == 0:
                raise NotFound(f"the run {run_id} has no tag {key!r}", subject=("run tag", key, run_id))

    @override
    def log_inputs(self, run_id: str, datasets: Sequence[DatasetInput]) -> None:
        with self._database.write() as connection:
            number = sql_statement.find_active(connection, run_id, self._lock_row)
            sql_statement.set_datasets(connection, number, datasets)

    @override
    def get_run(self, reference: str) -> Run:
        with self._database.read() as connection:
            for condition, values in sql_statement.ways_to_find(text(reference)):
                found = self._runs(
                    connection, f"WHERE {condition} ORDER BY r.start_time DESC, r.number DESC LIMIT 6", values
                )
                if len(found) == 1:
                    return found[0]
                if found:
                    raise sql_statement.ambiguous(reference, found)
        raise sql_statement.no_run(reference)

    @override
    def list_runs(
        self,
        *,
        experiment_name: str | None = None,
        statuses: Sequence[Status] = (),
        lifecycle_stage: str | None = "active",
        limit: int | None = None,
        offset: int = 0,
    ) -> list[Run]:
        if offset < 0 or (limit is not None and limit < 0):
            raise UsageError(f"cannot list {limit} runs from the {offset}th: expected numbers that are not negative")
        values: dict[str, Any] = {"limit": _INFINITE if limit is None else limit, "offset": offset}
        with self._database.read() as connection:
            conditions = []
            if experiment_name is not None:
                values["experiment"] = int(
                    sql_experiment.by_name(connection, experiment_name, self._artifact_root).experiment_id
                )
                conditions.append("r.experiment_id = :experiment")
            if lifecycle_stage is not None:
                values["stage"] = lifecycle_stage
                conditions.append("r.lifecycle_stage = :stage")
            if statuses:
                values.update({f"status{index}": status.value for index, status in enumerate(statuses)})
                conditions.append(f"r.status IN ({', '.join(f':status{index}' for index in range(len(statuses)))})")
            where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
            return self._runs(
                connection, f"{where} ORDER BY r.start_time DESC, r.number DESC LIMIT :limit OFFSET :offset", values
            )

    @override
    def search_runs(
        self,
        *,
        experiment_ids: Sequence[str] | None = None,
        filter: str = "",
        order_by: Sequence[str] = (),
        lifecycle_stage: str | None = "active",
        limit: int = 1000,
        page_token: str | None = None,
    ) -> Page[Run]:
        from mlproj.tracking.search.sql import Search, find
        from mlproj.tracking.search.vocabulary import RUNS

        scope, values = [], {"artifact_root": self._artifact_root}
        if experiment_ids is not None:
            numbers = sorted({sql_experiment.to_number(experiment_id) for experiment_id in experiment_ids})
            scope.append(f"r.experiment_id IN ({', '.join(map(str, numbers)) or 'NULL'})")
        if lifecycle_stage is not None:
            scope.append("r.lifecycle_stage = :stage")
            values["stage"] = lifecycle_stage
        with self._database.read() as connection:
            found, token = find(
                connection, self._database.dialect, Search(RUNS, filter, order_by, limit, page_token, scope, values)
            )
            return Page(self._runs_by_number(connection, found), token)

    @override
    def search_experiments(
        self,
        *,
        filter: str = "",
        order_by: Sequence[str] = (),
        lifecycle_stage: str | None = "active",
        limit: int = 1000,
        page_token: str | None = None,
    ) -> Page[Experiment]:
        from mlproj.tracking.search.sql import Search, find
        from mlproj.tracking.search.vocabulary import EXPERIMENTS

        scope = [] if lifecycle_stage is None else ["e.lifecycle_stage = :stage"]
        values = {} if lifecycle_stage is None else {"stage": lifecycle_stage}
        search = Search(EXPERIMENTS, filter, order_by, limit, page_token, scope, values)
        with self._database.read() as connection:
            found, token = find(connection, self._database.dialect, search)
            return Page(sql_experiment.by_numbers(connection, found, self._artifact_root), token)

    @override
    def metric_history(self, run_id: str, key: str) -> list[Metric]:
        with self._database.read() as connection:
            number = sql_statement.find(connection, run_id).number
            rows = connection.execute(
                "SELECT value, is_nan, timestamp, step FROM metrics WHERE run = :number AND key = :key ORDER BY step,"
                " timestamp, value",
                {"number": number, "key": text(key)},
            )
            return [
                Metric(key, sql_row.to_value(value, is_nan), timestamp, step) for value, is_nan, timestamp, step in rows
            ]

    @override
    def create_experiment(
        self,
        name: str,
        artifact_location: str | None = None,
        *,
        tags: Mapping[str, str] | None = None,
        new: bool = False,
    ) -> Experiment:
        with self._database.write() as connection:
            made = sql_experiment.insert(connection, name, artifact_location)
            if new and not made:
                raise sql_experiment.taken(name)
            experiment = sql_experiment.active(
                sql_experiment.by_name(connection, name, self._artifact_root, self._lock_row)
            )
            if not (made and tags):
                return experiment
            number = int(experiment.experiment_id)
            sql_experiment.set_tags(connection, number, tags)
            return sql_experiment.by_number(connection, number, self._artifact_root)

    @override
    def update_experiment(
        self,
        experiment_id: str,
        *,
        name: str | None = None,
        lifecycle_stage: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> None:
        number = sql_experiment.to_number(experiment_id)
        with self._database.write() as connection:
            found = sql_experiment.by_number(connection, number, self._artifact_root, self._lock_row)
            if lifecycle_stage == "active" and found.lifecycle_stage == "deleted":
                sql_experiment.restore(connection, found)
                found = sql_experiment.by_number(connection, number, self._artifact_root)
            if name is not None and name != found.name:
                sql_experiment.rename(connection, sql_experiment.active(found), name)
            if tags:
                sql_experiment.set_tags(connection, int(sql_experiment.active(found).experiment_id), tags)
            if lifecycle_stage == "deleted" and found.lifecycle_stage == "active":
                sql_experiment.delete(connection, found)

    @override
    def delete_experiment_tag(self, experiment_id: str, key: str) -> None:
        number = sql_experiment.to_number(experiment_id)
        with self._database.write() as connection:
            sql_experiment.active(sql_experiment.by_number(connection, number, self._artifact_root, self._lock_row))
            statement = "DELETE FROM experiment_tags WHERE experiment_id = :number AND key = :key"
            if connection.execute(statement, {"number": number, "key": text(key)}).rowcount == 0:
                raise NotFound(
                    f"the experiment {experiment_id} has no tag {key!r}", subject=("experiment tag", key, experiment_id)
                )

    @override
    def get_experiment(self, *, name: str | None = None, experiment_id: str | None = None) -> Experiment:
        with self._database.read() as connection:
            if name is not None:
                return sql_experiment.by_name(connection, name, self._artifact_root)
            return sql_experiment.by_number(
                connection, sql_experiment.to_number(experiment_id or "0"), self._artifact_root
            )

    @override
    def list_experiments(self) -> list[Experiment]:
        with self._database.read() as connection:
            statement = (
                f"SELECT {EXPERIMENT_COLUMNS} FROM experiments WHERE lifecycle_stage = 'active' ORDER BY experiment_id"  # noqa: S608  # constants
            )
            return sql_experiment.to_experiments(connection, list(connection.execute(statement)), self._artifact_root)

    @override
    def purge(self, *, deleted_before: int | None = None, run_ids: Sequence[str] | None = None) -> list[Run]:
        from mlproj.tracking.sql import purge as sql_purge

        with self._database.write() as connection:
            numbers = sql_purge.purgeable(connection, run_ids, deleted_before, self._lock_row)
            runs = self._runs_by_number(connection, numbers)
            sql_purge.remove_runs(connection, numbers)
            sql_purge.remove_experiments(
                connection, deleted_before, None if run_ids is None else sql_purge.experiments_of(runs)
            )
        return runs

    @override
    def purgeable(self, *, deleted_before: int | None = None, run_ids: Sequence[str] | None = None) -> list[Run]:
        from mlproj.tracking.sql import purge as sql_purge

        with self._database.read() as connection:
            return self._runs_by_number(connection, sql_purge.purgeable(connection, run_ids, deleted_before, lock=""))

    @override
    def close(self) -> None:
        self._database.close()

    def _runs(self, connection: sql_statement.Connection, rest: str, values: Mapping[str, Any]) -> list[Run]:
        rows = list(connection.execute(f"{_FROM_RUNS} {rest}", values))
        runs: list[Run] = []
        for start in range(0, len(rows), _CHUNK):
            chunk = rows[start : start + _CHUNK]
            logged = sql_statement.logged(connection, [row[0] for row in chunk])
            runs.extend(sql_row.to_run(row, self._artifact_root, logged[row[0]]) for row in chunk)
        return runs

    def _runs_by_number(self, connection: sql_statement.Connection, numbers: Sequence[int]) -> list[Run]:
        """The runs with these numbers, in this order."""
        found: list[Run] = []
        for start in range(0, len(numbers), _CHUNK):
            chunk = numbers[start : start + _CHUNK]
            rows = {
                row[0]: row
                for row in connection.execute(f"{_FROM_RUNS} WHERE r.number IN ({', '.join(map(str, chunk))})")
            }
            logged = sql_statement.logged(connection, chunk)
            found.extend(sql_row.to_run(rows[number], self._artifact_root, logged[number]) for number in chunk)
        return found

    def _move_to_stage(self, connection: sql_statement.Connection, number: int, stage: str) -> dict[str, Any]:
        """The columns of a run that is deleted or restored."""
        if stage == "active":
            statement = (
                "SELECT e.name FROM experiments e JOIN runs r ON r.experiment_id = e.experiment_id "
                "WHERE r.number = :number AND e.lifecycle_stage = 'deleted'"
            )
            for (name,) in connection.execute(statement, {"number": number}):
                raise WrongState(
                    f"the run's experiment {name!r} is deleted", hint="bring it back: mlproj experiments restore NAME"
                )
        return {
            "lifecycle_stage": stage,
            "deleted_time": sql_statement.now() if stage == "deleted" else None,
            "deleted_with_experiment": 0,
        }

    def _experiment_for_run(
        self, connection: sql_statement.Connection, name: str | None, experiment_id: str | None
    ) -> Experiment:
        if name is not None:
            return self._ensure_experiment(connection, name)
        number = sql_experiment.to_number(experiment_id or "0")
        return sql_experiment.active(sql_experiment.by_number(connection, number, self._artifact_root, self._share_row))

    def _ensure_experiment(self, connection: sql_statement.Connection, name: str) -> Experiment:
        """The experiment of this name, made when it is new. Raises WrongState when it is deleted."""
        sql_experiment.insert(connection, name, None)
        return sql_experiment.active(sql_experiment.by_name(connection, name, self._artifact_root, self._share_row))


def _columns(changes: RunChanges) -> dict[str, Any]:
    """The columns that *changes* give another value, besides those of the experiment and the lifecycle stage."""
    end_time = changes.end_time
    if changes.status is not None and changes.status.ended and end_time is None:
        end_time = sql_statement.now()
    given: dict[str, Any] = {
        "status": changes.status and changes.status.value,
        "status_reason": optional_text(changes.status_reason),
        "start_time": changes.start_time,
        "end_time": end_time,
        "exit_code": changes.exit_code,
        "run_name": optional_text(changes.run_name),
        "user_name": optional_text(changes.user),
        "command": optional_text(changes.command),
        "source": sql_row.to_document(changes.source),
        "environment": sql_row.to_document(changes.environment),
        "inputs": sql_row.to_document(changes.inputs),
        "outputs": None if changes.outputs is None else sql_row.to_document(sql_row.to_outputs(changes.outputs)),
    }
    return {column: value for column, value in given.items() if value is not None}
