"""The measures: MLflow's names, short names for requirements, and scikit-learn's functions for each kind of model."""

from __future__ import annotations

import math
import re
import warnings
from collections.abc import Callable, Iterable, Mapping

from mlproj.models.evaluation.sample import Kind, Sample

Measure = Callable[[Sample], float]

LATENCIES = ("p50_latency_ms", "p95_latency_ms", "p99_latency_ms")
SYSTEM = (*LATENCIES, "rows_per_second", "peak_memory_mb")
"""What is measured of the model's process instead of its answers; a MB is 10⁶ bytes."""

ALIASES = {
    "accuracy": "accuracy_score",
    "ap": "precision_recall_auc",
    "auc": "roc_auc",
    "balanced_accuracy": "balanced_accuracy_score",
    "brier": "brier_score_loss",
    "f1": "f1_score",
    "mae": "mean_absolute_error",
    "map": "mean_average_precision",
    "mape": "mean_absolute_percentage_error",
    "mcc": "matthews_corrcoef",
    "mse": "mean_squared_error",
    "pr_auc": "precision_recall_auc",
    "precision": "precision_score",
    "r2": "r2_score",
    "recall": "recall_score",
    "rmse": "root_mean_squared_error",
    "roc_auc_score": "roc_auc",
    "rows": "example_count",
}
_NDCG = re.compile(r"ndcg(?:@|_at_)([1-9][0-9]{0,4})")
RANKING_CUT = 10
"""The k of ``ndcg_at_k`` unless a requirement names others."""

HEADLINES = {
    Kind.REGRESSION: ("root_mean_squared_error", "mean_absolute_error", "r2_score"),
    Kind.BINARY: ("accuracy_score", "f1_score", "roc_auc", "log_loss"),
    Kind.MULTICLASS: ("accuracy_score", "f1_score", "roc_auc", "log_loss"),
    Kind.RANKING: ("ndcg", f"ndcg_at_{RANKING_CUT}", "mean_average_precision"),
}
"""The measures that get intervals, are compared, and are told per slice."""

_SMALLER_IS_BETTER = re.compile(r".*(_error|_loss|_latency_ms|^false_.*|memory_mb)$")


def canonical(name: str) -> str | None:
    """MLflow's name of what *name* means; None for what nobody measures."""
    if found := _NDCG.fullmatch(name):
        return f"ndcg_at_{found[1]}"
    name = ALIASES.get(name, name)
    return name if name in KNOWN else None


def smaller_is_better(name: str) -> bool:
    """Whether a lower value is the better one."""
    return bool(_SMALLER_IS_BETTER.fullmatch(name)) or name.startswith("false_")


def cut_of(name: str) -> int | None:
    """The k of ``ndcg_at_k``."""
    found = _NDCG.fullmatch(name)
    return int(found[1]) if found else None


def measured(sample: Sample, names: Iterable[str] | None = None) -> dict[str, float]:
    """The measures of *sample*, or those of *names* that its kind has; NaN where one has no value, as the area under
    a curve of one class alone. Without probabilities, the measures of probabilities are left out."""
    table = _table(sample)
    chosen = table if names is None else {name: table[name] for name in names if name in table}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scikit-learn's, of values that have no meaning: these are NaN or 0
        return {name: _value_of(measure, sample) for name, measure in chosen.items()}


def _value_of(measure: Measure, sample: Sample) -> float:
    """One measure; NaN where it has no value."""
    try:
        return float(measure(sample)) if len(sample) else math.nan
    except ValueError:
        return math.nan


def by_class(sample: Sample) -> list[tuple[str, dict[str, float]]]:
    """Of each class the precision, recall and F1, and how many rows are of it."""
    from sklearn.metrics import precision_recall_fscore_support

    numbers = range(len(sample.classes))
    found = precision_recall_fscore_support(sample.target, sample.predicted, labels=numbers, zero_division=0)
    names = ("precision_score", "recall_score", "f1_score", "example_count")
    return [
        (label, dict(zip(names, map(float, values), strict=True)))
        for label, *values in zip(sample.classes, *found, strict=True)
    ]


def _table(sample: Sample) -> Mapping[str, Measure]:
    if sample.kind is Kind.RANKING:
        return {"example_count": lambda one: len(one)} | {name: _mean_of(name) for name in sample.per_query or {}}
    labels = _OF_LABELS[sample.kind]
    return labels if sample.probabilities is None else {**labels, **_OF_PROBABILITIES[sample.kind]}


