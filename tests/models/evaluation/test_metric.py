"""Measures are scikit-learn's: compared with its functions called directly, and with numbers worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn import metrics

from mlproj.models.evaluation import metric, ranking
from mlproj.models.evaluation.metric import canonical, measured
from mlproj.models.evaluation.sample import Kind, Sample

DRAWS = np.random.default_rng(3)


def numbers(target: list[float], predicted: list[float]) -> Sample:
    return Sample(Kind.REGRESSION, np.array(target, dtype=float), np.array(predicted, dtype=float))


def binary(target: list[int], scores: list[float]) -> Sample:
    given = np.array(scores)
    return Sample(Kind.BINARY, np.array(target), (given >= 0.5).astype(int), given, ("no", "yes"))


def test_regression_has_the_names_and_values_of_mlflow() -> None:
    target, predicted = DRAWS.normal(size=50), DRAWS.normal(size=50)
    found = measured(Sample(Kind.REGRESSION, target, predicted))

    assert found == pytest.approx(
        {
            "example_count": 50,
            "mean_absolute_error": metrics.mean_absolute_error(target, predicted),
            "mean_squared_error": metrics.mean_squared_error(target, predicted),
            "root_mean_squared_error": metrics.mean_squared_error(target, predicted) ** 0.5,
            "median_absolute_error": metrics.median_absolute_error(target, predicted),
            "max_error": metrics.max_error(target, predicted),
            "mean_absolute_percentage_error": metrics.mean_absolute_percentage_error(target, predicted),
            "r2_score": metrics.r2_score(target, predicted),
            "sum_on_target": target.sum(),
            "mean_on_target": target.mean(),
        }
    )


def test_regression_by_hand() -> None:
    found = measured(numbers([1, 2, 3, 4], [1, 2, 3, 8]))

    assert (found["mean_absolute_error"], found["mean_squared_error"], found["max_error"]) == (1, 4, 4)
    assert found["root_mean_squared_error"] == 2
    assert found["r2_score"] == pytest.approx(1 - 16 / 5)


def test_two_classes_by_hand() -> None:
    found = measured(binary([0, 0, 1, 1, 1], [0.1, 0.6, 0.4, 0.8, 0.9]))

    counts = ("true_negatives", "false_positives", "false_negatives", "true_positives")
    assert [found[name] for name in counts] == [1, 1, 1, 2]
    assert found["accuracy_score"] == pytest.approx(3 / 5)
    assert found["precision_score"] == found["recall_score"] == found["f1_score"] == pytest.approx(2 / 3)
    assert found["roc_auc"] == pytest.approx(5 / 6)


def test_probabilities_are_measured_as_scikit_learn_does() -> None:
    target, scores = DRAWS.integers(0, 2, 80), DRAWS.random(80)
    found = measured(binary(target.tolist(), scores.tolist()))

    assert found["roc_auc"] == pytest.approx(metrics.roc_auc_score(target, scores))
    assert found["log_loss"] == pytest.approx(metrics.log_loss(target, scores))
    assert found["brier_score_loss"] == pytest.approx(metrics.brier_score_loss(target, scores))
    assert found["precision_recall_auc"] == pytest.approx(metrics.average_precision_score(target, scores))


def test_more_classes_are_weighted_as_in_mlflow() -> None:
    target, predicted = DRAWS.integers(0, 3, 90), DRAWS.integers(0, 3, 90)
    scores = DRAWS.dirichlet([1, 1, 1], 90)
    found = measured(Sample(Kind.MULTICLASS, target, predicted, scores, ("a", "b", "c")))

    assert found["f1_score"] == pytest.approx(metrics.f1_score(target, predicted, average="weighted"))
    assert found["roc_auc"] == pytest.approx(
        metrics.roc_auc_score(target, scores, multi_class="ovr", average="weighted")
    )
    assert found["log_loss"] == pytest.approx(metrics.log_loss(target, scores))
    assert "true_positives" not in found


def test_each_class_is_measured_by_itself() -> None:
    sample = Sample(Kind.MULTICLASS, np.array([0, 0, 1]), np.array([0, 1, 1]), None, ("a", "b", "c"))
    found = dict(metric.by_class(sample))
    assert found["a"] == {
        "precision_score": 1,
        "recall_score": 0.5,
        "f1_score": pytest.approx(2 / 3),
        "example_count": 2,
    }
    assert found["c"] == {"precision_score": 0, "recall_score": 0, "f1_score": 0, "example_count": 0}


def test_without_probabilities_their_measures_are_absent() -> None:
    sample = Sample(Kind.BINARY, np.array([0, 1]), np.array([0, 1]), None, ("no", "yes"))
    assert not {"roc_auc", "log_loss"} & measured(sample).keys()


def test_what_has_no_value_is_nan_and_no_error() -> None:
    one_class = measured(binary([1, 1, 1], [0.9, 0.8, 0.2]))
    assert math.isnan(one_class["roc_auc"])
    assert one_class["accuracy_score"] == pytest.approx(2 / 3)

    no_class = measured(binary([0, 0], [0.9, 0.1]))
    assert math.isnan(no_class["precision_recall_auc"])
    assert no_class["recall_score"] == 0

    answered_nan = measured(numbers([1, 2], [1, math.nan]))
    assert math.isnan(answered_nan["mean_absolute_error"])
    assert answered_nan["mean_on_target"] == 1.5

    empty = measured(numbers([], []))
    assert empty["example_count"] != empty["example_count"] or empty["example_count"] == 0
    assert math.isnan(empty["r2_score"])


def test_a_constant_target_has_the_r2_of_scikit_learn() -> None:
    assert measured(numbers([2, 2, 2], [2, 2, 3]))["r2_score"] == 0


def test_rankings_are_averaged_over_queries() -> None:
    relevance, scores = np.array([3.0, 2, 0, 0, 1, 2]), np.array([0.9, 0.8, 0.1, 0.5, 0.2, 0.4])
    queries = np.array(["a", "b", "a", "b", "a", "b"])
    found = measured(ranking.sample_of(relevance, scores, queries, ["ndcg", "ndcg_at_2", "mean_average_precision"]))

    a, b = [0, 2, 4], [1, 3, 5]
    assert found["example_count"] == 2
    assert found["ndcg"] == pytest.approx(
        np.mean([metrics.ndcg_score([relevance[rows]], [scores[rows]]) for rows in (a, b)])
    )
    assert found["ndcg_at_2"] == pytest.approx(
        np.mean([metrics.ndcg_score([relevance[rows]], [scores[rows]], k=2) for rows in (a, b)])
    )
    assert found["mean_average_precision"] == pytest.approx(
        np.mean([metrics.average_precision_score(relevance[rows] > 0, scores[rows]) for rows in (a, b)])
    )


def test_a_query_of_one_row_has_no_order_and_a_score_that_is_nan_spoils_all() -> None:
    relevance = np.array([1.0, 0, 1])
    queries = np.array(["a", "a", "alone"])
    found = measured(ranking.sample_of(relevance, np.array([0.9, 0.1, 0.5]), queries, ["ndcg"]))
    assert found["ndcg"] == 1
    spoilt = measured(ranking.sample_of(relevance, np.array([0.9, math.nan, 0.5]), queries, ["ndcg"]))
    assert math.isnan(spoilt["ndcg"])


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("rmse", "root_mean_squared_error"),
        ("accuracy_score", "accuracy_score"),
        ("auc", "roc_auc"),
        ("ndcg@5", "ndcg_at_5"),
        ("ndcg_at_12", "ndcg_at_12"),
        ("p95_latency_ms", "p95_latency_ms"),
        ("ndcg@0", None),
        ("accuraccy", None),
    ],
)
def test_short_names_mean_those_of_mlflow(written: str, meant: str | None) -> None:
    assert canonical(written) == meant


def test_every_alias_is_of_something_that_is_measured() -> None:
    assert set(metric.ALIASES.values()) <= metric.KNOWN
