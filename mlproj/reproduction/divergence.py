"""Where two runs that should be alike first part."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest

from mlproj.artifacts import record
from mlproj.backends import output_log
from mlproj.reproduction.file_difference import timeless
from mlproj.reproduction.results import Results

_WIDEST = 200  # characters of a line that is shown
_READ = 20_000_000  # bytes of a log


@dataclass(frozen=True)
class Divergence:
    """The first things that are not alike: a point of a metric, a line of what was printed (counted from 1, dates and times apart)."""

    metric: str | None = None
    step: int | None = None
    values: tuple[float, float] | None = None
    line: int | None = None
    texts: tuple[str, str] | None = None


def find(one: Results, other: Results) -> Divergence:
    """Where *other* parts from *one*."""
    metric, step, values = _metric(one, other)
    line, texts = _line(one, other)
    return Divergence(metric, step, values, line, texts)


def _metric(one: Results, other: Results) -> tuple[str | None, int | None, tuple[float, float] | None]:
    """The first point, by the time it was logged at, that has another value in the other run."""
    points = sorted(
        ((point, position) for series in one.metrics.values() for position, point in enumerate(series)),
        key=lambda found: (found[0].timestamp, found[0].step),
    )
    for point, position in points:
        twins = other.metrics.get(point.key, ())
        twin = twins[position] if position < len(twins) else None
        if twin is not None and not (twin.value == point.value or (twin.value != twin.value and point.value != point.value)):
            return point.key, point.step, (point.value, twin.value)
    return None, None, None


def _line(one: Results, other: Results) -> tuple[int | None, tuple[str, str] | None]:
    texts = [_log(results).splitlines() for results in (one, other)]
    for number, (left, right) in enumerate(zip_longest(*texts, fillvalue=""), start=1):
        if timeless(left) != timeless(right):
            return number, (left[:_WIDEST], right[:_WIDEST])
    return None, None


def _log(results: Results) -> str:
    content = record.read(results.run.run_id, results.run.artifact_uri, output_log.LOG)
    return (content or b"")[:_READ].decode("utf-8", "replace")