def _mean_of(name: str) -> Measure:
    def mean(sample: Sample) -> float:
        import numpy

        assert sample.per_query is not None
        return float(numpy.nanmean(sample.per_query[name]))

    return mean


def _plain(function: str) -> Measure:
    """scikit-learn's *function* of the true and the predicted values."""

    def measure(sample: Sample) -> float:
        from sklearn import metrics

        return float(getattr(metrics, function)(sample.target, sample.predicted))

    return measure


def _averaged(function: str, average: str) -> Measure:
    def measure(sample: Sample) -> float:
        from sklearn import metrics

        score = getattr(metrics, function)
        labels = None if average == "binary" else range(len(sample.classes))
        return float(score(sample.target, sample.predicted, average=average, labels=labels, zero_division=0))

    return measure


def _count(true: int, predicted: int) -> Measure:
    return lambda sample: float(((sample.target == true) & (sample.predicted == predicted)).sum())


def _log_loss(sample: Sample) -> float:
    from sklearn.metrics import log_loss

    return float(log_loss(sample.target, sample.probabilities, labels=range(len(sample.classes))))


def _roc_auc(sample: Sample) -> float:
    from sklearn.metrics import roc_auc_score

    if sample.kind is Kind.BINARY:
        return float(roc_auc_score(sample.target, sample.probabilities))
    labels = range(len(sample.classes))
    return float(
        roc_auc_score(sample.target, sample.probabilities, multi_class="ovr", average="weighted", labels=labels)
    )


def _precision_recall_auc(sample: Sample) -> float:
    """The average precision, which is what MLflow means by this name; none where no row is of the class."""
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(sample.target, sample.probabilities)) if sample.target.any() else math.nan


def _brier(sample: Sample) -> float:
    from sklearn.metrics import brier_score_loss

    return float(brier_score_loss(sample.target, sample.probabilities, pos_label=1))


_COUNTED: dict[str, Measure] = {"example_count": lambda sample: float(len(sample))}
_REGRESSION: dict[str, Measure] = {
    **_COUNTED,
    "mean_absolute_error": _plain("mean_absolute_error"),
    "mean_squared_error": _plain("mean_squared_error"),
    "root_mean_squared_error": lambda sample: math.sqrt(_plain("mean_squared_error")(sample)),
    "median_absolute_error": _plain("median_absolute_error"),
    "max_error": _plain("max_error"),
    "mean_absolute_percentage_error": _plain("mean_absolute_percentage_error"),
    "r2_score": _plain("r2_score"),
    "sum_on_target": lambda sample: float(sample.target.sum()),
    "mean_on_target": lambda sample: float(sample.target.mean()),
}
_BINARY: dict[str, Measure] = {
    **_COUNTED,
    "true_negatives": _count(0, 0),
    "false_positives": _count(0, 1),
    "false_negatives": _count(1, 0),
    "true_positives": _count(1, 1),
    "accuracy_score": _plain("accuracy_score"),
    "balanced_accuracy_score": _plain("balanced_accuracy_score"),
    "precision_score": _averaged("precision_score", "binary"),
    "recall_score": _averaged("recall_score", "binary"),
    "f1_score": _averaged("f1_score", "binary"),
    "matthews_corrcoef": _plain("matthews_corrcoef"),
}
_MULTICLASS: dict[str, Measure] = {
    **_COUNTED,
    "accuracy_score": _plain("accuracy_score"),
    "balanced_accuracy_score": _plain("balanced_accuracy_score"),
    "precision_score": _averaged("precision_score", "weighted"),
    "recall_score": _averaged("recall_score", "weighted"),
    "f1_score": _averaged("f1_score", "weighted"),
    "matthews_corrcoef": _plain("matthews_corrcoef"),
}
_OF_LABELS = {Kind.REGRESSION: _REGRESSION, Kind.BINARY: _BINARY, Kind.MULTICLASS: _MULTICLASS}
_OF_PROBABILITIES: dict[Kind, dict[str, Measure]] = {
    Kind.REGRESSION: {},
    Kind.BINARY: {
        "roc_auc": _roc_auc,
        "precision_recall_auc": _precision_recall_auc,
        "log_loss": _log_loss,
        "brier_score_loss": _brier,
    },
    Kind.MULTICLASS: {"roc_auc": _roc_auc, "log_loss": _log_loss},
}
RANKING = ("ndcg", "mean_average_precision")
KNOWN = frozenset(
    [name for tables in (_OF_LABELS, _OF_PROBABILITIES) for table in tables.values() for name in table]
    + [*RANKING, *SYSTEM]
)
"""Every name that something measures, besides ``ndcg_at_k``."""
