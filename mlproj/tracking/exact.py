"""Values as plain JSON data, and back by the types that they are declared to have.

What the methods of :class:`~mlproj.tracking.base.TrackingStore` and :class:`~mlproj.tracking.model_base.ModelStore`
take and give crosses the network this way, whole: MLflow's own JSON has no infinity, no source and no environment of a
run.
"""

from __future__ import annotations

import functools
import math
import types
import typing
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from typing import Any

from mlproj.foundation.errors import UsageError
from mlproj.tracking.base import Page
from mlproj.tracking.sql.row import text

_NUMBERS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}


def encode(value: Any) -> Any:
    """*value* as JSON data. JSON has no NaN and no infinity: they become strings, as in protobuf's JSON."""
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str):
        return text(value)
    if isinstance(value, float):
        return (
            value
            if math.isfinite(value)
            else next(name for name, number in _NUMBERS.items() if repr(number) == repr(value))
        )
    if isinstance(value, Mapping):
        return {text(str(key)): encode(item) for key, item in value.items()}
    if isinstance(value, (Sequence, set, frozenset)):
        return [encode(item) for item in value]
    if hasattr(type(value), "__dataclass_fields__"):
        kind: Any = type(value)
        return {name: encode(getattr(value, name)) for name in _fields(kind)}
    return text(str(value))


def decode(data: Any, hint: Any, where: str) -> Any:
    """What *data* stands for where *hint* is declared. Raises UsageError that names *where* when it is something
    else."""
    if hint is Any or hint is object:
        return data
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _decode_union(data, arguments, where)
    if origin is Page:
        return _decode_object(data, Page, where, {"items": list[arguments[0]]})  # type: ignore[valid-type]
    if origin in (Sequence, list, tuple):
        return _decode_items(data, origin, arguments, where)
    if origin is Mapping:
        found = _expect(data, dict, where)
        return {key: decode(item, arguments[1], f"{where}.{key:.40}") for key, item in found.items()}
    if isinstance(hint, type) and issubclass(hint, Enum):
        try:
            return hint(data)
        except ValueError:
            raise _wrong(where, f"one of {', '.join(str(one.value) for one in hint)}", data) from None
    if hasattr(hint, "__dataclass_fields__"):
        return _decode_object(data, hint, where, {})
    return _decode_plain(data, hint, where)


def arguments_of(method: Callable[..., Any], data: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that *data* gives *method*, by their declared types. Raises UsageError for a wrong, missing or
    unknown one."""
    hints, required = _signature(method)
    unknown = data.keys() - hints.keys()
    if unknown:
        raise UsageError(f"unknown argument {min(unknown)!r:.80}")
    missing = required - data.keys()
    if missing:
        raise UsageError(f"missing argument {min(missing)!r}")
    for name, item in data.items():
        if isinstance(item, Mapping) and hasattr(hints[name], "__dataclass_fields__"):
            unknown = item.keys() - _fields(hints[name]).keys()
            if unknown:  # what is asked for is done whole or not at all
                raise UsageError(f"unknown argument {f'{name}.{min(unknown)}'!r:.80}")
    return {name: decode(item, hints[name], name) for name, item in data.items()}


def result_of(method: Callable[..., Any], data: Any) -> Any:
    """What *method* returned, by its declared type."""
    return decode(data, typing.get_type_hints(method)["return"], "result")


@functools.cache
def _signature(method: Callable[..., Any]) -> tuple[dict[str, Any], set[str]]:
    import inspect

    hints = typing.get_type_hints(method)
    hints.pop("return", None)
    parameters = inspect.signature(method).parameters
    return hints, {name for name in hints if parameters[name].default is inspect.Parameter.empty}


@functools.cache
def _fields(kind: Any) -> dict[str, Any]:
    return {name: hint for name, hint in typing.get_type_hints(kind).items() if not name.startswith("_")}


def _decode_union(data: Any, choices: Sequence[Any], where: str) -> Any:
    if data is None and type(None) in choices:
        return None
    first = next(choice for choice in choices if choice is not type(None))
    return decode(data, first, where)


def _decode_items(data: Any, origin: Any, arguments: tuple[Any, ...], where: str) -> Any:
    found = _expect(data, list, where)
    if origin is tuple and arguments[-1:] != (...,):
        if len(found) != len(arguments):
            raise _wrong(where, f"{len(arguments)} items", data)
        return tuple(
            decode(item, hint, f"{where}[{index}]")
            for index, (item, hint) in enumerate(zip(found, arguments, strict=True))
        )
    items = [decode(item, arguments[0], f"{where}[{index}]") for index, item in enumerate(found)]
    return items if origin is list else tuple(items)


def _decode_object(data: Any, kind: Any, where: str, known: Mapping[str, Any]) -> Any:
    """A dataclass; a field that is not known here comes from a newer server, and is left."""
    found = _expect(data, dict, where)
    hints = {**_fields(kind), **known}
    try:
        return kind(
            **{name: decode(item, hints[name], f"{where}.{name}") for name, item in found.items() if name in hints}
        )
    except TypeError:
        raise _wrong(where, f"a {kind.__name__} with its fields", sorted(found)) from None


def _decode_plain(data: Any, hint: Any, where: str) -> Any:
    if hint is float:
        if isinstance(data, str) and data in _NUMBERS:
            return _NUMBERS[data]
        if isinstance(data, (int, float)) and not isinstance(data, bool):
            return data
        raise _wrong(where, "a number", data)
    if hint is type(None):
        if data is not None:
            raise _wrong(where, "null", data)
        return None
    if hint is int and isinstance(data, int) and not -(2**63) <= data < 2**63:
        raise _wrong(where, "an integer that fits in 64 bits", data)
    if hint in (str, bool) or (hint is int and not isinstance(data, bool)):
        return _expect(data, hint, where)
    raise _wrong(where, getattr(hint, "__name__", str(hint)), data)


def _expect(data: Any, kind: type, where: str) -> Any:
    if not isinstance(data, kind):
        raise _wrong(
            where, {"str": "text", "dict": "an object", "list": "a list"}.get(kind.__name__, kind.__name__), data
        )
    return data


def _wrong(where: str, expected: str, data: Any) -> UsageError:
    return UsageError(f"{where}: expected {expected}, got {data!r:.80}")
