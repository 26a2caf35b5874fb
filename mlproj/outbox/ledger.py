"""What of an outbox is delivered and what is not: noted in the transaction that records, by triggers in the same file.

So whoever writes to the outbox (``mlproj run``, its program through the embedded server, a nested run) need not know of
it, and no crash comes between a value and the note that it is to be delivered.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from mlproj.tracking.base import Metric
from mlproj.tracking.sql import logged_model, model_version, purge, registered_model
from mlproj.tracking.sql.row import to_value
from mlproj.tracking.sql.sqlite import SqliteDatabase
from mlproj.tracking.sql.statement import Connection

_TOUCHED = "UPDATE outbox_runs SET version = version + 1, finished = 0 WHERE run_id = {which}"
_OF_CHILD = "(SELECT run_id FROM runs WHERE number = {row}.run)"


def _touching(table: str, event: str, which: str) -> str:
    return (
        f"CREATE TRIGGER IF NOT EXISTS outbox_{table}_{event.lower()} AFTER {event} ON {table} BEGIN"
        f" {_TOUCHED.format(which=which)}; END"
    )


_STATEMENTS = (
    """
    CREATE TABLE IF NOT EXISTS outbox_runs (
        place     INTEGER PRIMARY KEY AUTOINCREMENT,
        run_id    TEXT NOT NULL UNIQUE,
        version   INTEGER NOT NULL DEFAULT 1,
        delivered INTEGER NOT NULL DEFAULT 0,
        remote_id TEXT,
        attempted INTEGER NOT NULL DEFAULT 0,
        sending   INTEGER NOT NULL DEFAULT 0,
        sent      TEXT NOT NULL DEFAULT '{}',
        trouble   TEXT,
        finished  INTEGER NOT NULL DEFAULT 0
    )
    """,
    """
    CREATE TABLE IF NOT EXISTS outbox_metrics (
        seq       INTEGER PRIMARY KEY AUTOINCREMENT,
        run       INTEGER NOT NULL,
        key       TEXT NOT NULL,
        step      BIGINT NOT NULL,
        timestamp BIGINT NOT NULL,
        value     DOUBLE PRECISION NOT NULL,
        is_nan    INTEGER NOT NULL
    )
    """,
    "CREATE INDEX IF NOT EXISTS outbox_metrics_of_run ON outbox_metrics (run, seq)",
    """
    CREATE TABLE IF NOT EXISTS outbox_files (
        place TEXT NOT NULL, path TEXT NOT NULL, size INTEGER NOT NULL, changed INTEGER NOT NULL,
        PRIMARY KEY (place, path)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE IF NOT EXISTS outbox_ids (
        kind TEXT NOT NULL, here TEXT NOT NULL, there TEXT NOT NULL, PRIMARY KEY (kind, here)
    ) WITHOUT ROWID
    """,
    """
    CREATE TRIGGER IF NOT EXISTS outbox_runs_insert AFTER INSERT ON runs BEGIN
        INSERT OR REPLACE INTO outbox_runs (run_id) VALUES (new.run_id);
    END
    """,
    _touching("runs", "UPDATE", "new.run_id"),
    *(
        _touching(table, event, _OF_CHILD.format(row="old" if event == "DELETE" else "new"))
        for table in ("params", "tags", "dataset_inputs", "run_models")
        for event in ("INSERT", "UPDATE", "DELETE")
    ),
    """
    CREATE TRIGGER IF NOT EXISTS outbox_metrics_insert AFTER INSERT ON metrics BEGIN
        INSERT INTO outbox_metrics (run, key, step, timestamp, value, is_nan)
            VALUES (new.run, new.key, new.step, new.timestamp, new.value, new.is_nan);
    END
    """,
)


class Entry(NamedTuple):
    """A run of the outbox.

    ``place`` is its turn, in the order the runs were made. ``version`` counts its changes, ``delivered`` is the one
    that the server has; ``sent`` is what it was sent; ``attempted``: making it there was begun; ``sending``: up to this
    number metric points were under way; ``finished``: it was delivered whole and is not in the outbox any more.
    """

    place: int
    run_id: str
    version: int
    delivered: int
    remote_id: str | None
    attempted: bool
    sending: int
    sent: Mapping[str, Any]
    trouble: str | None
    finished: bool


class Points(NamedTuple):
    """Metric points that wait; ``last`` is the number of the last one."""

    metrics: Sequence[Metric]
    last: int


_COLUMNS = "place, run_id, version, delivered, remote_id, attempted, sending, sent, trouble, finished"


def make(file: Path) -> None:
    """Make the file of an outbox. Raises ServiceError."""
    database = SqliteDatabase(file)
    try:
        with database.write() as connection:
            for statement in _STATEMENTS:
                connection.execute(statement)
    finally:
        database.close()


class Ledger:
    """The notes of the outbox in *file*. Safe for threads."""

    def __init__(self, file: Path) -> None:
        self._database = SqliteDatabase(file)

    def close(self) -> None:
        """Let go of the file."""
        self._database.close()

    def waiting(self) -> list[Entry]:
        """The runs that are not delivered whole, in the order they were made."""
        statement = f"SELECT {_COLUMNS} FROM outbox_runs o WHERE {_WAITING} ORDER BY place"  # noqa: S608  # constants
        with self._database.read() as connection:
            return [_to_entry(row) for row in connection.execute(statement)]

    def ended(self) -> int:
        """How many runs are over and not delivered whole."""
        statement = (
            f"SELECT count(*) FROM outbox_runs o JOIN runs r ON r.run_id = o.run_id WHERE {_WAITING} "  # noqa: S608  # constants
            "AND r.status NOT IN ('RUNNING', 'SCHEDULED')"
        )
        with self._database.read() as connection:
            [(number,)] = connection.execute(statement)
            return int(number)

    def entry(self, run_id: str) -> Entry | None:
        """What is noted of a run."""
        statement = f"SELECT {_COLUMNS} FROM outbox_runs WHERE run_id = :run_id"  # noqa: S608  # constants
        with self._database.read() as connection:
            return next(map(_to_entry, connection.execute(statement, {"run_id": run_id})), None)

    def note(self, run_id: str, **columns: Any) -> None:
        """Set columns of a run's entry."""
        if "sent" in columns:
            columns["sent"] = json.dumps(columns["sent"])
        assignments = ", ".join(f"{column} = :{column}" for column in columns)
        with self._database.write() as connection:
            connection.execute(
                f"UPDATE outbox_runs SET {assignments} WHERE run_id = :run_id",  # noqa: S608
                {**columns, "run_id": run_id},
            )  # names of ours

    def points(self, run_id: str, most: int) -> Points:
        """The oldest *most* metric points of a run that wait."""
        statement = (
            "SELECT m.seq, m.key, m.value, m.is_nan, m.timestamp, m.step FROM outbox_metrics m JOIN runs r ON r.number"
            " = m.run WHERE r.run_id = :run_id ORDER BY m.seq LIMIT :most"
        )
        with self._database.read() as connection:
            rows = list(connection.execute(statement, {"run_id": run_id, "most": most}))
        metrics = [
            Metric(key, to_value(value, is_nan), timestamp, step) for _, key, value, is_nan, timestamp, step in rows
        ]
        return Points(metrics, rows[-1][0] if rows else 0)

    def points_are_there(self, run_id: str, last: int) -> None:
        """Forget the points up to this number: the server has them."""
        statement = (
            "DELETE FROM outbox_metrics WHERE seq <= :last AND run = (SELECT number FROM runs WHERE run_id = :run_id)"
        )
        with self._database.write() as connection:
            connection.execute(statement, {"last": last, "run_id": run_id})
            connection.execute("UPDATE outbox_runs SET sending = 0 WHERE run_id = :run_id", {"run_id": run_id})

    def files(self, place: str) -> dict[str, tuple[int, int]]:
        """Bytes and time of change (nanoseconds) of the files of *place* that the server has, by path."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT path, size, changed FROM outbox_files WHERE place = :place", {"place": place}
            )
            return {path: (size, changed) for path, size, changed in rows}

    def file_is_there(self, place: str, path: str, size: int, changed: int) -> None:
        """Note that the server has a file as it is."""
        with self._database.write() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO outbox_files (place, path, size, changed) VALUES (:place, :path, :size,"
                " :changed)",
                {"place": place, "path": path, "size": size, "changed": changed},
            )

    def there(self, kind: str, here: str) -> str | None:
        """What the server calls the thing of this *kind* that is *here* in the outbox."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT there FROM outbox_ids WHERE kind = :kind AND here = :here", {"kind": kind, "here": here}
            )
            return next((there for (there,) in rows), None)

    def is_called(self, kind: str, here: str, there: str) -> None:
        """Note what the server calls it."""
        with self._database.write() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO outbox_ids (kind, here, there) VALUES (:kind, :here, :there)",
                {"kind": kind, "here": here, "there": there},
            )

    def models_of(self, run_id: str) -> list[str]:
        """The logged models that a run made."""
        with self._database.read() as connection:
            rows = connection.execute(
                "SELECT model_id FROM logged_models WHERE source_run_id = :run_id ORDER BY number", {"run_id": run_id}
            )
            return [model_id for (model_id,) in rows]

    def versions_of(self, run_id: str) -> list[tuple[str, int]]:
        """The model versions that a run registered, and those of which it is not known who did; in the order they were
        made."""
        statement = (
            "SELECT m.name, v.version FROM model_versions v JOIN registered_models m ON m.number = v.model "
            "WHERE v.run_id = :run_id OR v.run_id IS NULL ORDER BY v.number"
        )
        with self._database.read() as connection:
            return [(name, version) for name, version in connection.execute(statement, {"run_id": run_id})]

    def registered_only(self) -> list[str]:
        """The registered models without a version."""
        with self._database.read() as connection:
            return [name for _, name in connection.execute(_WITHOUT_VERSION)]

    def begin_anew(self, run_id: str) -> None:
        """Forget all that the server has of a run."""
        values = {"run_id": run_id}
        of_run = "run = (SELECT number FROM runs WHERE run_id = :run_id)"
        with self._database.write() as connection:
            connection.execute(
                "UPDATE outbox_runs SET remote_id = NULL, attempted = 0, sending = 0, sent = '{}' WHERE run_id ="
                " :run_id",
                values,
            )
            connection.execute("DELETE FROM outbox_files WHERE place = :run_id", values)
            connection.execute(f"DELETE FROM outbox_metrics WHERE {of_run}", values)  # noqa: S608  # a constant
            columns = "run, key, step, timestamp, value, is_nan"
            statement = f"INSERT INTO outbox_metrics ({columns}) SELECT {columns} FROM metrics WHERE {of_run}"  # noqa: S608  # constants
            connection.execute(statement, values)

    def clear(self, run_id: str) -> bool:
        """Remove a run that was delivered whole from the outbox; False when it changed meanwhile, and stays."""
        with self._database.write() as connection:
            statement = f"SELECT 1 FROM outbox_runs o WHERE run_id = :run_id AND NOT ({_CHANGED})"  # noqa: S608  # constants
            if not list(connection.execute(statement, {"run_id": run_id})):
                return False
            numbers = [
                number
                for (number,) in connection.execute(
                    "SELECT number FROM runs WHERE run_id = :run_id", {"run_id": run_id}
                )
            ]
            purge.remove_runs(connection, numbers)
            _remove_models(connection, run_id)
            connection.execute("DELETE FROM outbox_files WHERE place = :run_id", {"run_id": run_id})
            connection.execute(
                "UPDATE outbox_runs SET finished = 1, sent = '{}', trouble = NULL WHERE run_id = :run_id",
                {"run_id": run_id},
            )
            return True


