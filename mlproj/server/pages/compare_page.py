"""Several runs side by side."""

from __future__ import annotations

from typing import Any

from starlette.datastructures import QueryParams

from mlproj.foundation.errors import UsageError
from mlproj.server.pages import run_page
from mlproj.server.pages.artifact_page import FilesOf
from mlproj.server.pages.template import render
from mlproj.tracking.base import Run, Runs
from mlproj.tracking.comparison import compare as compared

_MOST_RUNS = 50


def compare(store: Runs, files_of: FilesOf, query: QueryParams) -> str:
    """The runs named by ``run`` in the query. Raises UsageError for none or too many, NotFound."""
    named = list(dict.fromkeys(query.getlist("run")))
    if not named:
        raise UsageError("no runs were chosen", hint="tick some in an experiment's table")
    if len(named) > _MOST_RUNS:
        raise UsageError(f"{len(named)} runs are too many to compare; at most {_MOST_RUNS}")
    runs = [store.get_run(run_id) for run_id in named]
    everything = query.get("all") == "1"
    facts = compared(runs, lambda run: run_page.lock_of(run, files_of))
    shown = [fact for fact in facts if everything or fact.differs]
    return render(
        "compare.html",
        title="Comparison",
        runs=runs,
        sections={
            section: [fact for fact in shown if fact.section == section]
            for section in dict.fromkeys(fact.section for fact in shown)
        },
        same=len(facts) - len(shown),
        everything=everything,
        metrics=sorted({key for run in runs for key in run.metrics if not key.startswith("system/")}),
        table=[_numbers(run) for run in runs],
    )


def _numbers(run: Run) -> dict[str, Any]:
    """A run as the scatter and parallel charts read it."""
    import math

    metrics = {f"metrics.{key}": value for key, value in run.metrics.items() if math.isfinite(value)}
    return {
        "id": run.run_id,
        "name": run.run_name,
        "values": {**{f"params.{key}": value for key, value in run.params.items()}, **metrics},
    }
