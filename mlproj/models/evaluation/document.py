"""An evaluation as the JSON document of ``--json`` and of the run's ``evaluation.json`` (schema 1)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from mlproj.models.evaluation import metric
from mlproj.models.evaluation.bootstrap import Interval
from mlproj.models.evaluation.result import Comparison, Evaluation, ModelResult, SliceResult


def to_json(evaluation: Evaluation) -> dict[str, Any]:
    """Measures by MLflow's names; an interval is ``[low, high]``; rows are counts; times are in milliseconds."""
    request, how = evaluation.request, evaluation.request.resampling
    return {
        "kind": evaluation.kind.value,
        "kind_reason": evaluation.reason,
        "classes": list(evaluation.model.sample.classes),
        "data": {
            "path": str(evaluation.data.path),
            "sha256": evaluation.data.sha256,
            "rows": len(evaluation.data.frame),
            "rows_without_target": evaluation.left_out,
            "target": request.target,
        },
        "bootstrap": {"replicates": how.replicates, "confidence": how.confidence, "seed": how.seed},
        "model": _model(evaluation.model),
        "baseline": None if evaluation.baseline is None else _model(evaluation.baseline),
        "comparison": None if evaluation.comparison is None else _comparison(evaluation.comparison),
        "slices": [_slice(one) for one in evaluation.slices],
        "requirements": [
            {
                "requirement": one.text,
                "met": one.is_met,
                "metric": one.metric,
                "value": one.value,
                "limit": one.limit,
                "baseline": one.baseline,
                "message": one.explanation,
            }
            for one in evaluation.judgements
        ],
        "passed": not evaluation.missed,
        "notes": list(evaluation.notes),
    }


def _model(result: ModelResult) -> dict[str, Any]:
    return {
        "address": result.opened.address,
        "name": result.opened.name,
        "loaded_by": result.loaded_by,
        "answers": result.explanation,
        "metrics": dict(result.metrics),
        "intervals": _intervals(result.intervals),
        "classes": dict(metric.by_class(result.sample)) if result.sample.classes else {},
    }


def _comparison(found: Comparison) -> dict[str, Any]:
    return {
        "differences": dict(found.differences),
        "intervals": _intervals(found.intervals),
        "test": {"name": found.test.name, "compared": found.test.compared, "p_value": found.test.p_value},
    }


def _slice(found: SliceResult) -> dict[str, Any]:
    intervals = found.intervals
    return {
        "column": found.part.column,
        "value": found.part.value,
        "shown": found.part.shown,
        "rows": found.rows,
        "small": found.is_small,
        "metrics": dict(found.metrics),
        "intervals": _intervals(intervals.model),
        "baseline": None
        if found.baseline is None
        else {"metrics": dict(found.baseline), "intervals": _intervals(intervals.baseline)},
        "difference_intervals": _intervals(intervals.difference),
    }


def _intervals(found: Mapping[str, Interval]) -> dict[str, list[float]]:
    return {name: [one.low, one.high] for name, one in found.items()}


def without_nan(value: Any) -> Any:
    """*value* with the texts ``NaN``, ``Infinity`` and ``-Infinity`` for numbers that JSON does not have."""
    if isinstance(value, Mapping):
        return {name: without_nan(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(one) for one in value]
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value
