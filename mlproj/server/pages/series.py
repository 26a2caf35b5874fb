"""Metric histories as the charts read them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from mlproj.tracking.base import Metric, Runs

_MOST_POINTS = 4000  # of one metric; more than a screen has columns


def of_run(store: Runs, run_id: str, keys: Sequence[str]) -> dict[str, Any]:
    """``{"status", "ended", "metrics": {key: {"step", "time", "value", "of"}}}``; ``time`` is UTC ms, gaps are null.

    Of a longer history every n-th point is given, and always the last; ``of`` is how many there are. Raises NotFound.
    """
    run = store.get_run(run_id)
    histories = {key: store.metric_history(run.run_id, key) for key in keys}
    return {
        "status": run.status.value,
        "ended": run.status.ended,
        "metrics": {key: _series(points) for key, points in histories.items()},
        "keys": sorted(run.metrics),
    }


def _series(points: Sequence[Metric]) -> dict[str, Any]:
    shown = thinned(points, _MOST_POINTS)
    return {
        "step": [point.step for point in shown],
        "time": [point.timestamp for point in shown],
        "value": [point.value if math.isfinite(point.value) else None for point in shown],
        "of": len(points),
    }


def thinned(points: Sequence[Metric], most: int) -> Sequence[Metric]:
    """At most *most* + 1 of *points*, evenly taken, the last one always among them."""
    stride = -(-len(points) // most) or 1
    chosen = list(points[::stride])
    if points and chosen[-1] is not points[-1]:
        chosen.append(points[-1])
    return chosen
