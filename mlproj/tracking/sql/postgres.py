"""Runs in PostgreSQL: the tables and statements of the SQLite file, in a database that many machines share.

Durability and isolation are the server's: a change is on its disk when the call returns. A connection that the server
closed while nobody used it (a restart) is replaced without a word.
"""

from __future__ import annotations

import functools
import os
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from mlproj.foundation.errors import ServiceError, UsageError
from mlproj.foundation.redaction import mask_url, redact
from mlproj.tracking.sql import migrations
from mlproj.tracking.sql import statement as sql_statement
from mlproj.tracking.sql.dialect import POSTGRES, Dialect

try:
    import psycopg
except ImportError as error:
    raise UsageError("runs in PostgreSQL need psycopg", hint="pip install 'mlproj[postgres]'") from error

_SCHEMA_VERSION = len(migrations.MIGRATIONS)
_MIGRATING = 0x6D6C706A  # our advisory lock
_CONNECTIONS = 8  # at most, in one process
_USUAL = {
    "application_name": "mlproj",
    "connect_timeout": "10",
    "client_encoding": "UTF8",
}  # unless the address says otherwise
_TOKEN = re.compile(r"'(?:[^']|'')*'|:([a-z_][a-z0-9_]*)|%|\?")
_HINTS = (
    ("authentication", "look at the user and password in the address, or set PGPASSWORD or a ~/.pgpass file"),
    ("no password", "put it into the address, PGPASSWORD or a ~/.pgpass file"),
    ("does not exist", "create the database or the role, or correct the address"),
    ("permission denied", "let the role create and use tables in that database"),
    ("no space", "free some space on the database server"),
)


class PostgresDatabase:
    """The database at *uri*, its tables made or upgraded. Safe for threads, each transaction on a connection of its
    own.

    Raises ServiceError when it cannot be reached or holds another program's tables.
    """

    dialect: Dialect = POSTGRES

    def __init__(self, uri: str) -> None:
        scheme, _, rest = uri.partition("://")
        self._address = f"{scheme.partition('+')[0]}://{rest}"
        self._shown = mask_url(uri)
        self._room = threading.BoundedSemaphore(_CONNECTIONS)
        self._lock = threading.Lock()
        self._idle: list[psycopg.Connection[Any]] = []
        self._owner = os.getpid()
        self._migrate()

    @contextmanager
    def read(self) -> Iterator[_Session]:
        """Everything read inside is of one moment. Raises ServiceError."""
        with self._transaction("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY") as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[_Session]:
        """Everything written inside is there afterwards, or, after an exception, nothing. Raises ServiceError."""
        with self._transaction("BEGIN") as session:
            yield session

    def close(self) -> None:
        """Close what is not being used; the rest is closed after its transaction."""
        with self._lock:
            connections, self._idle = self._idle, []
            self._owner = -1
        for connection in connections:
            connection.close()

    def __del__(self) -> None:
        """Who forgets a store lets its connections go, too."""
        if getattr(self, "_owner", -1) == os.getpid():
            self.close()

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[_Session]:
        with self._room, self._reported():
            connection = self._begun(begin)
            try:
                yield _Session(connection)
                connection.execute("COMMIT")
            except BaseException:
                _roll_back(connection)
                raise
            finally:
                self._give_back(connection)

    @contextmanager
    def _reported(self) -> Iterator[None]:
        """Turn the driver's errors into ours, which name the database and tell no password."""
        try:
            yield
        except (psycopg.DataError, psycopg.errors.ProgramLimitExceeded) as error:
            raise UsageError(f"PostgreSQL cannot keep this: {_message(error)}") from error
        except psycopg.Error as error:
            message = _message(error)
            hint = next((text for word, text in _HINTS if word in message.casefold()), None)
            raise ServiceError(f"cannot use the database of runs {self._shown}: {message}", hint=hint) from error

    def _begun(self, begin: str) -> psycopg.Connection[Any]:
        """A connection in a new transaction. One that broke while idle shows it at its first statement, before anything
        is done."""
        while (idle := self._take()) is not None:
            try:
                idle.execute(begin)
            except psycopg.OperationalError:
                idle.close()
                continue
            return idle
        made = self._connect()
        try:
            made.execute(begin)
        except BaseException:
            made.close()
            raise
        return made

    def _connect(self) -> psycopg.Connection[Any]:
        chosen = psycopg.conninfo.conninfo_to_dict(self._address)
        usual: dict[str, str] = {name: value for name, value in _USUAL.items() if name not in chosen}
        # Statements are not prepared on the server: a pooler between us and it may give each to another connection.
        return psycopg.connect(
            psycopg.conninfo.make_conninfo(self._address, **usual), autocommit=True, prepare_threshold=None
        )

    def _take(self) -> psycopg.Connection[Any] | None:
        with self._lock:
            if self._owner not in (os.getpid(), -1):  # a forked process; the connections are its parent's
                self._idle, self._owner = [], os.getpid()
            return self._idle.pop() if self._idle else None

    def _give_back(self, connection: psycopg.Connection[Any]) -> None:
        with self._lock:
            if not connection.closed and self._owner == os.getpid():
                self._idle.append(connection)
                return
        connection.close()

    def _migrate(self) -> None:
        """Make the tables, or apply what is missing: all in one transaction, one process at a time."""
        with self.read() as session:
            if self._version(session) == _SCHEMA_VERSION:
                return
        with self.write() as session:
            session.execute("SELECT pg_advisory_xact_lock(:lock)", {"lock": _MIGRATING})
            now = sql_statement.now()
            for number in range(self._version(session) + 1, _SCHEMA_VERSION + 1):
                for statement in migrations.statements(number):
                    session.execute(_definition(statement), {"now": now})
                session.execute(
                    "INSERT INTO schema_version (version, applied_at) VALUES (:version, :now)",
                    {"version": number, "now": now},
                )

    def _version(self, session: _Session) -> int:
        """The schema that the database has; 0 when it is empty. Raises ServiceError when it is not for us."""
        tables = {
            (table, column)
            for table, column in session.execute(
                "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema() "
                "AND table_name IN ('schema_version', 'experiments', 'runs')"
            )
        }
        if ("schema_version", "applied_at") not in tables:
            if tables:
                raise ServiceError(
                    f"{self._shown} is a database of another program",
                    hint=(
                        "create a database for mlproj; what MLflow keeps in its own is taken over by `mlproj import"
                        " mlruns`"
                    ),
                )
            return 0
        ((version,),) = session.execute("SELECT coalesce(max(version), 0) FROM schema_version")
        if version > _SCHEMA_VERSION:
            raise ServiceError(
                f"{self._shown} was written by a newer mlproj (schema {version}; this one knows {_SCHEMA_VERSION})",
                hint="upgrade mlproj: pip install --upgrade mlproj",
            )
        return int(version)


