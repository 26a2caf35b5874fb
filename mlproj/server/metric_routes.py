"""MLflow's endpoints for the points of metrics: of one run for clients, of many for the charts of its web pages."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from mlproj.server import wire
from mlproj.server.call import ApiError, Call, Routes, read
from mlproj.tracking.base import Metric, NotFound

_MOST_POINTS = 1_000_000  # of one page
_MOST_IN_BULK = 25_000
_MOST_PER_RUN = 2500
_MOST_RUNS = 100


def _history(call: Call) -> Mapping[str, Any]:
    points = call.store.metric_history(call.run_id(), call.text("metric_key"))
    start = call.integer("page_token", 0)
    wanted = call.integer("max_results", len(points) or 1)
    if wanted <= 0:
        message = f"Invalid value {wanted} for parameter 'max_results' supplied. It must be a positive integer."
        raise ApiError("INVALID_PARAMETER_VALUE", message)
    size = min(wanted, _MOST_POINTS)
    if start < 0:
        raise ApiError("INVALID_PARAMETER_VALUE", "Invalid page_token.")
    token = {"next_page_token": str(start + size)} if start + size < len(points) else {}
    return {"metrics": [wire.metric(point) for point in points[start : start + size]], **token}


def _bulk(call: Call) -> Mapping[str, Any]:
    """The first points of several runs, by run and time; a run that is not there has none."""
    run_ids = call.items("run_id")
    if not run_ids:
        raise ApiError("INVALID_PARAMETER_VALUE", "GetMetricHistoryBulk request must specify at least one run_id.")
    if len(run_ids) > _MOST_RUNS:
        raise ApiError(
            "INVALID_PARAMETER_VALUE",
            f"GetMetricHistoryBulk request cannot specify more than {_MOST_RUNS} run_ids. Received {len(run_ids)}"
            " run_ids.",
        )
    key = call.optional_text("metric_key")
    if key is None:
        raise ApiError("INVALID_PARAMETER_VALUE", "GetMetricHistoryBulk request must specify a metric_key.")
    left = min(call.limit("max_results", _MOST_IN_BULK, _MOST_POINTS), _MOST_IN_BULK)
    found: list[dict[str, Any]] = []
    for run_id in sorted({str(run_id) for run_id in run_ids}):
        points = sorted(_points(call, run_id, key), key=_by_time)[: left - len(found)]
        found += [wire.metric(point, run_id=run_id) for point in points]
    return {"metrics": found}


def _interval(call: Call) -> Mapping[str, Any]:
    """Points of several runs, evenly chosen from those between two steps."""
    run_ids = [str(run_id) for run_id in call.items("run_ids")]
    if not run_ids:
        raise ApiError("INVALID_PARAMETER_VALUE", "Missing value for required parameter 'run_ids'.")
    if len(run_ids) > _MOST_RUNS:
        raise ApiError(
            "INVALID_PARAMETER_VALUE",
            f"GetMetricHistoryBulkInterval request must specify at most {_MOST_RUNS} run_ids. Received {len(run_ids)}"
            " run_ids.",
        )
    key = call.optional_text("metric_key")
    if not key:
        raise ApiError("INVALID_PARAMETER_VALUE", "Missing value for required parameter 'metric_key'.")
    most = call.integer("max_results", _MOST_PER_RUN)
    if not 1 <= most <= _MOST_PER_RUN:
        raise ApiError("INVALID_PARAMETER_VALUE", f"max_results must be between 1 and {_MOST_PER_RUN}.")
    steps = _steps(call)
    return {
        "metrics": [
            wire.metric(point, run_id=run_id)
            for run_id in run_ids
            for point in _spread([point for point in _points(call, run_id, key) if point.step in steps], most)
        ]
    }


def _steps(call: Call) -> range:
    """The steps that are asked for; all of them when none are named."""
    given = [call.fields.get(name) is not None for name in ("start_step", "end_step")]
    if not any(given):
        return range(-(2**63), 2**63)
    if not all(given):
        message = "If either start step or end step are specified, both must be specified."
        raise ApiError("INVALID_PARAMETER_VALUE", message)
    start, end = call.integer("start_step", 0), call.integer("end_step", 0)
    if start > end:
        message = f"end_step must be greater than start_step. Found start_step={start} and end_step={end}."
        raise ApiError("INVALID_PARAMETER_VALUE", message)
    return range(start, end + 1)


def _spread(points: Sequence[Metric], most: int) -> list[Metric]:
    """At most *most* of *points*: the first of as many even portions, as MLflow's server chooses them, and the last."""
    if len(points) <= most:
        return list(points)
    size, larger = divmod(len(points), most)
    return [points[portion * size + min(portion, larger)] for portion in range(most - 1)] + [points[-1]]


def _points(call: Call, run_id: str, key: str) -> list[Metric]:
    try:
        return call.store.metric_history(run_id, key)
    except NotFound:
        return []


def _by_time(point: Metric) -> tuple[int, int, float]:
    return point.timestamp, point.step, -math.inf if math.isnan(point.value) else point.value


ROUTES: Routes = {
    ("GET", "metrics/get-history"): read(_history),
    ("GET", "metrics/get-history-bulk"): read(_bulk),
    ("GET", "metrics/get-history-bulk-interval"): read(_interval),
}
