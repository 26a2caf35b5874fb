"""Classes as texts, so that 1, 1.0, true and "1" of files, of JSON and of models are one class."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Any


def is_missing(value: Any) -> bool:
    """Whether there is no value: None, NaN, NaT, pandas' NA."""
    try:
        return value is None or bool(value != value)
    except TypeError:  # NA says neither
        return True
    except ValueError:  # an array has a value
        return False


def text_of(value: Any) -> str:
    """The class that *value* is. A whole number has no point; true and false keep their names."""
    if isinstance(value, float | Decimal) and math.isfinite(value) and value == int(value):
        return str(int(value))
    return {"True": "true", "False": "false"}.get(text := str(value), text)


def ordered(texts: Iterable[str]) -> list[str]:
    """Classes in the order that scikit-learn gives them: numbers by their value, texts by theirs."""
    distinct = set(texts)
    try:
        return sorted(distinct, key=float)
    except ValueError:
        return sorted(distinct)


def together(targets: Sequence[str], answers: Sequence[str]) -> tuple[list[str], list[str]]:
    """Both with truth values as numbers where either side has numbers: a file's ``true`` is a model's 1."""
    names = {"true": "1", "false": "0"}
    found = {*targets, *answers}
    if found <= {*names, *names.values()} and not found.isdisjoint(names.values()):
        return [names.get(one, one) for one in targets], [names.get(one, one) for one in answers]
    return list(targets), list(answers)


def is_number(value: Any) -> bool:
    """Whether *value* is a number, and no truth value."""
    import numbers

    return isinstance(value, numbers.Real | Decimal) and type(value).__name__ not in ("bool", "bool_")


def are_scores(targets: Sequence[str], answers: Sequence[Any]) -> bool:
    """Whether *answers* are probabilities where the targets are two classes, not numbers with fractions."""
    classes = set(targets)
    if len(classes) > 2 or not all(map(is_number, answers)):
        return False
    if not classes <= {"0", "1", "false", "true"} and any(map(_reads_as_number, classes)):
        return False
    numbers = [float(one) for one in answers]
    return all(0 <= one <= 1 for one in numbers) and not all(map(float.is_integer, numbers))


def _reads_as_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
