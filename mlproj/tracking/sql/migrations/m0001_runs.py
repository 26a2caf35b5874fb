"""Experiments, runs, and what runs log: MLflow's data model, with the record of mlproj's own runs beside it.

- A run has MLflow's 32 digits for the world and a small ``number`` inside: it keeps the big tables and their keys
small.
- ``metrics`` is one tree in the order it is read (run, key, step). A point that a client sends twice is one point.
- SQLite cannot store NaN (it becomes NULL), so ``is_nan`` says so, as in MLflow's own tables; ``value`` is 0 then.
- ``artifact_location`` is NULL for the place beside the database, and an ``artifact_uri`` without a scheme is a path
there,
  so that a home can be moved.
- ``source``, ``environment``, ``inputs`` and ``outputs`` are JSON documents, written and read whole.
"""

from __future__ import annotations

STATEMENTS = (
    "CREATE TABLE schema_version (version INTEGER PRIMARY KEY, applied_at BIGINT NOT NULL)",
    """
    CREATE TABLE experiments (
        experiment_id     INTEGER PRIMARY KEY,
        name              TEXT NOT NULL UNIQUE,
        artifact_location TEXT,
        lifecycle_stage   TEXT NOT NULL DEFAULT 'active' CHECK (lifecycle_stage IN ('active', 'deleted')),
        creation_time     BIGINT NOT NULL,
        last_update_time  BIGINT NOT NULL
    )
    """,
    """
    CREATE TABLE experiment_tags (
        experiment_id INTEGER NOT NULL REFERENCES experiments (experiment_id),
        key           TEXT NOT NULL,
        value         TEXT NOT NULL,
        PRIMARY KEY (experiment_id, key)
    )
    """,
    """
    CREATE TABLE runs (
        number          INTEGER PRIMARY KEY,
        run_id          TEXT NOT NULL UNIQUE,
        run_name        TEXT NOT NULL,
        experiment_id   INTEGER NOT NULL REFERENCES experiments (experiment_id),
        status          TEXT NOT NULL CHECK (status IN ('SCHEDULED', 'RUNNING', 'FINISHED', 'FAILED', 'KILLED')),
        status_reason   TEXT,
        start_time      BIGINT NOT NULL,
        end_time        BIGINT,
        lifecycle_stage TEXT NOT NULL DEFAULT 'active' CHECK (lifecycle_stage IN ('active', 'deleted')),
        deleted_time    BIGINT,
        artifact_uri    TEXT NOT NULL,
        entry_point     TEXT,
        command         TEXT,
        exit_code       INTEGER,
        host            TEXT,
        user_name       TEXT,
        pid             INTEGER,
        source          TEXT,
        environment     TEXT,
        inputs          TEXT,
        outputs         TEXT
    )
    """,
    "CREATE INDEX runs_by_time ON runs (start_time)",
    "CREATE INDEX runs_by_experiment ON runs (experiment_id, start_time)",
    "CREATE INDEX runs_by_status ON runs (status, start_time)",
    "CREATE INDEX runs_by_name ON runs (run_name)",
    """
    CREATE TABLE params (
        run   INTEGER NOT NULL REFERENCES runs (number),
        key   TEXT NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY (run, key)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE tags (
        run   INTEGER NOT NULL REFERENCES runs (number),
        key   TEXT NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY (run, key)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE metrics (
        run       INTEGER NOT NULL REFERENCES runs (number),
        key       TEXT NOT NULL,
        step      BIGINT NOT NULL,
        timestamp BIGINT NOT NULL,
        value     DOUBLE PRECISION NOT NULL,
        is_nan    INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (run, key, step, timestamp, value, is_nan)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE latest_metrics (
        run       INTEGER NOT NULL REFERENCES runs (number),
        key       TEXT NOT NULL,
        step      BIGINT NOT NULL,
        timestamp BIGINT NOT NULL,
        value     DOUBLE PRECISION NOT NULL,
        is_nan    INTEGER NOT NULL DEFAULT 0,
        PRIMARY KEY (run, key)
    ) WITHOUT ROWID
    """,
    "INSERT INTO experiments (experiment_id, name, creation_time, last_update_time) VALUES (0, 'Default', :now, :now)",
)
