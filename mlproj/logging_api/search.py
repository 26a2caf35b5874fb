"""Finding runs from a program."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, overload

from mlproj import outbox, tracking
from mlproj.foundation.errors import UsageError
from mlproj.logging_api import fluent
from mlproj.tracking.base import Run

_PAGE = 1000
_SINGLE = ("run_id", "run_name", "experiment_id", "experiment_name", "status", "start_time", "end_time", "artifact_uri")


@overload
def search_runs(
    filter: str = ...,
    order_by: Sequence[str] = ...,
    *,
    experiment_names: Sequence[str] | None = ...,
    max_results: int | None = ...,
    output_format: Literal["list"] = ...,
) -> list[Run]: ...


@overload
def search_runs(
    filter: str = ...,
    order_by: Sequence[str] = ...,
    *,
    experiment_names: Sequence[str] | None = ...,
    max_results: int | None = ...,
    output_format: Literal["pandas"],
) -> Any: ...


def search_runs(
    filter: str = "",
    order_by: Sequence[str] = (),
    *,
    experiment_names: Sequence[str] | None = None,
    max_results: int | None = None,
    output_format: str = "list",
) -> Any:
    """The runs that match *filter*, in MLflow's search language, the newest first unless *order_by* says otherwise.

    A list of :class:`mlproj.Run`, or with ``output_format="pandas"`` a frame with a row for each run and columns such
    as ``metrics.rmse`` and ``params.alpha``. *experiment_names* None: of all experiments. Raises UsageError for a
    filter that is not understood, an unknown experiment, or when pandas is asked for and missing.
    """
    if output_format not in ("list", "pandas"):
        raise UsageError(f"output_format must be 'list' or 'pandas', found {output_format!r}")
    if isinstance(experiment_names, str) or isinstance(order_by, str):
        raise UsageError("experiment_names and order_by are lists of texts, not a text")
    if (run := fluent.active_run()) is not None:
        run.flush()
    runs = _search(filter, order_by, experiment_names, max_results)
    return runs if output_format == "list" else _frame(runs)


def _search(
    filter: str, order_by: Sequence[str], experiment_names: Sequence[str] | None, max_results: int | None
) -> list[Run]:
    store = tracking.open()
    try:
        outbox.reap(store)
        ids = (
            None
            if experiment_names is None
            else [store.get_experiment(name=name).experiment_id for name in experiment_names]
        )
        runs: list[Run] = []
        token = None
        while max_results is None or len(runs) < max_results:
            limit = _PAGE if max_results is None else min(_PAGE, max_results - len(runs))
            page = store.search_runs(
                experiment_ids=ids, filter=filter, order_by=order_by, limit=limit, page_token=token
            )
            runs.extend(page.items)
            token = page.next_page_token
            if token is None:
                break
        return runs
    finally:
        store.close()


def _frame(runs: Sequence[Run]) -> Any:
    try:
        import pandas
    except ImportError as error:
        raise UsageError("output_format='pandas' needs pandas", hint="pip install pandas") from error
    rows = [
        {name: getattr(run, name) for name in _SINGLE}
        | {"status": run.status.value}
        | {f"metrics.{key}": value for key, value in run.metrics.items()}
        | {f"params.{key}": value for key, value in run.params.items()}
        | {f"tags.{key}": value for key, value in run.tags.items()}
        for run in runs
    ]
    frame = pandas.DataFrame(rows, columns=None if rows else list(_SINGLE))
    for name in ("start_time", "end_time"):
        frame[name] = pandas.to_datetime(frame[name], unit="ms", utc=True)
    return frame
