"""Intervals and tests of significance."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from mlproj.models.evaluation import bootstrap, significance
from mlproj.models.evaluation.bootstrap import Resampling
from mlproj.models.evaluation.sample import Kind, Sample

DRAWS = np.random.default_rng(5)
TARGET = DRAWS.normal(size=200)
NAMES = ["mean_absolute_error", "r2_score"]


def regression(error: float, seed: int) -> Sample:
    noise = np.random.default_rng(seed).normal(size=len(TARGET))
    return Sample(Kind.REGRESSION, TARGET, TARGET + error * noise)


def classes(target: list[int], predicted: list[int]) -> Sample:
    return Sample(Kind.BINARY, np.array(target), np.array(predicted), None, ("0", "1"))


def test_an_interval_is_that_of_scipy_but_for_chance() -> None:
    sample = regression(0.5, 1)
    found = bootstrap.intervals(sample, None, NAMES, Resampling(600)).model["mean_absolute_error"]
    errors = abs(sample.predicted - sample.target)
    expected = stats.bootstrap((errors,), np.mean, n_resamples=2000, method="percentile", rng=1).confidence_interval

    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=0.03)


def test_the_same_seed_gives_the_same_and_more_confidence_a_wider_one() -> None:
    sample = regression(0.5, 1)
    first, again, other, wide = (
        bootstrap.intervals(sample, None, NAMES, how).model["r2_score"]
        for how in (Resampling(50), Resampling(50), Resampling(50, seed=1), Resampling(50, 0.99))
    )
    assert first == again != other
    assert wide.low < first.low < first.high < wide.high


def test_the_difference_is_of_the_same_rows() -> None:
    """Two models that err alike differ by a constant, however the rows are drawn."""
    one = regression(0.5, 1)
    other = Sample(Kind.REGRESSION, TARGET, TARGET + 2 * (one.predicted - TARGET))
    found = bootstrap.intervals(one, other, NAMES, Resampling(50))
    error = found.difference["mean_absolute_error"]
    assert error.high - error.low == pytest.approx(
        found.model["mean_absolute_error"].high - found.model["mean_absolute_error"].low
    )
    same = bootstrap.intervals(one, one, NAMES, Resampling(50)).difference["r2_score"]
    assert (same.low, same.high) == (0, 0)


def test_what_has_no_value_has_no_interval() -> None:
    target = np.array([1] * 40)
    sample = Sample(Kind.BINARY, target, target, np.linspace(0.1, 0.9, 40), ("0", "1"))
    found = bootstrap.intervals(sample, None, ["roc_auc", "accuracy_score"], Resampling(20)).model
    assert set(found) == {"accuracy_score"}
    rare = Sample(Kind.BINARY, np.array([1] + [0] * 39), target, np.linspace(0.1, 0.9, 40), ("0", "1"))
    assert bootstrap.intervals(rare, None, ["roc_auc"], Resampling(50)).model == {}
    assert bootstrap.intervals(sample.take(slice(0, 1)), None, ["accuracy_score"], Resampling(20)).model == {}
    assert bootstrap.intervals(sample, None, ["accuracy_score"], Resampling(0)).model == {}


def test_a_model_that_answers_nan_has_no_interval_though_others_have() -> None:
    broken = Sample(Kind.REGRESSION, TARGET, np.where(TARGET > 2, math.nan, TARGET))
    found = bootstrap.intervals(regression(0.5, 1), broken, NAMES, Resampling(20))
    assert set(found.model) == set(NAMES)
    assert found.baseline == found.difference == {}


def test_classes_are_compared_by_mcnemars_exact_test() -> None:
    target = [1] * 12
    ours, theirs = classes(target, [1] * 10 + [0] * 2), classes(target, [0] * 9 + [1] * 3)
    found = significance.compare(ours, theirs)
    assert found.compared == "only the model is right on 9 rows, only the baseline on 2"
    assert found.p_value == pytest.approx(stats.binomtest(9, 11).pvalue)
    assert significance.compare(ours, ours).p_value == 1


def test_numbers_are_compared_by_wilcoxons_test_of_absolute_errors() -> None:
    ours, theirs = regression(0.1, 1), regression(1.0, 2)
    expected = stats.wilcoxon(abs(ours.predicted - TARGET), abs(theirs.predicted - TARGET)).pvalue
    assert significance.compare(ours, theirs).p_value == pytest.approx(expected)
    assert significance.compare(ours, ours).p_value == 1
    broken = Sample(Kind.REGRESSION, TARGET, np.full(len(TARGET), math.nan))
    assert math.isnan(significance.compare(broken, ours).p_value)


def test_rankings_are_compared_by_query() -> None:
    none = np.zeros(8)
    ours = Sample(Kind.RANKING, none, none, per_query={"ndcg": np.linspace(0.5, 0.9, 8)})
    theirs = Sample(Kind.RANKING, none, none, per_query={"ndcg": np.linspace(0.1, 0.6, 8)})
    assert significance.compare(ours, theirs).p_value == pytest.approx(2 / 2**8)
