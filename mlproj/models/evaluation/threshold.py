"""The thresholds of ``mlflow.models.validate_evaluation_results`` from a file: its ``MetricThreshold``, by its rules.

    accuracy_score: {threshold: 0.8, min_absolute_change: 0.05, min_relative_change: 0.05, greater_is_better: true}

As in MLflow 3.17 (mlflow/models/evaluation/validation.py): what equals a limit passes; the baseline's value and the
change are added as floats and compared exactly; a relative change is one of the baseline's magnitude, and from a
baseline of 0 any change of 1e-10 will do. Unlike it, a plain threshold does not ask for the baseline's value, and no
comparison with a missing or undefined value is an exception: it fails.
"""

from __future__ import annotations

import math
from decimal import Decimal
from pathlib import Path
from typing import Any

from mlproj import yaml_document
from mlproj.foundation import presence
from mlproj.foundation.dataclass import dataclass
from mlproj.foundation.errors import InvalidProject, SourceError, did_you_mean
from mlproj.models.evaluation.metric import ALIASES, KNOWN, canonical

_FIELDS = ("threshold", "min_absolute_change", "min_relative_change", "greater_is_better")
_FROM_ZERO = 1e-10


@dataclass(frozen=True)
class Threshold:
    """One measure's limits; *metric* by MLflow's name, ``written`` as the file has it."""

    written: str
    metric: str
    greater_is_better: bool
    threshold: float | None = None
    min_absolute_change: float | None = None
    min_relative_change: float | None = None

    @property
    def needs_baseline(self) -> bool:
        """Whether it compares with the baseline."""
        return self.min_absolute_change is not None or self.min_relative_change is not None

    def limits(self, baseline: float | None) -> list[tuple[str, float | None]]:
        """Each limit with what it is called; None where the baseline has no value."""
        sign = 1 if self.greater_is_better else -1
        found: list[tuple[str, float | None]] = []
        if self.threshold is not None:
            found.append(("threshold", float(self.threshold)))
        known = None if baseline is None or math.isnan(baseline) else baseline
        if (change := self.min_absolute_change) is not None:
            found.append(("min_absolute_change", None if known is None else known + sign * change))
        if (relative := self.min_relative_change) is not None:
            found.append(("min_relative_change", None if known is None else _relative_limit(known, sign, relative)))
        return found

    def passes(self, name: str, value: float, limit: float | None, baseline: float | None) -> bool:
        """Whether *value* keeps the limit called *name*."""
        if limit is None or math.isnan(value):
            return False
        if name == "min_relative_change" and baseline and math.isfinite(value):
            change = (value - baseline) / abs(baseline) * (1 if self.greater_is_better else -1)
            assert self.min_relative_change is not None
            return change >= self.min_relative_change
        exact, bound = Decimal(value), Decimal(limit)
        return exact >= bound if self.greater_is_better else exact <= bound


def _relative_limit(baseline: float, sign: int, change: float) -> float:
    return baseline + sign * (change * abs(baseline) if baseline else _FROM_ZERO)


def load(path: Path) -> list[Threshold]:
    """The thresholds in a YAML or JSON file. Raises SourceError, InvalidProject with the place."""
    if not presence.is_file(path):
        raise SourceError(f"there is no file {path}")
    document = yaml_document.load(path, shown=str(path))
    if not isinstance(document.value, dict) or not document.value:
        raise InvalidProject("expected a mapping of measures to their thresholds", place=document.place())
    return [_threshold(document, name, fields) for name, fields in document.value.items()]


def _threshold(document: yaml_document.Document, name: Any, fields: Any) -> Threshold:
    def mistake(message: str, *keys: str, hint: str | None = None) -> InvalidProject:
        return InvalidProject(message, place=document.place(name, *keys), hint=hint)

    if (metric := canonical(str(name))) is None:
        guess = did_you_mean(str(name), sorted([*KNOWN, *ALIASES]))
        raise mistake(f"there is no measure {name}", hint=f"did you mean {guess!r}?" if guess else None)
    if not isinstance(fields, dict):
        raise mistake(f"expected a mapping with some of {', '.join(_FIELDS)}")
    for key, value in fields.items():
        if key not in _FIELDS:
            guess = did_you_mean(str(key), _FIELDS)
            raise mistake(f"there is no {key}", str(key), hint=f"did you mean {guess!r}?" if guess else None)
        if value is not None and (expected := _wrong(key, value)):
            raise mistake(f"{key} must be {expected}, found {value!r:.40}", key)
    if fields.get("greater_is_better") is None:
        raise mistake("greater_is_better must say true or false")
    found = {key: value for key, value in fields.items() if value is not None}
    if len(found) == 1:
        raise mistake(f"expected at least one of {', '.join(_FIELDS[:3])}")
    return Threshold(str(name), metric, **found)


def _wrong(key: str, value: Any) -> str | None:
    """What was expected instead of *value*; None when it is right."""
    if key == "greater_is_better":
        return None if isinstance(value, bool) else "true or false"
    is_number = type(value) in (int, float) and math.isfinite(value)
    if key == "threshold":
        return None if is_number else "a number"
    if key == "min_absolute_change":
        return None if is_number and value > 0 else "a number above 0"
    return None if is_number and 0 <= value <= 1 else "a number from 0 to 1"
