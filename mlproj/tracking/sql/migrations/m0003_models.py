"""The model registry and logged models.

- A registered model has a small ``number`` inside, so that it is renamed in one row. ``last_version`` counts the
versions it
  ever had, so that no number is given twice.
- ``location`` of a version is its source with ``models:/name/version`` followed to what that stands for.
- The views ``…_told_tags`` add to the tags what MLflow's clients search by and only prompts have.
- Metrics of logged models are a tree of their own: one point may be of several models. SQLite cannot store NaN, so
``is_nan`` says so.
- An ``artifact_uri`` without a scheme is a path beside the database, as of runs.
"""

from __future__ import annotations

STATEMENTS = (
    """
    CREATE TABLE registered_models (
        number           INTEGER PRIMARY KEY,
        name             TEXT NOT NULL UNIQUE,
        description      TEXT,
        last_version     INTEGER NOT NULL DEFAULT 0,
        creation_time    BIGINT NOT NULL,
        last_update_time BIGINT NOT NULL
    )
    """,
    """
    CREATE TABLE registered_model_tags (
        model INTEGER NOT NULL REFERENCES registered_models (number),
        key   TEXT NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY (model, key)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE model_versions (
        number           INTEGER PRIMARY KEY,
        model            INTEGER NOT NULL REFERENCES registered_models (number),
        version          INTEGER NOT NULL,
        stage            TEXT NOT NULL DEFAULT 'None' CHECK (stage IN ('None', 'Staging', 'Production', 'Archived')),
        description      TEXT,
        user_name        TEXT,
        source           TEXT NOT NULL,
        location         TEXT NOT NULL,
        run_id           TEXT,
        run_link         TEXT,
        model_id         TEXT,
        status           TEXT NOT NULL DEFAULT 'READY',
        status_message   TEXT,
        creation_time    BIGINT NOT NULL,
        last_update_time BIGINT NOT NULL,
        UNIQUE (model, version)
    )
    """,
    "CREATE INDEX model_versions_by_stage ON model_versions (model, stage, version)",
    "CREATE INDEX model_versions_by_run ON model_versions (run_id)",
    """
    CREATE TABLE model_version_tags (
        version INTEGER NOT NULL REFERENCES model_versions (number),
        key     TEXT NOT NULL,
        value   TEXT NOT NULL,
        PRIMARY KEY (version, key)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE model_aliases (
        model   INTEGER NOT NULL,
        alias   TEXT NOT NULL,
        version INTEGER NOT NULL,
        PRIMARY KEY (model, alias),
        FOREIGN KEY (model, version) REFERENCES model_versions (model, version)
    ) WITHOUT ROWID
    """,
    """
    CREATE VIEW registered_model_told_tags AS
        SELECT model, key, value FROM registered_model_tags
        UNION ALL SELECT m.number, 'mlflow.prompt.is_prompt', 'false' FROM registered_models m WHERE NOT EXISTS
            (SELECT 1 FROM registered_model_tags t WHERE t.model = m.number AND t.key = 'mlflow.prompt.is_prompt')
    """,
    """
    CREATE VIEW model_version_told_tags AS
        SELECT version, key, value FROM model_version_tags
        UNION ALL SELECT v.number, 'mlflow.prompt.is_prompt', 'false' FROM model_versions v WHERE NOT EXISTS
            (SELECT 1 FROM model_version_tags t WHERE t.version = v.number AND t.key = 'mlflow.prompt.is_prompt')
    """,
    """
    CREATE TABLE logged_models (
        number           INTEGER PRIMARY KEY,
        model_id         TEXT NOT NULL UNIQUE,
        experiment_id    INTEGER NOT NULL REFERENCES experiments (experiment_id),
        name             TEXT NOT NULL,
        artifact_uri     TEXT NOT NULL,
        status           TEXT NOT NULL CHECK (
            status IN ('LOGGED_MODEL_PENDING', 'LOGGED_MODEL_READY', 'LOGGED_MODEL_UPLOAD_FAILED')
        ),
        status_message   TEXT,
        lifecycle_stage  TEXT NOT NULL DEFAULT 'active' CHECK (lifecycle_stage IN ('active', 'deleted')),
        source_run_id    TEXT,
        model_type       TEXT,
        creation_time    BIGINT NOT NULL,
        last_update_time BIGINT NOT NULL
    )
    """,
    "CREATE INDEX logged_models_newest ON logged_models (experiment_id, creation_time DESC, model_id)",
    "CREATE INDEX logged_models_by_run ON logged_models (source_run_id)",
    """
    CREATE TABLE logged_model_tags (
        model INTEGER NOT NULL REFERENCES logged_models (number),
        key   TEXT NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY (model, key)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE logged_model_params (
        model INTEGER NOT NULL REFERENCES logged_models (number),
        key   TEXT NOT NULL,
        value TEXT NOT NULL,
        PRIMARY KEY (model, key)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE logged_model_metrics (
        model          INTEGER NOT NULL REFERENCES logged_models (number),
        key            TEXT NOT NULL,
        step           BIGINT NOT NULL,
        timestamp      BIGINT NOT NULL,
        value          DOUBLE PRECISION NOT NULL,
        is_nan         INTEGER NOT NULL DEFAULT 0,
        run_id         TEXT NOT NULL,
        dataset_name   TEXT NOT NULL,
        dataset_digest TEXT NOT NULL,
        PRIMARY KEY (model, key, step, timestamp, value, is_nan, run_id, dataset_name, dataset_digest)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE run_models (
        run       INTEGER NOT NULL REFERENCES runs (number),
        model_id  TEXT NOT NULL,
        is_output INTEGER NOT NULL,
        step      BIGINT NOT NULL,
        PRIMARY KEY (run, model_id, is_output, step)
    ) WITHOUT ROWID
    """,
)
