"""A signature from example data, by the rules of ``mlflow.models.infer_signature``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mlproj.foundation.errors import UsageError
from mlproj.models.writing.written_type import ANY, WITH_PARTS, NoType, is_null, of_dtype, of_value, tensor

Schema = list[dict[str, Any]]


def infer_schema(data: Any) -> Schema:
    """The schema of inputs or outputs like *data*; a single column of any type where it cannot be said."""
    try:
        return _schema(data)
    except NoType:
        return [dict(ANY)]


def infer_params(params: Mapping[str, Any] | None) -> Schema | None:
    """The schema of parameters with these defaults. Raises UsageError."""
    if not params:
        return None
    return [_param(name, value) for name, value in params.items()]


def to_document(inputs: Any, outputs: Any, params: Any = None) -> dict[str, str | None]:
    """The signature of an ``MLmodel`` made of schemas."""
    parts = {"inputs": inputs, "outputs": outputs, "params": params}
    return {name: None if part is None else json.dumps(part) for name, part in parts.items()}


def _schema(data: Any) -> Schema:
    kind = type(data).__name__
    if kind == "DataFrame":
        return [_series(data.iloc[:, index], name) for index, name in enumerate(data.columns)]
    if kind == "Series":
        return [_series(data, data.name)]
    if kind == "ndarray":
        return [tensor(data)]
    if kind.startswith(("csr_", "csc_")):
        return [{"type": "tensor", "tensor-spec": {"dtype": str(data.dtype), "shape": [-1, *data.shape[1:]]}}]
    if isinstance(data, list):
        return _of_list(data)
    if isinstance(data, dict):
        return _of_dict(data)
    found = of_value(data)
    return [dict(ANY) if found is None else _named(found)]


def _series(column: Any, name: Any) -> dict[str, Any]:
    required = not any(is_null(value) for value in column)
    return _named(_of_series(column), name, required)


def _of_series(column: Any) -> dict[str, Any]:
    if column.dtype.kind == "O":
        column = column.infer_objects()
    if column.dtype.kind != "O":
        return {"type": of_dtype(column.dtype)}
    listed = of_value(column.to_list())
    if listed is None:
        raise NoType("an empty column of objects says no type")
    items: dict[str, Any] = listed["items"] if listed["type"] == "array" else {"type": "string"}
    return items


def _named(found: dict[str, Any], name: Any = None, required: bool = True) -> dict[str, Any]:
    """A column; one without a name is always required."""
    named = found if name is None else {**found, "name": _plain(name)}
    required = required or name is None
    return named if required and found["type"] not in WITH_PARTS else {**named, "required": required}


def _plain(name: Any) -> Any:
    return name.item() if hasattr(name, "item") else name


def _of_list(data: list[Any]) -> Schema:
    if not data:
        return [{"type": "string"}]
    if all(isinstance(item, dict) for item in data):
        names = dict.fromkeys(name for item in data for name in item)
        return [_of_key(data, name) for name in names]
    found = of_value(data)
    if found is None:
        raise NoType("empty arrays say no type")
    return [_named(found["items"])]


def _of_key(rows: list[dict[str, Any]], name: str) -> dict[str, Any]:
    listed = of_value([row[name] for row in rows if name in row])
    if listed is None:
        raise NoType(f"the values of {name} are empty arrays")
    return _named(listed["items"], name, all(row.get(name) is not None for row in rows))


def _of_dict(data: dict[Any, Any]) -> Schema:
    if data and all(type(value).__name__ == "ndarray" for value in data.values()):
        return [tensor(value, name) for name, value in data.items()]
    if any(not isinstance(key, str) for key in data):
        raise NoType("a dictionary with keys that are no texts")
    return [_of_entry(name, value) for name, value in data.items()]


def _of_entry(name: str, value: Any) -> dict[str, Any]:
    found = of_value(value)
    if found is None:
        raise NoType(f"{name} is an empty array")
    items = value if isinstance(value, list) else [value]
    return _named(found, name, not any(is_null(item) for item in items))


def _param(name: str, value: Any) -> dict[str, Any]:
    is_list = isinstance(value, list | tuple) or type(value).__name__ == "ndarray"
    first = next(iter(value), None) if is_list else value
    if is_list and first is None:
        raise UsageError(f"the parameter {name} is an empty list, which says no type")
    if isinstance(first, Mapping):
        raise UsageError(f"the parameter {name} is a mapping, which MLflow before 2.15 does not know; give its values")
    found = of_value(first)
    if found is None or found["type"] in ("any", "array"):
        raise UsageError(f"the parameter {name} has no value to take a type from")
    default = [_plain(item) for item in value] if is_list else _plain(value)
    return {"name": name, "type": found["type"], "default": default, "shape": [-1] if is_list else None}
