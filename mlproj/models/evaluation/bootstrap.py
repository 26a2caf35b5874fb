"""How sure a measure is: intervals by the bootstrap, of one model and of the difference of two on the same rows."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from mlproj.foundation.dataclass import dataclass
from mlproj.models.evaluation.metric import measured
from mlproj.models.evaluation.sample import Array, Sample

_MOST_UNDEFINED = 0.05  # of the replicates


@dataclass(frozen=True)
class Interval:
    """Where the value lies with the confidence that was asked for, by percentiles of the replicates."""

    low: float
    high: float


@dataclass(frozen=True)
class Resampling:
    """``replicates`` of the rows, drawn with the same ``seed`` every time; 0: no intervals."""

    replicates: int = 200
    confidence: float = 0.95
    seed: int = 0


@dataclass(frozen=True)
class Intervals:
    """Those of the model, of the baseline and of the difference (model less baseline), by measure; a measure that has
    no value in too many replicates has none."""

    model: Mapping[str, Interval]
    baseline: Mapping[str, Interval]
    difference: Mapping[str, Interval]


def intervals(sample: Sample, other: Sample | None, names: Sequence[str], how: Resampling) -> Intervals:
    """Of the measures *names*. Both samples are of the same rows, which are drawn together."""
    from sklearn import config_context

    if not how.replicates or len(sample) < 2:
        return Intervals({}, {}, {})
    ours, theirs = _defined(sample, names), _defined(other, names)
    # What is drawn was looked at as a whole: looking again takes scikit-learn half of the time.
    with config_context(assume_finite=True, skip_parameter_validation=True):
        return _replicated(sample, other, ours, theirs, how)


def _defined(sample: Sample | None, names: Sequence[str]) -> list[str]:
    found = {} if sample is None else measured(sample, names)
    return [name for name, value in found.items() if math.isfinite(value)]


def _replicated(
    sample: Sample, other: Sample | None, names: Sequence[str], other_names: Sequence[str], how: Resampling
) -> Intervals:
    import numpy

    draws = numpy.random.default_rng(how.seed)
    ours = {name: numpy.full(how.replicates, math.nan) for name in names}
    theirs = {name: numpy.full(how.replicates, math.nan) for name in other_names}
    for number in range(how.replicates):
        rows = draws.integers(0, len(sample), len(sample))
        for name, value in measured(sample.take(rows), names).items():
            ours[name][number] = value
        for name, value in measured(other.take(rows), other_names).items() if other is not None else ():
            theirs[name][number] = value
    differences = {name: ours[name] - theirs[name] for name in names if name in theirs}
    return Intervals(*(_intervals(values, how.confidence) for values in (ours, theirs, differences)))


def _intervals(replicates: Mapping[str, Array], confidence: float) -> dict[str, Interval]:
    import numpy

    found = {}
    for name, values in replicates.items():
        known = values[numpy.isfinite(values)]
        if len(known) and len(known) >= (1 - _MOST_UNDEFINED) * len(values):
            low, high = numpy.quantile(known, [(1 - confidence) / 2, (1 + confidence) / 2])
            found[name] = Interval(float(low), float(high))
    return found
