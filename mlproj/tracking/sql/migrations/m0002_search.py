"""What files were read into runs, datasets that runs used, what was deleted together, and the order of a search.

- ``file_marks`` says up to which byte a file was read into a run, so that no line is read twice.
- A dataset belongs to the run that used it; its ``context`` (MLflow's tag ``mlflow.data.context``) is a column to
search by,
  ``tags`` all its tags as one JSON document.
- Runs that were deleted with their experiment come back with it; those that were deleted before do not.
- A search without an order gives the newest first, runs of the same millisecond by id, as in MLflow.
"""

from __future__ import annotations

STATEMENTS = (
    """
    CREATE TABLE file_marks (
        run      INTEGER NOT NULL REFERENCES runs (number),
        name     TEXT NOT NULL,
        position BIGINT NOT NULL,
        PRIMARY KEY (run, name)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE dataset_inputs (
        run         INTEGER NOT NULL REFERENCES runs (number),
        name        TEXT NOT NULL,
        digest      TEXT NOT NULL,
        source_type TEXT NOT NULL,
        source      TEXT NOT NULL,
        schema_json TEXT,
        profile     TEXT,
        context     TEXT,
        tags        TEXT NOT NULL,
        PRIMARY KEY (run, name, digest)
    )
    """,
    "ALTER TABLE runs ADD COLUMN deleted_with_experiment INTEGER NOT NULL DEFAULT 0",
    "ALTER TABLE experiments ADD COLUMN deleted_time BIGINT",
    "CREATE INDEX runs_newest ON runs (start_time DESC, run_id)",
    "CREATE INDEX runs_newest_of_experiment ON runs (experiment_id, start_time DESC, run_id)",
)
