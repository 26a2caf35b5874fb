"""Whether two models differ by more than chance, on the same rows: SciPy's tests."""

from __future__ import annotations

import math

from mlproj.foundation.dataclass import dataclass
from mlproj.models.evaluation.sample import Array, Kind, Sample


@dataclass(frozen=True)
class Test:
    """A test by its name, what it compared, and its p-value (two-sided); NaN where it cannot be told."""

    name: str
    compared: str
    p_value: float


def compare(sample: Sample, baseline: Sample) -> Test:
    """Of classes McNemar's exact test of who is right where only one is; of numbers Wilcoxon's signed-rank test of
    absolute errors; of rankings the same of each query's NDCG."""
    if sample.kind.is_classification:
        return _mcnemar(sample.predicted == sample.target, baseline.predicted == baseline.target)
    if sample.kind is Kind.RANKING:
        assert sample.per_query is not None
        assert baseline.per_query is not None
        return _wilcoxon(sample.per_query["ndcg"] - baseline.per_query["ndcg"], "NDCG of each query")
    ours, theirs = abs(sample.predicted - sample.target), abs(baseline.predicted - baseline.target)
    return _wilcoxon(ours - theirs, "absolute errors of each row")


def _mcnemar(ours: Array, theirs: Array) -> Test:
    from scipy.stats import binomtest

    better, worse = int((ours & ~theirs).sum()), int((~ours & theirs).sum())
    compared = f"only the model is right on {better} rows, only the baseline on {worse}"
    p_value = binomtest(better, better + worse, 0.5).pvalue if better + worse else 1.0
    return Test("McNemar's exact test", compared, float(p_value))


def _wilcoxon(differences: Array, compared: str) -> Test:
    import numpy
    from scipy.stats import wilcoxon

    known = differences[~numpy.isnan(differences)]
    name = "Wilcoxon's signed-rank test"
    if len(known) != len(differences) and not compared.startswith("NDCG"):
        return Test(name, compared, math.nan)
    if not known.any():
        return Test(name, compared, 1.0 if len(known) else math.nan)
    return Test(name, compared, float(wilcoxon(known).pvalue))
