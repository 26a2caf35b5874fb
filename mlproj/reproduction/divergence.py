"""Where two runs that should be alike first part."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import zip_longest

from mlproj.reproduction import series, tolerance
from mlproj.reproduction.file_difference import timeless
from mlproj.reproduction.results import Results
from mlproj.run_folder import output_log, record
from mlproj.tracking.base import Metric

_WIDEST = 200  # characters of a line that is shown
_READ = 20_000_000  # bytes of a log


@dataclass(frozen=True)
class Divergence:
    """The first things that are not alike: a point of a metric, a line of what was printed (counted from 1, dates and
    times apart)."""

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
    found = []
    for name in one.metrics:
        then, now = (series.in_order(results.metrics.get(name, ())) for results in (one, other))
        if series.first_difference(then, now) is not None:
            pairs = zip(then, now, strict=False)
            found += [
                (point.timestamp, point.step, name, point.value, counterpart.value)
                for point, counterpart in pairs
                if _differ(point, counterpart)
            ][:1]
    if not found:
        return None, None, None
    _, step, name, value, other_value = min(found, key=lambda each: each[:3])
    return name, step, (value, other_value)


def _differ(point: Metric, counterpart: Metric) -> bool:
    return not tolerance.EXACT.allows(point.value, counterpart.value)


def _line(one: Results, other: Results) -> tuple[int | None, tuple[str, str] | None]:
    texts = [_log(results).splitlines() for results in (one, other)]
    for number, (left, right) in enumerate(zip_longest(*texts, fillvalue=""), start=1):
        if timeless(left) != timeless(right):
            return number, (left[:_WIDEST], right[:_WIDEST])
    return None, None


def _log(results: Results) -> str:
    content = record.read(results.run.run_id, results.run.artifact_uri, output_log.LOG)
    return (content or b"")[:_READ].decode("utf-8", "replace")
