"""How far a metric may be from what it was and still count as the same: ``--tolerance rmse=0.01``, ``rmse=1%``,
``*=1e-9``."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mlproj.foundation.errors import UsageError

ALL = "*"
"""Stands for every metric that has no tolerance of its own."""


@dataclass(frozen=True)
class Tolerance:
    """A bound on the difference of two values; ``relative`` ones are a part of the first value."""

    bound: float = 0.0
    relative: bool = False

    def allows(self, before: float, after: float) -> bool:
        """Whether *after* counts as *before*. What is no number, and infinities, only equal themselves."""
        if before == after or (math.isnan(before) and math.isnan(after)):
            return True
        if not (math.isfinite(before) and math.isfinite(after)):
            return False
        return abs(after - before) <= (self.bound * abs(before) if self.relative else self.bound)


EXACT = Tolerance()


def parse(words: Sequence[str]) -> dict[str, Tolerance]:
    """The tolerances that *words* give, by metric. Raises UsageError."""
    found: dict[str, Tolerance] = {}
    for word in words:
        name, equals, text = word.rpartition("=")
        percent = text.strip().endswith("%")
        try:
            bound = float(text.strip().removesuffix("%")) / (100 if percent else 1)
        except ValueError:
            bound = math.nan
        if not equals or not name or not (math.isfinite(bound) and bound >= 0):
            raise UsageError(
                f"--tolerance {word!r} names no metric with how far it may be off",
                hint="write METRIC=0.01, METRIC=1%, or *=1e-9 for all metrics",
            )
        if name in found:
            raise UsageError(f"--tolerance for {name!r} is given twice")
        found[name] = Tolerance(bound, percent)
    return found


def tolerance_for(tolerances: Mapping[str, Tolerance], metric: str) -> Tolerance:
    """The tolerance for *metric*."""
    return tolerances.get(metric) or tolerances.get(ALL) or EXACT
