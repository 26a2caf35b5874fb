"""Lines for a run's files. Raises UsageError for what cannot be logged, before anything is written."""

from __future__ import annotations

import json
import math
import operator
from typing import Any

from mlproj.foundation.errors import UsageError
from mlproj.foundation.quantity import FIRST_MOMENT, LAST_MOMENT

_INT64 = range(-(2**63), 2**63)
_KNOWN_AT_MOST = 10_000
_known: dict[str, str] = {}


def metric(name: str, value: Any, step: int, timestamp: int) -> str:
    """One point; *timestamp* is UTC milliseconds."""
    try:
        quoted = _known[name]
    except (KeyError, TypeError):
        quoted = quote(name, "metric")
    if type(value) is not float:
        value = _float(name, value)
    # JSON has no words for these; Python's reader of it, which reads this, has.
    shown = (
        repr(value) if value - value == 0 else "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    )
    return f'{{"name":{quoted},"value":{shown},"step":{step},"timestamp":{timestamp}}}\n'


def text(kind: str, name: str, value: Any) -> str:
    """A parameter or tag (*kind*); any value is logged as its text."""
    quoted = quote(name, kind)
    shown = str(value)
    if "\0" in shown:
        raise UsageError(f"{kind} {name!r}: a value cannot hold a NUL character")
    return f'{{"name":{quoted},"value":{json.dumps(shown)}}}\n'


def integer(what: str, value: Any) -> int:
    """An integer of 64 bits, such as a step."""
    try:
        number = int(value) if isinstance(value, float) and value.is_integer() else operator.index(value)
    except TypeError:
        number = None
    if number is None or number not in _INT64:
        raise UsageError(f"{what} must be an integer of 64 bits, found {value!r:.80}")
    return number


def moment(value: Any) -> int:
    """A timestamp in UTC milliseconds, of a time that a calendar has."""
    number = integer("timestamp", value)
    if not FIRST_MOMENT <= number <= LAST_MOMENT:
        raise UsageError(f"timestamp must be UTC milliseconds between the years 1 and 9999, found {number}")
    return number


def quote(name: Any, kind: str) -> str:
    """*name* as JSON, if it is a name."""
    if not isinstance(name, str):
        raise UsageError(f"the name of a {kind} must be text, found {name!r:.80}")
    if not name.strip():
        raise UsageError(f"the name of a {kind} is empty")
    if not name.isprintable() and any(character < " " or character == "\x7f" for character in name):
        raise UsageError(f"the name of a {kind} is one line without control characters, found {name!r:.80}")
    if len(_known) < _KNOWN_AT_MOST:
        _known[name] = json.dumps(name)
    return json.dumps(name)


def _float(name: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError, RuntimeError) as error:
        raise UsageError(f"metric {name!r} must be a number, found {value!r:.80}") from error
