"""One run: what it was, what it logged, what it left."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mlproj.foundation.redaction import redact
from mlproj.run_folder import output_log, record
from mlproj.server.pages import artifact_page, model_page
from mlproj.server.pages.artifact_page import FilesOf
from mlproj.server.pages.template import render
from mlproj.tracking import comparison
from mlproj.tracking.base import Run, Runs
from mlproj.tracking.comparison import lock_name, locked_packages
from mlproj.tracking.model_base import ModelStore

_LOG_LINES = 200
_LOG_SIZE = 1 << 20  # bytes looked at
_LARGEST_DIFF = 200_000  # characters shown
_SYSTEM = "system/"


def run(store: Runs, models: ModelStore, files_of: FilesOf, path: dict[str, Any]) -> str:
    """The page of a run. Raises NotFound."""
    found = store.get_run(path["run_id"])
    logged, versions = model_page.of_run(models, found.run_id)
    metrics = {key: value for key, value in sorted(found.metrics.items()) if not key.startswith(_SYSTEM)}
    return render(
        "run.html",
        title=found.run_name,
        run=found,
        children=_children(store, found),
        parent=found.tags.get("mlflow.parentRunId"),
        metrics=metrics,
        system={key: value for key, value in sorted(found.metrics.items()) if key.startswith(_SYSTEM)},
        tags={key: value for key, value in sorted(found.tags.items()) if not key.startswith("mlflow.")},
        source=_facts(found.source),
        environment=_facts({name: value for name, value in (found.environment or {}).items() if name != "machine"}),
        machine=_facts({**comparison.machine(found), **comparison.variables(found)}),
        packages=locked_packages(found, lock_of(found, files_of)),
        diff=_diff(found, files_of),
        log=log_tail(found, files_of),
        artifacts=artifact_page.listing(artifact_page.of_run(found, files_of), ""),
        models=logged,
        versions=versions,
    )


def log_tail(found: Run, files_of: FilesOf) -> str:
    """The last lines that the run printed; empty where its log is neither on this machine nor with its artifacts."""
    output = record.read(found.run_id, found.artifact_uri, output_log.LOG, last=_LOG_SIZE, opened=files_of) or b""
    return redact(b"".join(output.splitlines(keepends=True)[-_LOG_LINES:]).decode("utf-8", "replace"))


def lock_of(found: Run, files_of: FilesOf) -> bytes | None:
    """The run's environment lock, where it is known."""
    name = lock_name(found)
    return record.read(found.run_id, found.artifact_uri, name, opened=files_of) if name else None


def _children(store: Runs, found: Run) -> list[Run]:
    return list(store.search_runs(filter=f"tags.`mlflow.parentRunId` = '{found.run_id}'", limit=100).items)


def _diff(found: Run, files_of: FilesOf) -> str:
    text = (record.read(found.run_id, found.artifact_uri, "diff.patch", opened=files_of) or b"").decode(
        "utf-8", "backslashreplace"
    )
    return (
        text
        if len(text) <= _LARGEST_DIFF
        else text[:_LARGEST_DIFF] + "\n… cut; the whole is diff.patch in the run's folder"
    )


def _facts(document: Mapping[str, Any] | None) -> dict[str, str]:
    shown = {
        name.replace("_", " "): value for name, value in (document or {}).items() if value not in (None, "", [], {})
    }
    return {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
        for name, value in shown.items()
    }
