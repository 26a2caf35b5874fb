"""Types of columns, tensors and parameters as MLflow's signatures write them, inferred from values.

The rules are those of ``mlflow.models.infer_signature`` of MLflow 3.17. A required column of a plain type is written
without ``required``, which MLflow before 2.10 does not know and later ones take for granted; one with parts, which
those know anyway, has it.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Mapping, Sequence
from typing import Any

from mlproj.foundation.errors import UsageError

ANY = {"type": "any"}
WITH_PARTS = ("array", "object", "map")
_SCALARS = {
    "bool": "boolean",
    "bool_": "boolean",
    "int": "long",
    "int64": "long",
    "int32": "integer",
    "float": "double",
    "float64": "double",
    "float32": "float",
    "str": "string",
    "str_": "string",
    "bytes": "binary",
    "bytes_": "binary",
    "bytearray": "binary",
}


class NoType(UsageError):
    """A value that MLflow's signatures have no type for."""


def is_null(value: Any) -> bool:
    """Whether a value stands for nothing: None, NaN, pandas's NA and NaT."""
    if value is None or type(value).__name__ in ("NAType", "NaTType"):
        return True
    return isinstance(value, float) and math.isnan(value)


def of_value(value: Any) -> dict[str, Any] | None:
    """The type of one value; None where an empty array leaves it open. Raises NoType."""
    if is_null(value) or (isinstance(value, list | dict) and not value):
        return dict(ANY)
    if isinstance(value, Mapping):
        return {"type": "object", "properties": {str(key): _property(item) for key, item in value.items()}}
    if isinstance(value, list) or type(value).__name__ == "ndarray":
        return _of_items(value)
    return _of_scalar(value)


def _property(value: Any) -> dict[str, Any]:
    found = of_value(value)
    if found is None:
        raise NoType("an empty array says no type")
    return {**found, "required": found != ANY}


def _of_items(values: Sequence[Any]) -> dict[str, Any] | None:
    found: dict[str, Any] | None = None
    for value in values:
        one = of_value(value)
        if one is not None:
            found = one if found is None else _merged(found, one)
    return None if found is None else {"type": "array", "items": found}


def _of_scalar(value: Any) -> dict[str, Any]:
    name = _SCALARS.get(type(value).__name__)
    if name:
        return {"type": name}
    if isinstance(value, datetime.date) or type(value).__name__ in ("datetime64", "Timestamp"):
        return {"type": "datetime"}
    raise NoType(f"{value!r:.80} is of no type that a signature can name")


def _merged(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """The type of a list that holds both. Raises NoType."""
    if one == other or other["type"] == "any":
        return one
    if one["type"] == "any":
        return other
    if one["type"] == other["type"] == "array":
        return {"type": "array", "items": _merged(one["items"], other["items"])}
    if one["type"] == other["type"] == "object":
        return {"type": "object", "properties": _merged_properties(one["properties"], other["properties"])}
    raise NoType(f"values of several types, {one['type']} and {other['type']}, are in one column or list")


def _merged_properties(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    merged = {}
    for name in [*one, *(name for name in other if name not in one)]:
        if name in one and name in other:
            merged[name] = _merged_property(one[name], other[name])
        else:
            merged[name] = {**(one.get(name) or other[name]), "required": False}
    return merged


def _merged_property(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    plain = [{key: value for key, value in each.items() if key != "required"} for each in (one, other)]
    return {**_merged(*plain), "required": one["required"] and other["required"]}


def of_dtype(dtype: Any) -> str:
    """The name of the type of a column of NumPy's or pandas's type *dtype*. Raises NoType."""
    kind, size = dtype.kind, getattr(dtype, "itemsize", 8)
    if kind in "iu":
        if size < 4 or (kind == "i" and size == 4):
            return "integer"
        if size < 8 or kind == "i":
            return "long"
    elif kind == "f" and size <= 8:
        return "float" if size <= 4 else "double"
    elif kind in "bUSM":
        return {"b": "boolean", "U": "string", "S": "binary", "M": "datetime"}[kind]
    raise NoType(f"columns of the type {dtype} have no name in a signature")


def tensor(array: Any, name: str | None = None) -> dict[str, Any]:
    """An array's entry in a schema; the first dimension is free."""
    if not array.shape:
        raise NoType("an array without dimensions has no rows")
    dtype = {"U": "str", "S": "bytes"}.get(array.dtype.char, str(array.dtype))
    spec = {"type": "tensor", "tensor-spec": {"dtype": dtype, "shape": [-1, *array.shape[1:]]}}
    return spec if name is None else {"name": name, **spec}
