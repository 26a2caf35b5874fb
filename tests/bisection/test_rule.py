from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlproj.bisection.rule import decide
from mlproj.foundation.errors import UsageError

NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


def rule(good: float, bad: float, **options: Any) -> Any:
    return decide("acc", good, bad, **{"threshold": None, "higher_is_better": None, **options})


@given(good=NUMBERS, bad=NUMBERS)
def test_two_values_are_always_told_apart(good: float, bad: float) -> None:
    if good != bad:
        assert not rule(good, bad).is_bad(good)
        assert rule(good, bad).is_bad(bad)


def test_without_a_threshold_it_is_the_middle_and_the_ends_tell_the_direction() -> None:
    falls, rises = rule(0.9, 0.7), rule(1, 3)

    assert (falls.is_bad(0.79), falls.is_bad(0.81)) == (True, False)
    assert (rises.is_bad(2.1), rises.is_bad(1.9)) == (True, False)


def test_a_threshold_itself_is_not_bad() -> None:
    told = rule(0.9, 0.7, threshold=0.85)

    assert (told.is_bad(0.85), told.is_bad(0.849)) == (False, True)


def test_infinity_can_be_bad_beyond_a_threshold() -> None:
    assert rule(1, math.inf, threshold=100).is_bad(101)


@pytest.mark.parametrize(
    ("good", "bad", "options", "told"),
    [
        (0.5, 0.5, {}, "acc is 0.5 at both ends"),
        (0.9, 0.7, {"threshold": 0.5}, "0.9 at the good end and 0.7 at the bad one: --threshold 0.5 is not between"),
        (0.9, 0.7, {"threshold": 0.95}, "not between"),
        (0.9, 0.7, {"threshold": 0.7}, "not between"),
        (0.7, 0.9, {"higher_is_better": True}, "with --higher-is-better it became better"),
        (0.9, 0.7, {"higher_is_better": False}, "with --lower-is-better it became better"),
        (1, math.inf, {}, "no middle"),
    ],
)
def test_ends_that_tell_nothing_are_refused_with_their_values(
    good: float, bad: float, options: dict[str, Any], told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        rule(good, bad, **options)


@pytest.mark.parametrize(("good", "bad", "higher_is_better"), [(0.9, 0.7, True), (1, 2, False)])
def test_ends_that_became_worse_are_accepted(good: float, bad: float, higher_is_better: bool) -> None:
    assert rule(good, bad, higher_is_better=higher_is_better).is_bad(bad)