_WITHOUT_VERSION = (
    "SELECT number, name FROM registered_models m WHERE NOT EXISTS (SELECT 1 FROM model_versions v WHERE v.model ="
    " m.number)"
)
# A program that runs may be about to register a version of it.
_NOTHING_RUNS = " AND NOT EXISTS (SELECT 1 FROM runs WHERE status IN ('RUNNING', 'SCHEDULED'))"


def _remove_models(connection: Connection, run_id: str) -> None:
    """Remove what a run that was delivered made of models: who asks for them from now on is to get the server's."""
    made = connection.execute("SELECT model_id FROM logged_models WHERE source_run_id = :run_id", {"run_id": run_id})
    gone = [(kind, model_id) for (model_id,) in list(made) for kind in ("logged model", "logged model as of")]
    for _, model_id in gone:
        connection.execute("DELETE FROM outbox_files WHERE place = :place", {"place": model_id})
    if "'" not in run_id:
        logged_model.remove(connection, f"source_run_id = '{run_id}'")
    versions = connection.execute(
        "SELECT v.model, v.version, m.name FROM model_versions v JOIN registered_models m ON m.number = v.model "
        "WHERE v.run_id = :run_id OR (v.run_id IS NULL AND EXISTS (SELECT 1 FROM outbox_ids i "
        "WHERE i.kind = 'model version' AND i.here = m.name || char(10) || v.version))",
        {"run_id": run_id},
    )
    for model, version, name in list(versions):
        model_version.delete(connection, model, version)
        gone += [(kind, f"{name}\n{version}") for kind in ("model version", "version as of")]
    for number, _ in list(connection.execute(_WITHOUT_VERSION + _NOTHING_RUNS)):
        registered_model.delete(connection, number)
    for kind, here in [*gone, ("links of run", run_id)]:
        connection.execute("DELETE FROM outbox_ids WHERE kind = :kind AND here = :here", {"kind": kind, "here": here})


_CHANGED = (
    "o.version > o.delivered OR EXISTS (SELECT 1 FROM outbox_metrics m JOIN runs r ON r.number = m.run WHERE r.run_id ="
    " o.run_id)"
)
_WAITING = "o.finished = 0"


def _to_entry(row: Sequence[Any]) -> Entry:
    place, run_id, version, delivered, remote_id, attempted, sending, sent, trouble, finished = row
    return Entry(
        place,
        run_id,
        version,
        delivered,
        remote_id,
        bool(attempted),
        sending,
        json.loads(sent),
        trouble,
        bool(finished),
    )


def batches(ledger: Ledger, run_id: str, most: int) -> Iterator[Points]:
    """The metric points of a run that wait, oldest first; each batch must be noted as delivered before the next."""
    while (points := ledger.points(run_id, most)).metrics:
        yield points
