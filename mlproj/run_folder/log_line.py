"""What a line says that a program appended to one of its run's files; pure, and content with whatever it is given.

A metric is ``name=value``, then perhaps `` step=N`` and `` timestamp=MS`` (UTC milliseconds); the value follows the
*last* ``=`` before those, so a name may hold one. A parameter or tag is ``name=value``, divided at the *first* ``=``,
so a value may. A line that begins with ``{`` is a JSON object: ``{"name": …, "value": …}`` (metrics: also ``"step"``
and ``"timestamp"``), or a mapping of names to values (metrics: where ``"step"`` and ``"timestamp"`` speak of all the
others).
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from mlproj.foundation.quantity import FIRST_MOMENT, LAST_MOMENT

_OPTION = re.compile(r"(.*\S)\s+(step|timestamp)=(\S+)", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_INT64 = range(-(2**63), 2**63)
_SHOWN = 80  # characters of what is wrong


class Point(NamedTuple):
    """A metric's value; None for a step or a time (UTC milliseconds) that the line does not name."""

    name: str
    value: float
    step: int | None = None
    timestamp: int | None = None


class _Wrong(ValueError):
    """Says what is wrong."""


def metrics(line: str) -> tuple[list[Point], list[str]]:
    """The points of a line, and what is wrong with the rest of it. Never raises."""
    points: list[Point] = []
    problems: list[str] = []
    try:
        if line.startswith("{"):
            document = _document(line)
            named = [(document["name"], document["value"])] if _is_one(document) else _others(document)
            step, timestamp = _whole("step", document.get("step")), _moment(document.get("timestamp"))
        else:
            name, value, options = _plain_metric(line)
            named = [(name, value)]
            step, timestamp = _whole("step", options.get("step")), _moment(options.get("timestamp"))
    except _Wrong as wrong:
        return [], [str(wrong)]
    for name, value in named:
        try:
            points.append(Point(_name(name), _number(value), step, timestamp))
        except _Wrong as wrong:
            problems.append(str(wrong))
    return points, problems


def texts(line: str) -> tuple[list[tuple[str, str]], list[str]]:
    """The names and values of a line of parameters or tags, and what is wrong with the rest of it. Never raises."""
    try:
        if line.startswith("{"):
            document = _document(line)
            named = [(document["name"], document["value"])] if _is_one(document) else list(document.items())
        else:
            name, equals, value = line.partition("=")
            if not equals:
                raise _Wrong(f"expected name=value, found {_shown(line)}")
            named = [(name.strip(), value.strip())]
    except _Wrong as wrong:
        return [], [str(wrong)]
    pairs, problems = [], []
    for name, value in named:
        try:
            pairs.append((_name(name), _text(value)))
        except _Wrong as wrong:
            problems.append(str(wrong))
    return pairs, problems


def name_problem(name: str) -> str | None:
    """What is wrong with the name of a metric, parameter or tag; None for a good one."""
    if not name:
        return "the name is empty"
    if _CONTROL.search(name):
        return f"a name is one line without control characters, found {_shown(name)}"
    return None


def _plain_metric(line: str) -> tuple[str, str, dict[str, str]]:
    rest, options = line, dict[str, str]()
    while (match := _OPTION.fullmatch(rest)) and "=" in match[1] and match[2] not in options:
        rest, options[match[2]] = match[1], match[3]
    name, equals, value = rest.rpartition("=")
    if not equals:
        raise _Wrong(f"expected name=value, found {_shown(line)}")
    return name.strip(), value.strip(), options


def _document(line: str) -> dict[str, Any]:
    try:
        document = json.loads(line)
    except (ValueError, RecursionError):
        raise _Wrong(f"a line that begins with {{ must be a JSON object, found {_shown(line)}") from None
    assert isinstance(document, dict)  # it begins with {
    return document


def _is_one(document: dict[str, Any]) -> bool:
    return (
        isinstance(document.get("name"), str)
        and "value" in document
        and document.keys() <= {"name", "value", "step", "timestamp"}
    )


def _others(document: dict[str, Any]) -> list[tuple[Any, Any]]:
    return [(name, value) for name, value in document.items() if name not in ("step", "timestamp")]


def _name(name: str) -> str:
    problem = name_problem(name)
    if problem:
        raise _Wrong(problem)
    return name


def _number(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        raise _Wrong(f"expected a number, found {_shown(value)}") from None


def _whole(what: str, value: Any) -> int | None:
    if value is None:
        return None
    try:
        number = int(value)
        if number in _INT64 and (isinstance(value, str) or number == value):
            return number
    except (TypeError, ValueError, OverflowError):
        pass
    raise _Wrong(f"{what} must be an integer of 64 bits, found {_shown(value)}")


def _moment(value: Any) -> int | None:
    """A time that a calendar has, as the server wants it too: seconds pass, nanoseconds do not."""
    found = _whole("timestamp", value)
    if found is not None and not FIRST_MOMENT <= found <= LAST_MOMENT:
        raise _Wrong(f"timestamp must be UTC milliseconds between the years 1 and 9999, found {_shown(value)}")
    return found


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    if "\0" in text:
        raise _Wrong("a value cannot hold a NUL character")
    return text


def _shown(value: Any) -> str:
    if not isinstance(value, str):
        try:
            value = json.dumps(value, ensure_ascii=False)
        except (ValueError, RecursionError):  # an integer of very many digits
            value = "something too large"
    return repr(value[:_SHOWN]) + (" …" if len(value) > _SHOWN else "")
