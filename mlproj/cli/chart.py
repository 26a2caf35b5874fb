"""Small charts of plain characters: the history of a metric in one line."""

from __future__ import annotations

import math
from collections.abc import Sequence

_BARS = "▁▂▃▄▅▆▇█"
_PLAIN_BARS = "_.-=+*%#"  # where the terminal's encoding knows no blocks


def sparkline(values: Sequence[float], width: int, unicode: bool = True) -> str:
    """*values* from left to right in at most *width* characters, the highest as the fullest bar.

    More values than characters are averaged by groups. A gap is shown for what is not finite.
    """
    bars = _BARS if unicode else _PLAIN_BARS
    grouped = [_mean(values[start:end]) for start, end in _groups(len(values), width)]
    finite = [value for value in grouped if math.isfinite(value)]
    if not finite:
        return " " * len(grouped)
    low, high = min(finite), max(finite)
    # Halves, because the difference of two finite values may not be finite.
    span = high / 2 - low / 2
    return "".join(
        _bar((value / 2 - low / 2) / span if span else 0.5, bars) if math.isfinite(value) else " " for value in grouped
    )


def _bar(share: float, bars: str) -> str:
    return bars[min(int(share * len(bars)), len(bars) - 1)]


def _groups(count: int, width: int) -> list[tuple[int, int]]:
    """The bounds of at most *width* neighbouring groups of nearly equal size."""
    groups = min(count, width)
    return [(index * count // groups, (index + 1) * count // groups) for index in range(groups)]


def _mean(values: Sequence[float]) -> float:
    finite = [value for value in values if math.isfinite(value)]
    return sum(value / len(finite) for value in finite) if finite else math.nan
