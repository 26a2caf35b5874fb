"""Two histories of one metric: are they the same, point by point?"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from mlproj.reproduction import tolerance
from mlproj.reproduction.tolerance import Tolerance
from mlproj.tracking.base import Metric


def in_order(points: Sequence[Metric]) -> list[Metric]:
    """The points by step, and at one step in the order in which they were logged."""
    return sorted(points, key=lambda point: (point.step, point.timestamp))


def are_alike(then: Sequence[Metric], now: Sequence[Metric], allowed: Tolerance = tolerance.EXACT) -> bool:
    """Whether two histories (:func:`in_order`) have the same steps, and at each the same values within *allowed*."""
    return _match(then, now, allowed) or (
        # Of points of one step and one millisecond nobody knows the order any more, and equal ones were kept once.
        (_has_ties(then) or _has_ties(now)) and _match(_settled(then), _settled(now), allowed)
    )


def first_difference(then: Sequence[Metric], now: Sequence[Metric]) -> int | None:
    """The first step at which two histories are not the same to the last digit; None when they are."""
    if are_alike(then, now):
        return None
    for one, two in zip(then, now, strict=False):
        if not _same(one, two, tolerance.EXACT):
            return min(one.step, two.step)
    longer = then if len(then) > len(now) else now
    return longer[min(len(then), len(now))].step


def _match(then: Sequence[Metric], now: Sequence[Metric], allowed: Tolerance) -> bool:
    return len(then) == len(now) and all(_same(one, two, allowed) for one, two in zip(then, now, strict=True))


def _same(one: Metric, two: Metric, allowed: Tolerance) -> bool:
    return one.step == two.step and allowed.allows(one.value, two.value)


def _has_ties(points: Sequence[Metric]) -> bool:
    return any((one.step, one.timestamp) == (two.step, two.timestamp) for one, two in pairwise(points))


def _settled(points: Sequence[Metric]) -> list[Metric]:
    """The different values of each step in the order of their size, each once."""
    known = {(point.step, repr(point.value)): point for point in points}
    return sorted(known.values(), key=lambda point: (point.step, point.value != point.value, point.value))
