from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from mlproj.reproduction.series import are_alike, first_difference, in_order
from mlproj.reproduction.tolerance import Tolerance
from mlproj.tracking.base import Metric


def points(*found: tuple[int, int, float]) -> list[Metric]:
    """Points by (step, time, value)."""
    return in_order([Metric("m", value, when, step) for step, when, value in found])


values = st.floats(width=32)
histories = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 5), values))


def test_the_first_step_that_differs_is_told() -> None:
    then = points((0, 1, 0.5), (1, 2, 0.25), (2, 3, 0.1))
    assert first_difference(then, points((0, 7, 0.5), (1, 8, 0.2), (2, 9, 0.1))) == 1
    assert first_difference(then, points((0, 7, 0.5), (1, 8, 0.25))) == 2
    assert first_difference(then, points((0, 7, 0.5), (1, 8, 0.25), (2, 9, 0.1), (3, 10, 0.0))) == 3
    assert first_difference(then, points((0, 7, 0.5), (2, 9, 0.1))) == 1


def test_values_of_one_step_are_compared_in_the_order_in_which_they_were_logged() -> None:
    assert not are_alike(points((0, 1, 0.9), (0, 2, 0.5)), points((0, 1, 0.5), (0, 2, 0.9)))


def test_within_one_millisecond_the_order_is_not_known_and_what_is_equal_was_kept_once() -> None:
    assert are_alike(points((0, 1, 0.5), (0, 1, 0.9)), points((0, 1, 0.9), (0, 2, 0.5)))
    assert are_alike(points((0, 1, 0.5), (0, 1, 0.9)), points((0, 1, 0.9), (0, 2, 0.5), (0, 3, 0.5)))
    assert not are_alike(points((0, 1, 0.5), (0, 1, 0.9)), points((0, 1, 0.9), (0, 2, 0.4)))


def test_a_tolerance_holds_at_every_point() -> None:
    then = points((0, 1, 1.0), (1, 2, 2.0))
    assert are_alike(then, points((0, 1, 1.09), (1, 2, 1.91)), Tolerance(0.1))
    assert not are_alike(then, points((0, 1, 1.09), (1, 2, 1.8)), Tolerance(0.1))


@given(histories, st.integers(1, 10**6))
def test_the_same_points_at_another_time_are_the_same(found: list[tuple[int, int, float]], later: int) -> None:
    then, now = points(*found), points(*((step, when + later, value) for step, when, value in found))
    assert are_alike(then, now) and first_difference(then, now) is None


@given(histories, histories)
def test_histories_part_somewhere_or_are_alike(
    one: list[tuple[int, int, float]], other: list[tuple[int, int, float]]
) -> None:
    then, now = points(*one), points(*other)
    step = first_difference(then, now)
    assert (step is None) == are_alike(then, now)
    assert step is None or step in {point.step for point in (*then, *now)}