class _Session:
    """A connection inside a transaction, which takes our statements' way to name parameters."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._connection = connection

    def execute(self, statement: str, parameters: Mapping[str, Any] | None = None, /) -> psycopg.Cursor[Any]:
        return self._connection.execute(_psycopg_statement(statement).encode(), parameters or {})

    def executemany(self, statement: str, parameters: Any, /) -> psycopg.Cursor[Any]:
        cursor = self._connection.cursor()
        cursor.executemany(_psycopg_statement(statement).encode(), parameters)
        return cursor


@functools.lru_cache(maxsize=256)
def _psycopg_statement(statement: str) -> str:
    """*statement* with ``%(name)s`` for ``:name`` and ``%s`` for ``?``; what is inside of quotes stays, and a percent
    sign is doubled."""

    def word(match: re.Match[str]) -> str:
        if match[0] == "?":
            return "%s"
        return f"%({match[1]})s" if match[1] else match[0].replace("%", "%%")

    return _TOKEN.sub(word, statement)


def _definition(statement: str) -> str:
    """A statement of a migration, which are written for SQLite, for PostgreSQL.

    Text sorts and compares by its bytes, as there; SQLite's integers have 64 bits and its primary keys number
    themselves.
    """
    if not statement.lstrip().startswith(("CREATE TABLE", "ALTER TABLE")):
        return statement
    statement = re.sub(r"\bINTEGER PRIMARY KEY\b", "BIGINT GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY", statement)
    statement = re.sub(r"\bINTEGER\b", "BIGINT", statement)
    statement = re.sub(r"\bTEXT\b", 'TEXT COLLATE "C"', statement)
    return statement.replace("WITHOUT ROWID", "")


def _roll_back(connection: psycopg.Connection[Any]) -> None:
    """Leave no transaction open; a connection where that fails is given up."""
    try:
        connection.execute("ROLLBACK")
    except psycopg.Error:
        connection.close()


def _message(error: psycopg.Error) -> str:
    """The first line of what the server or driver says."""
    return redact((error.diag.message_primary or str(error) or type(error).__name__).strip().splitlines()[0])
