from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlproj.cli.chart import sparkline


def test_the_lowest_value_has_the_lowest_bar_and_the_highest_the_fullest() -> None:
    assert sparkline([0.0, 1.0, 7.0], 10) == "▁▂█"


def test_more_values_than_room_are_averaged_by_groups() -> None:
    assert sparkline([0, 0, 10, 10], 2) == "▁█"


def test_what_never_changes_is_drawn_in_the_middle() -> None:
    assert sparkline([3.0, 3.0], 10) == "▅▅"


def test_gaps_stand_for_what_is_not_finite() -> None:
    assert sparkline([0.0, math.nan, math.inf, 1.0], 10) == "▁  █"
    assert sparkline([math.nan], 10) == " "


def test_a_terminal_without_blocks_gets_plain_characters() -> None:
    assert sparkline([0.0, 1.0], 10, unicode=False) == "_#"


@given(st.lists(st.floats(), max_size=50), st.integers(1, 40))
def test_any_values_fit_into_the_width(values: list[float], width: int) -> None:
    assert len(sparkline(values, width)) == min(len(values), width)


@pytest.mark.parametrize("extreme", [1.7e308, 5e-324])
def test_the_greatest_and_the_smallest_numbers_can_be_drawn(extreme: float) -> None:
    assert sparkline([-extreme, extreme], 10)[0] in "▁▅"
