"""The list of experiments, and the table of an experiment's runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from starlette.datastructures import QueryParams

from mlproj.foundation.errors import UsageError
from mlproj.server.pages.template import render
from mlproj.tracking.base import Experiment, Page, Run, Runs, TrackingStore

_PAGE = 100
_MOST_COLUMNS = 10  # chosen by us; people may ask for any number
_FIXED = ("status", "start_time", "run_name", "duration")


class Cell(NamedTuple):
    """What one run has in one column; ``number`` aligns it to the right."""

    text: str
    number: bool


def experiments(store: TrackingStore, query: QueryParams, path: dict[str, Any]) -> str:  # noqa: ARG001  # every page takes these
    """All experiments, the newest first, and the newest runs of all."""
    page = store.search_experiments(limit=_PAGE, page_token=query.get("page"))
    newest = store.list_runs(limit=10)
    return render(
        "experiments.html", title="Experiments", experiments=page.items, next=page.next_page_token, runs=newest
    )


def runs(store: TrackingStore, query: QueryParams, path: dict[str, Any]) -> str:
    """One page of an experiment's runs: filtered, sorted, with the chosen columns. The state is in the URL.

    The error of a filter that is not understood is shown above an empty table. Raises NotFound for an unknown
    experiment.
    """
    experiment = store.get_experiment(experiment_id=path["experiment_id"])
    found, trouble = _search(store, experiment, query)
    keys = _keys(found.items)
    chosen = (
        [key for key in query.getlist("column") if "." in key] if "column" in query else _telling(found.items, keys)
    )
    return render(
        "runs.html",
        title=experiment.name,
        experiment=experiment,
        trouble=trouble,
        filter=query.get("filter", ""),
        order=query.get("order", ""),
        deleted=query.get("deleted") == "1",
        columns=chosen,
        keys=list(dict.fromkeys([*chosen, *keys])),
        rows=[(run, [cell(run, key) for key in chosen]) for run in found.items],
        link=lambda **changes: _link(query, changes),
        next=found.next_page_token,
        page=query.get("page"),
    )


def _search(store: Runs, experiment: Experiment, query: QueryParams) -> tuple[Page[Run], str | None]:
    order = query.get("order", "")
    try:
        page = store.search_runs(
            experiment_ids=[experiment.experiment_id],
            filter=query.get("filter", ""),
            order_by=[order] if order else [],
            lifecycle_stage="deleted" if query.get("deleted") == "1" else "active",
            limit=_PAGE,
            page_token=query.get("page"),
        )
    except UsageError as error:
        return Page([]), "\n".join(part for part in (str(error), error.hint) if part)
    return page, None


def cell(run: Run, key: str) -> Cell:
    """What *run* has under *key*, ``metrics.NAME``, ``params.NAME`` or ``tags.NAME``."""
    group, _, name = key.partition(".")
    if group == "metrics":
        value = run.metrics.get(name)
        return Cell("" if value is None else f"{value:.6g}", number=True)
    return Cell(str((run.params if group == "params" else run.tags).get(name, "")), number=False)


def _keys(found: Sequence[Run]) -> list[str]:
    """Every metric, parameter and tag of the page's runs that people may want to see."""
    keys = {
        "metrics": {key for run in found for key in run.metrics},
        "params": {key for run in found for key in run.params},
        "tags": {key for run in found for key in run.tags if not key.startswith("mlflow.")},
    }
    return [f"{group}.{key}" for group, names in keys.items() for key in sorted(names)]


def _telling(found: Sequence[Run], keys: Sequence[str]) -> list[str]:
    """The metrics and parameters that differ among the runs, or all where there is one run."""
    logged = [key for key in keys if not key.startswith(("tags.", "metrics.system/"))]
    if len(found) > 1:
        logged = [key for key in logged if len({cell(run, key).text for run in found}) > 1]
    return logged[:_MOST_COLUMNS]


def _link(query: QueryParams, changes: dict[str, str | None]) -> str:
    """The address of this page with *changes*; None takes a name away. A change of anything but the page begins at the
    first page."""
    from urllib.parse import urlencode

    kept = [(name, value) for name, value in query.multi_items() if name not in changes and name != "page"]
    return "?" + urlencode(kept + [(name, value) for name, value in changes.items() if value is not None])
