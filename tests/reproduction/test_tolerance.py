from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mlproj.foundation.errors import UsageError
from mlproj.reproduction import tolerance
from mlproj.reproduction.tolerance import EXACT, Tolerance

numbers = st.floats(allow_nan=True, allow_infinity=True)
bounds = st.floats(min_value=0, max_value=1e308)


def test_a_tolerance_without_a_number_is_told_with_the_way_to_write_it() -> None:
    with pytest.raises(UsageError, match="'rmse' names no metric with how far it may be off") as caught:
        tolerance.parse(["rmse"])
    assert caught.value.hint is not None and "METRIC=0.01" in caught.value.hint


def test_a_tolerance_is_a_difference_or_a_part_and_a_star_stands_for_the_rest() -> None:
    found = tolerance.parse(["rmse=0.01", "loss = train = 5 %", "*=1e-9"])
    assert found == {"rmse": Tolerance(0.01), "loss = train ": Tolerance(0.05, relative=True), "*": Tolerance(1e-9)}
    assert tolerance.tolerance_for(found, "rmse").allows(1.0, 1.005) and not tolerance.tolerance_for(
        found, "rmse"
    ).allows(1.0, 1.02)
    assert tolerance.tolerance_for(found, "loss = train ").allows(-100, -104.9) and not tolerance.tolerance_for(
        found, "loss = train "
    ).allows(-100, -105.1)
    assert tolerance.tolerance_for(found, "other") == Tolerance(1e-9) and tolerance.tolerance_for({}, "other") == EXACT


@pytest.mark.parametrize(
    "word", ["", "rmse", "=1", "rmse=", "rmse=-1", "rmse=nan", "rmse=inf", "rmse=%", "rmse=a", "rmse=1%%"]
)
def test_what_is_no_tolerance_is_a_usage_error_with_what_to_write(word: str) -> None:
    with pytest.raises(UsageError) as raised:
        tolerance.parse([word])
    assert raised.value.hint and "METRIC=0.01" in raised.value.hint


def test_two_tolerances_for_one_metric_are_a_usage_error() -> None:
    with pytest.raises(UsageError, match="twice"):
        tolerance.parse(["a=1", "a=2%"])


@given(numbers, bounds, st.booleans())
@example(math.nan, 0.0, False)
@example(math.inf, 0.0, True)
def test_every_value_counts_as_itself(value: float, bound: float, relative: bool) -> None:
    assert Tolerance(bound, relative).allows(value, value)


@given(numbers, numbers)
def test_without_tolerance_only_the_same_value_counts(one: float, other: float) -> None:
    assert EXACT.allows(one, other) == (one == other or (math.isnan(one) and math.isnan(other)))


@given(
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([math.nan, math.inf, -math.inf]),
    bounds,
    st.booleans(),
)
def test_no_tolerance_is_wide_enough_for_what_is_no_number(
    value: float, odd: float, bound: float, relative: bool
) -> None:
    assert not Tolerance(bound, relative).allows(value, odd)
    assert not Tolerance(bound, relative).allows(odd, value)


@given(bounds, st.booleans())
def test_what_is_written_is_understood(bound: float, relative: bool) -> None:
    (found,) = tolerance.parse([f"m={bound!r}{'%' if relative else ''}"]).values()
    assert found == Tolerance(bound / 100 if relative else bound, relative)
