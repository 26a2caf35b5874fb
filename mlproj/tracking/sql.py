"""A store of runs in SQL tables: plain statements with named parameters over one database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Protocol

from mlproj.errors import UsageError, did_you_mean
from mlproj.tracking import run_name as names
from mlproj.tracking import sql_row, sql_statement
from mlproj.tracking.base import Experiment, Metric, Output, Run, Status
from mlproj.tracking.sql_row import EXPERIMENT_COLUMNS, RUN_COLUMNS, optional_text, text

RUN_NAME_TAG = "mlflow.runName"
_FROM_RUNS = f"SELECT {RUN_COLUMNS} FROM runs r JOIN experiments e ON e.experiment_id = r.experiment_id"  # noqa: S608  # constants
_INFINITE = 2**62
_CHUNK = 1000  # runs whose parameters, metrics and tags are read at once


class Database(Protocol):
    """Where the tables are."""

    def read(self) -> AbstractContextManager[Any]:
        """A transaction that sees one moment."""

    def write(self) -> AbstractContextManager[Any]:
        """A transaction that happens whole or not at all."""

    def close(self) -> None:
        """Let go of it."""


class SqlStore:
    """The :class:`~mlproj.tracking.base.TrackingStore` over SQL tables. Its methods are documented there."""

    def __init__(self, database: Database, artifact_root: Path) -> None:
        self._database = database
        self._artifact_root = artifact_root.as_uri()

    def create_run(  # noqa: D102
        self,
        *,
        run_id: str | None = None,
        run_name: str | None = None,
        experiment_name: str | None = None,
        experiment_id: str | None = None,
        status: Status = Status.RUNNING,
        start_time: int | None = None,
        end_time: int | None = None,
        artifact_uri: str | None = None,
        entry_point: str | None = None,
        command: str | None = None,
        host: str | None = None,
        user: str | None = None,
        pid: int | None = None,
        params: Mapping[str, str] | None = None,
        tags: Mapping[str, str] | None = None,
        source: Mapping[str, Any] | None = None,
        environment: Mapping[str, Any] | None = None,
        inputs: Sequence[Mapping[str, Any]] = (),
    ) -> Run:
        name = run_name or (tags or {}).get(RUN_NAME_TAG) or names.generate()
        row: dict[str, Any] = {
            "run_id": sql_statement.checked_run_id(run_id),
            "run_name": text(name),
            "status": status.value,
            "start_time": sql_statement.now() if start_time is None else start_time,
            "end_time": end_time,
            "entry_point": optional_text(entry_point),
            "command": optional_text(command),
            "host": host,
            "user_name": optional_text(user),
            "pid": pid,
            "source": sql_row.to_document(source),
            "environment": sql_row.to_document(environment),
            "inputs": sql_row.to_document(list(inputs) or None),
        }
        with self._database.write() as connection:
            experiment = self._experiment_for_run(connection, experiment_name, experiment_id)
            row["experiment_id"] = int(experiment.experiment_id)
            row["artifact_uri"] = artifact_uri or sql_row.artifact_place(experiment, self._artifact_root, row["run_id"])
            number = sql_statement.insert_run(connection, row)
            sql_statement.add_params(connection, number, params or {})
            sql_statement.set_tags(connection, number, {**(tags or {}), RUN_NAME_TAG: name})
            return self._runs(connection, "WHERE r.number = :number", {"number": number})[0]

    def update_run(  # noqa: D102
        self,
        run_id: str,
        *,
        status: Status | None = None,
        status_reason: str | None = None,
        end_time: int | None = None,
        exit_code: int | None = None,
        run_name: str | None = None,
        experiment_name: str | None = None,
        command: str | None = None,
        source: Mapping[str, Any] | None = None,
        environment: Mapping[str, Any] | None = None,
        inputs: Sequence[Mapping[str, Any]] | None = None,
        outputs: Sequence[Output] | None = None,
        lifecycle_stage: str | None = None,
        expected: Sequence[Status] = (),
    ) -> bool:
        if status is not None and status.ended and end_time is None:
            end_time = sql_statement.now()
        given: dict[str, Any] = {
            "status": status and status.value,
            "status_reason": optional_text(status_reason),
            "end_time": end_time,
            "exit_code": exit_code,
            "run_name": optional_text(run_name),
            "command": optional_text(command),
            "source": sql_row.to_document(source),
            "environment": sql_row.to_document(environment),
            "inputs": sql_row.to_document(inputs),
            "outputs": None if outputs is None else sql_row.to_document(sql_row.to_outputs(outputs)),
            "lifecycle_stage": lifecycle_stage,
        }
        changes: dict[str, Any] = {column: value for column, value in given.items() if value is not None}
        if lifecycle_stage is not None:
            changes["deleted_time"] = sql_statement.now() if lifecycle_stage == "deleted" else None
        with self._database.write() as connection:
            number, found = sql_statement.number_and_status(connection, run_id)
            if expected and Status(found) not in expected:
                return False
            if experiment_name is not None:
                changes["experiment_id"] = int(self._ensure_experiment(connection, experiment_name, None).experiment_id)
            if changes:
                assignments = ", ".join(f"{column} = :{column}" for column in changes)
                connection.execute(f"UPDATE runs SET {assignments} WHERE number = :number", {**changes, "number": number})  # noqa: S608  # names of ours
            if run_name is not None:
                sql_statement.set_tags(connection, number, {RUN_NAME_TAG: run_name})
        return True

    def log(  # noqa: D102
        self,
        run_id: str,
        *,
        params: Mapping[str, str] | None = None,
        metrics: Sequence[Metric] = (),
        tags: Mapping[str, str] | None = None,
    ) -> None:
        points = [sql_row.to_number(metric) for metric in metrics]
        with self._database.write() as connection:
            number, _ = sql_statement.number_and_status(connection, run_id)
            if params:
                sql_statement.add_params(connection, number, params)
                sql_statement.check_params(connection, number, params)
            if points:
                sql_statement.add_metrics(connection, number, points)
            if tags:
                sql_statement.set_tags(connection, number, tags)
                if tags.get(RUN_NAME_TAG):
                    connection.execute(
                        "UPDATE runs SET run_name = :name WHERE number = :number", {"name": text(tags[RUN_NAME_TAG]), "number": number}
                    )

    def get_run(self, reference: str) -> Run:  # noqa: D102
        with self._database.read() as connection:
            for condition, values in sql_statement.ways_to_find(text(reference)):
                found = self._runs(connection, f"WHERE {condition} ORDER BY r.start_time DESC, r.number DESC LIMIT 6", values)
                if len(found) == 1:
                    return found[0]
                if found:
                    raise sql_statement.ambiguous(reference, found)
        raise sql_statement.no_run(reference)

    def list_runs(  # noqa: D102
        self,
        *,
        experiment_name: str | None = None,
        statuses: Sequence[Status] = (),
        lifecycle_stage: str | None = "active",
        limit: int | None = None,
        offset: int = 0,
    ) -> list[Run]:
        values: dict[str, Any] = {"limit": _INFINITE if limit is None else limit, "offset": offset}
        with self._database.read() as connection:
            conditions = []
            if experiment_name is not None:
                values["experiment"] = int(self._experiment(connection, "name", text(experiment_name)).experiment_id)
                conditions.append("r.experiment_id = :experiment")
            if lifecycle_stage is not None:
                values["stage"] = lifecycle_stage
                conditions.append("r.lifecycle_stage = :stage")
            if statuses:
                values.update({f"status{index}": status.value for index, status in enumerate(statuses)})
                conditions.append(f"r.status IN ({', '.join(f':status{index}' for index in range(len(statuses)))})")
            where = f"WHERE {' AND '.join(conditions)}" if conditions else ""
            return self._runs(connection, f"{where} ORDER BY r.start_time DESC, r.number DESC LIMIT :limit OFFSET :offset", values)

    def metric_history(self, run_id: str, key: str) -> list[Metric]:  # noqa: D102
        with self._database.read() as connection:
            number, _ = sql_statement.number_and_status(connection, run_id)
            rows = connection.execute(
                "SELECT value, is_nan, timestamp, step FROM metrics WHERE run = :number AND key = :key ORDER BY step, timestamp, value",
                {"number": number, "key": text(key)},
            )
            return [Metric(key, sql_row.to_value(value, is_nan), timestamp, step) for value, is_nan, timestamp, step in rows]

    def create_experiment(self, name: str, artifact_location: str | None = None) -> Experiment:  # noqa: D102
        with self._database.write() as connection:
            return self._ensure_experiment(connection, name, artifact_location)

    def get_experiment(self, *, name: str | None = None, experiment_id: str | None = None) -> Experiment:  # noqa: D102
        with self._database.read() as connection:
            if name is not None:
                return self._experiment(connection, "name", text(name))
            return self._experiment(connection, "experiment_id", sql_statement.experiment_number(experiment_id or "0"))

    def list_experiments(self) -> list[Experiment]:  # noqa: D102
        with self._database.read() as connection:
            rows = connection.execute(
                f"SELECT {EXPERIMENT_COLUMNS} FROM experiments WHERE lifecycle_stage = 'active' ORDER BY experiment_id"  # noqa: S608  # constants
            )
            return [sql_row.to_experiment(row, self._artifact_root) for row in rows]

    def close(self) -> None:  # noqa: D102
        self._database.close()

    def _runs(self, connection: sql_statement.Connection, rest: str, values: Mapping[str, Any]) -> list[Run]:
        rows = list(connection.execute(f"{_FROM_RUNS} {rest}", values))
        runs: list[Run] = []
        for start in range(0, len(rows), _CHUNK):
            chunk = rows[start : start + _CHUNK]
            logged = sql_statement.logged(connection, [row[0] for row in chunk])
            runs.extend(sql_row.to_run(row, self._artifact_root, *logged[row[0]]) for row in chunk)
        return runs

    def _experiment_for_run(self, connection: sql_statement.Connection, name: str | None, experiment_id: str | None) -> Experiment:
        if name is not None:
            return self._ensure_experiment(connection, name, None)
        found = self._experiment(connection, "experiment_id", sql_statement.experiment_number(experiment_id or "0"))
        return sql_statement.active(found)

    def _ensure_experiment(self, connection: sql_statement.Connection, name: str, location: str | None) -> Experiment:
        if not name.strip():
            raise UsageError("an experiment needs a name")
        connection.execute(
            "INSERT INTO experiments (name, artifact_location, creation_time, last_update_time) "
            "VALUES (:name, :location, :now, :now) ON CONFLICT (name) DO NOTHING",
            {"name": text(name), "location": location, "now": sql_statement.now()},
        )
        return sql_statement.active(self._experiment(connection, "name", text(name)))

    def _experiment(self, connection: sql_statement.Connection, column: str, value: str | int) -> Experiment:
        statement = f"SELECT {EXPERIMENT_COLUMNS} FROM experiments WHERE {column} = :value"  # noqa: S608  # constants
        for row in connection.execute(statement, {"value": value}):
            return sql_row.to_experiment(row, self._artifact_root)
        known = [str(name) for (name,) in connection.execute("SELECT name FROM experiments WHERE lifecycle_stage = 'active' LIMIT 1000")]
        guess = did_you_mean(str(value), known)
        raise UsageError(
            f"there is no experiment {'called' if column == 'name' else 'with id'} {str(value)!r}"
            + (f"; did you mean {guess!r}?" if guess else "")
        )
