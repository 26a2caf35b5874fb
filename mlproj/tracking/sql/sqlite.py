"""One SQLite file with the runs: made whole, upgraded in steps, shared by many processes.

Durability: WAL with ``synchronous=NORMAL``. What was recorded survives the crash or kill of any process; a power cut
may lose the last moments but never damages the file. A commit costs no fsync, so that a small run stays quick; a
checkpoint does. WAL needs the processes that use the file to be on one machine: a file on a network share is for one
host at a time.
"""

from __future__ import annotations

import os
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlproj.foundation.errors import ServiceError
from mlproj.tracking.sql import migrations
from mlproj.tracking.sql.dialect import SQLITE, Dialect

SCHEMA_VERSION = len(migrations.MIGRATIONS)
"""The newest schema that this version knows."""

APPLICATION_ID = 0x6D6C706A
"""``mlpj`` in the file's header, so that somebody else's SQLite file is never taken for ours."""

_BUSY_TIMEOUT = 30.0  # seconds that a writer waits for another one
_CHECKPOINT_PAGES = 250  # keeps the log near 1 MB, which the next process reads in a millisecond
_HINTS = (
    ("full", "free some space on that disk"),
    ("readonly", "make the file and its folder writable, or set MLPROJ_HOME to another folder"),
    ("unable to open", "make its folder readable and writable, or set MLPROJ_HOME to another folder"),
    ("disk i/o", "look at the disk: reading or writing the file failed"),
    ("not a database", "this is no SQLite file, or it is damaged: move it away or restore a copy"),
    ("malformed", "the file is damaged: move it away, or rescue it with sqlite3's .recover"),
    ("locked", "another process has been writing for long; try again when it is done"),
)


class SqliteDatabase:
    """A connection to one file. Safe for threads: one transaction at a time."""

    dialect: Dialect = SQLITE

    def __init__(self, file: Path) -> None:
        self.file = file
        self._lock = threading.RLock()
        with reported(file):
            if not file.exists():
                _create(file)
            self._connection = _connect(file)
            try:
                _prepare(self._connection, file)
            except BaseException:
                self._connection.close()
                raise

    def __del__(self) -> None:
        """Who forgets a store lets its file go, too."""
        if hasattr(self, "_connection"):
            self._connection.close()

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """Everything read inside is of one moment. Raises ServiceError."""
        with self._transaction("BEGIN") as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """Everything written inside is there afterwards, or, after an exception, nothing. Raises ServiceError."""
        with self._transaction("BEGIN IMMEDIATE") as connection:
            yield connection

    def close(self) -> None:
        """Close the file; a checkpoint is left to the next writer where Python lets us say so (3.12)."""
        with self._lock, reported(self.file):
            self._connection.close()

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        with self._lock, reported(self.file), _atomic(self._connection, begin):
            yield self._connection


@contextmanager
def reported(file: Path) -> Iterator[None]:
    """Turn SQLite's and the system's errors into a ServiceError that names *file*."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        message = error.strerror or str(error) if isinstance(error, OSError) else str(error)
        hint = next((text for word, text in _HINTS if word in message.casefold()), None)
        raise ServiceError(f"cannot use the database of runs {file}: {message}", hint=hint) from error


@contextmanager
def _atomic(connection: sqlite3.Connection, begin: str) -> Iterator[None]:
    connection.execute(begin)
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _connect(file: Path) -> sqlite3.Connection:
    # isolation_level=None: transactions begin where we say so, not where the sqlite3 module guesses.
    connection = sqlite3.connect(file, timeout=_BUSY_TIMEOUT, isolation_level=None, check_same_thread=False)
    if sys.version_info >= (3, 12):
        connection.setconfig(sqlite3.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, True)
    return connection


def _create(file: Path) -> None:
    """Make the file with all tables beside its place, then put it there in one step; a second process uses the
    first's."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{os.getpid()}-{time.time_ns()}")
    try:
        connection = sqlite3.connect(draft, isolation_level=None)
        try:
            connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
            _migrate(connection, 0)
            connection.execute("PRAGMA journal_mode = WAL")
        finally:
            connection.close()
        _publish(draft, file)
    finally:
        for leftover in (draft, Path(f"{draft}-journal"), Path(f"{draft}-wal"), Path(f"{draft}-shm")):
            leftover.unlink(missing_ok=True)


def _publish(draft: Path, file: Path) -> None:
    try:
        os.link(draft, file)  # unlike a rename, never replaces a file that another process has put there
    except FileExistsError:
        return
    except OSError:  # a file system without hard links
        if not file.exists():
            draft.replace(file)


def _prepare(connection: sqlite3.Connection, file: Path) -> None:
    """Set the connection up and bring the file's schema up to date. Raises ServiceError when the file is not ours."""
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
    version, application = connection.execute(
        "SELECT user_version, application_id FROM pragma_user_version, pragma_application_id"
    ).fetchone()
    if version == SCHEMA_VERSION and application == APPLICATION_ID:
        return
    if application == version == 0 and _is_empty(connection):
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("PRAGMA journal_mode = WAL")
    elif application != APPLICATION_ID:
        raise ServiceError(
            f"{file} is a database of another program",
            hint="set MLPROJ_TRACKING_URI (or MLPROJ_HOME) to a place of mlproj's own",
        )
    if version > SCHEMA_VERSION:
        raise ServiceError(
            f"{file} was written by a newer mlproj (schema {version}; this one knows {SCHEMA_VERSION})",
            hint="upgrade mlproj: pip install --upgrade mlproj",
        )
    _migrate(connection, version)


def _is_empty(connection: sqlite3.Connection) -> bool:
    """Whether there is nothing in the file, as after ``touch``: nobody's data is in the way."""
    return not list(connection.execute("SELECT 1 FROM sqlite_master LIMIT 1"))


def _migrate(connection: sqlite3.Connection, version: int) -> None:
    """Apply what is missing after *version*, each step in a transaction of its own; another process may be at it
    too."""
    for number in range(version + 1, SCHEMA_VERSION + 1):
        with _atomic(connection, "BEGIN IMMEDIATE"):
            if connection.execute("PRAGMA user_version").fetchone()[0] >= number:
                continue
            now = time.time_ns() // 1_000_000
            for statement in migrations.statements(number):
                connection.execute(statement, {"now": now})
            connection.execute(
                "INSERT INTO schema_version (version, applied_at) VALUES (:version, :now)",
                {"version": number, "now": now},
            )
            connection.execute(f"PRAGMA user_version = {number}")
