"""A run as the JSON document of schema 1, and the tags that MLflow's own tools look for."""

from __future__ import annotations

import math
from typing import Any

from mlproj.tracking.base import Run
from mlproj.tracking.sql.row import to_outputs

_SOURCE = ("uri", "commit", "branch", "tag", "commit_date", "subdirectory", "dirty")
_ENVIRONMENT = ("kind", "manager", "python", "key", "as_of", "lock", "machine")


def to_json(run: Run) -> dict[str, Any]:
    """*run* as plain data that any JSON reader takes.

    Times are UTC milliseconds, ``duration`` is milliseconds (None while the run is not over). JSON has no NaN and no
    infinity: such metric values are the strings ``"NaN"``, ``"Infinity"`` and ``"-Infinity"``, as in protobuf's JSON.
    """
    over = run.start_time is not None and run.end_time is not None
    return {
        "run_id": run.run_id,
        "run_name": run.run_name,
        "experiment_id": run.experiment_id,
        "experiment_name": run.experiment_name,
        "status": run.status.value,
        "status_reason": run.status_reason,
        "start_time": run.start_time,
        "end_time": run.end_time,
        "duration": (run.end_time or 0) - (run.start_time or 0) if over else None,
        "lifecycle_stage": run.lifecycle_stage,
        "entry_point": run.entry_point,
        "params": dict(run.params),
        "metrics": {key: number(value) for key, value in run.metrics.items()},
        "tags": dict(run.tags),
        "artifact_uri": run.artifact_uri,
        "source": dict.fromkeys(_SOURCE) | dict(run.source or {}),
        "environment": dict.fromkeys(_ENVIRONMENT) | dict(run.environment or {}),
        "command": run.command,
        "exit_code": run.exit_code,
        "host": run.host,
        "user": run.user,
        "inputs": [dict(document) for document in run.inputs],
        "outputs": to_outputs(run.outputs),
    }


def number(value: float) -> float | str:
    """*value* for JSON: itself, or a string where JSON has no number for it."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def mlflow_tags(
    *,
    user: str | None = None,
    source_name: str | None = None,
    commit: str | None = None,
    repository: str | None = None,
    branch: str | None = None,
    entry_point: str | None = None,
    environment: str | None = None,
    backend: str | None = None,
    parent_run_id: str | None = None,
) -> dict[str, str]:
    """The tags that MLflow 3.17 gives the run of a project; what is not known gives no tag.

    *repository* is the URL without secrets; *environment* the kind of environment; the run's name is the store's to
    tag.
    """
    tags = {
        "mlflow.user": user,
        "mlflow.source.name": source_name,
        "mlflow.source.type": "PROJECT",
        "mlflow.source.git.commit": commit,
        "mlflow.source.git.repoURL": repository,
        "mlflow.gitRepoURL": repository,
        "mlflow.source.git.branch": branch,
        "mlflow.project.entryPoint": entry_point,
        "mlflow.project.env": environment,
        "mlflow.project.backend": backend,
        "mlflow.parentRunId": parent_run_id,
    }
    return {key: value for key, value in tags.items() if value is not None}


def image_tags(name: str, identity: str) -> dict[str, str]:
    """The tags that MLflow gives the run of a project in a container."""
    return {"mlflow.docker.image.uri": name, "mlflow.docker.image.id": identity}
