from __future__ import annotations

import math
from decimal import Decimal

import pytest

from mlproj.foundation.errors import UsageError
from mlproj.models.evaluation.judging import Measured, judge
from mlproj.models.evaluation.requirement import SliceName, parse


def is_met(text: str, value: float | None, baseline: float | None = None) -> bool:
    def of(one: float | None) -> Measured:
        return Measured({} if one is None else {"accuracy_score": one}, {})

    return judge(parse(text), of(value), of(baseline)).is_met


@pytest.mark.parametrize(
    ("text", "metric", "comparison", "factor", "offset"),
    [
        ("accuracy >= 0.9", "accuracy_score", ">=", "0", "0.9"),
        ("rmse<=baseline*1.02", "root_mean_squared_error", "<=", "1.02", "0"),
        ("mae < 0.5 * baseline + 1e-3 - 2", "mean_absolute_error", "<", "0.5", "-1.999"),
        ("r2 > baseline - 5%", "r2_score", ">", "1", "-0.05"),
        ("ndcg@10 == -1", "ndcg_at_10", "==", "0", "-1"),
        ("log_loss <= baseline * 98%", "log_loss", "<=", "0.98", "0"),
        ("f1 >= baseline + baseline * 0.1", "f1_score", ">=", "1.1", "0"),
    ],
)
def test_a_requirement_is_a_line_of_the_baseline(
    text: str, metric: str, comparison: str, factor: str, offset: str
) -> None:
    found = parse(text)

    assert (found.metric, found.comparison) == (metric, comparison)
    assert (found.factor, found.offset) == (Decimal(factor), Decimal(offset))
    assert found.needs_baseline == (factor != "0")


@pytest.mark.parametrize(
    ("text", "column", "value"),
    [
        ("f1[country=DE] > 0", "country", "DE"),
        ("f1 [ age = Q1 ] > 0", "age", "Q1"),
        ("f1[home town=New York] > 0", "home town", "New York"),
        ("f1['a=b]'=\"it's\"] > 0", "a=b]", "it's"),
        ("f1[x=*] > 0", "x", "*"),
        ("f1[x=-1.5] > 0", "x", "-1.5"),
    ],
)
def test_a_slice_is_named_by_column_and_value(text: str, column: str, value: str) -> None:
    assert parse(text).part == SliceName(column, value)


@pytest.mark.parametrize(
    ("text", "column", "said"),
    [
        ("", 1, "expected the name of a measure"),
        ("acuracy >= 0.9", 1, "there is no measure acuracy"),
        ("accuracy", 9, "expected >=, >, <=, < or =="),
        ("accuracy = 0.9", 10, "expected >=, >, <=, < or =="),
        ("accuracy >= ", 13, "expected a number or baseline, found the end"),
        ("accuracy >= much", 13, "expected a number or baseline, found 'much'"),
        ("accuracy >= 0.9 0.8", 17, "expected + or -, or the end"),
        ("accuracy >= 2 * 3", 17, "expected baseline"),
        ("accuracy >= baseline * baseline", 24, "expected a number"),
        ("accuracy[x] >= 1", 11, "expected ="),
        ("accuracy[x=] >= 1", 12, "expected a value"),
        ("accuracy[x=1 >= 1", 14, "expected ]"),
        ("accuracy >= 1; import os", 14, "expected + or -"),
        ("p95_latency_ms[x=1] <= 1", 15, "measured of the model as a whole"),
        ("accuracy >= 1e999999999", 18, "expected + or -"),
    ],
)
def test_a_mistake_points_at_its_place(text: str, column: int, said: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(text)

    assert said in caught.value.message
    assert caught.value.place is not None
    assert (caught.value.place.column, caught.value.place.text) == (column, text)


def test_a_measure_that_is_misspelt_is_guessed() -> None:
    with pytest.raises(UsageError) as caught:
        parse("acuracy >= 0.9")
    assert caught.value.hint == "did you mean 'accuracy'?"


def test_equal_passes_and_numbers_are_compared_as_they_are_shown() -> None:
    assert is_met("accuracy >= 0.7", 0.7)
    assert is_met("accuracy <= 0.7", 0.7)
    assert not is_met("accuracy > 0.7", 0.7)
    assert is_met("accuracy >= baseline + 0.1", 0.3, 0.2)  # as floats 0.2 + 0.1 is more than 0.3
    assert not is_met("accuracy >= baseline + 0.1", 0.29999, 0.2)
    assert is_met("accuracy >= baseline * 1.02", 1.02, 1.0)


def test_what_is_absent_or_nan_misses() -> None:
    assert not is_met("accuracy >= 0", None)
    assert not is_met("accuracy >= 0", math.nan)
    assert not is_met("accuracy <= 0", math.nan)
    assert not is_met("accuracy >= baseline - 1", 0.9, math.nan)
    assert not is_met("accuracy >= baseline - 1", 0.9, None)
    assert not is_met("accuracy >= 0", math.inf)
    assert is_met("accuracy >= 0.5", 0.9, math.nan)  # which does not ask for the baseline


def test_values_that_nearly_reach_a_limit_are_told_in_full() -> None:
    model = Measured({"accuracy_score": 0.8999999999}, {})
    explanation = judge(parse("accuracy >= 0.90"), model, None).explanation
    assert explanation == "accuracy_score 0.8999999999 is not >= 0.90"


def test_every_slice_must_reach_it_and_the_ones_that_do_not_are_told() -> None:
    parts = {("x", "a"): {"f1_score": 0.9}, ("x", "b"): {"f1_score": 0.2}, ("y", "a"): {"f1_score": 0.0}}
    judged = judge(parse("f1[x=*] >= 0.5"), Measured({}, parts), None)

    assert not judged.is_met
    assert judged.explanation == "f1_score[x=b] 0.2 is not >= 0.5"
    assert judge(parse("f1[x=a] >= 0.5"), Measured({}, parts), None).is_met
    missing = judge(parse("f1[x=c] >= 0.5"), Measured({}, parts), None)
    assert not missing.is_met
    assert missing.explanation == "there is no slice x=c; there are a, b"
