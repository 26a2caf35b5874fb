"""One run: what it was, what it logged, what it left."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.datastructures import QueryParams

from mlproj import paths
from mlproj.backends import output_log
from mlproj.redaction import redact
from mlproj.server.pages import artifact_page
from mlproj.server.pages.template import render
from mlproj.tracking.base import Run, TrackingStore
from mlproj.tracking.comparison import locked_packages

_LOG_LINES = 200
_LARGEST_DIFF = 200_000  # characters shown
_SYSTEM = "system/"


def run(store: TrackingStore, query: QueryParams, path: dict[str, Any]) -> str:  # noqa: ARG001  # every page takes these
    """The page of a run. Raises NotFound."""
    found = store.get_run(path["run_id"])
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
        environment=_facts(found.environment),
        packages=_packages(found),
        diff=_diff(found),
        log=log_tail(store, found.run_id),
        artifacts=artifact_page.listing(found, ""),
    )


def log_tail(store: TrackingStore, run_id: str) -> str:
    """The last lines that the run printed; empty where its log is not on this machine. Raises NotFound."""
    found = store.get_run(run_id)
    try:
        return redact(output_log.tail(paths.run_dir(found.run_id), _LOG_LINES).decode("utf-8", "replace"))
    except OSError:
        return ""


def _children(store: TrackingStore, found: Run) -> list[Run]:
    return list(store.search_runs(filter=f"tags.`mlflow.parentRunId` = '{found.run_id}'", limit=100).items)


def _packages(found: Run) -> dict[str, str]:
    name = str((found.environment or {}).get("lock") or "")
    return locked_packages(paths.run_dir(found.run_id) / name) if name.endswith(".toml") and "/" not in name else {}


def _diff(found: Run) -> str:
    try:
        text = (paths.run_dir(found.run_id) / "diff.patch").read_bytes().decode("utf-8", "backslashreplace")
    except OSError:
        return ""
    return text if len(text) <= _LARGEST_DIFF else text[:_LARGEST_DIFF] + "\n… cut; the whole is diff.patch in the run's folder"


def _facts(document: Mapping[str, Any] | None) -> dict[str, str]:
    shown = {name.replace("_", " "): value for name, value in (document or {}).items() if value not in (None, "", [], {})}
    return {name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str) for name, value in shown.items()}
