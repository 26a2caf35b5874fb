"""Rankings: each query's rows measured by scikit-learn, and averaged over the queries."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable

from mlproj.models.evaluation.metric import cut_of
from mlproj.models.evaluation.sample import Array, Kind, Sample


def sample_of(relevance: Array, scores: Array, queries: Array, names: Iterable[str]) -> Sample:
    """A sample with a row per query, the queries in their sorted order. A query of one row has no order: it is NaN in
    measures of order, and the average leaves it out. A score that is no number makes every measure NaN."""
    import numpy

    if not numpy.isfinite(scores).all():
        nothing = numpy.full(len(numpy.unique(queries)), math.nan)
        return Sample(Kind.RANKING, nothing, nothing, per_query=dict.fromkeys(names, nothing))
    order = numpy.argsort(queries, kind="stable")
    starts = numpy.unique(queries[order], return_index=True)[1][1:]
    parts = numpy.split(order, starts)
    per_query = {name: numpy.array([_of(name, relevance[rows], scores[rows]) for rows in parts]) for name in names}
    best = numpy.array([float(relevance[rows].max()) for rows in parts])
    first = numpy.array([float(relevance[rows][scores[rows].argmax()]) for rows in parts])
    return Sample(Kind.RANKING, best, first, per_query=per_query)


def _of(name: str, relevance: Array, scores: Array) -> float:
    measure = _average_precision if name == "mean_average_precision" else _ndcg(cut_of(name))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return measure(relevance, scores)
        except ValueError:
            return math.nan


def _ndcg(cut: int | None) -> Callable[[Array, Array], float]:
    def measure(relevance: Array, scores: Array) -> float:
        from sklearn.metrics import ndcg_score

        return float(ndcg_score([relevance], [scores], k=cut))

    return measure


def _average_precision(relevance: Array, scores: Array) -> float:
    from sklearn.metrics import average_precision_score

    return float(average_precision_score(relevance > 0, scores))
