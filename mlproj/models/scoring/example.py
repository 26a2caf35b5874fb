"""A body that a model can be asked with: its own example, or one made of what its signature says."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlproj.foundation import presence
from mlproj.models.opened import OpenedModel
from mlproj.models.signature import Column, DataType, Signature, Tensor

_LARGEST_EXAMPLE = 4 << 20  # bytes
_VALUES: Mapping[str, Any] = {"boolean": False, "integer": 0, "long": 0, "float": 0.5, "double": 0.5, "string": "a"}
_VALUES = {**_VALUES, "binary": "", "datetime": "2000-01-01T00:00:00", "any": None}
_MOST_VALUES = 1_000_000


def example_of(opened: OpenedModel) -> bytes | None:
    """A body that the model can be asked with: the serving example, else the input example as one; None without any."""
    for name in _names(opened):
        file = opened.folder / name
        if presence.is_file(file) and file.stat().st_size <= _LARGEST_EXAMPLE:
            body = _as_request(file.read_bytes())
            if body is not None:
                return body
    return None


def _names(opened: OpenedModel) -> list[str]:
    info = opened.file.document.get("saved_input_example_info")
    names = [info.get("serving_input_path"), info.get("artifact_path")] if isinstance(info, Mapping) else []
    return [Path(name).name for name in names if isinstance(name, str)] or ["serving_input_example.json"]


def _as_request(content: bytes) -> bytes | None:
    """*content* as a body: what MLflow 2 and before wrote is the bare table of ``dataframe_split``, or a value."""
    try:
        found = json.loads(content)
    except (ValueError, RecursionError):
        return None
    if isinstance(found, dict) and found.keys() & {"dataframe_split", "dataframe_records", "inputs", "instances"}:
        return content
    if isinstance(found, dict) and {"data"} <= found.keys() <= {"data", "columns", "index"}:
        return json.dumps({"dataframe_split": found}).encode()
    if isinstance(found, dict) and found.keys() & {"messages", "prompt", "input"}:
        return content
    return json.dumps({"inputs": found}).encode()


def made_up(signature: Signature | None) -> bytes | None:
    """A body of one row that fits *signature*; None without one."""
    inputs = signature.inputs if signature else None
    if not inputs:
        return None
    if all(isinstance(one, Column) for one in inputs):
        names = [one.name for one in inputs]
        row = [_value(one.type) for one in inputs if isinstance(one, Column)]
        table = {"data": [row]} if None in names else {"columns": names, "data": [row]}
        return json.dumps({"dataframe_split": table}).encode()
    tensors = {one.name: _nested(one) for one in inputs if isinstance(one, Tensor)}
    return json.dumps({"inputs": tensors.get(None, tensors)}).encode()


def _value(kind: DataType) -> Any:
    if kind.name == "array":
        return [_value(kind.items)] if kind.items else []
    if kind.name == "map":
        return {"a": _value(kind.items)} if kind.items else {}
    if kind.name == "object":
        return {part.name: _value(part.type) for part in kind.properties if part.required}
    return _VALUES[kind.name]


def _nested(tensor: Tensor) -> Any:
    value: Any = "a" if tensor.dtype in ("str", "object") else "" if tensor.dtype == "bytes" else 0
    count = 1
    for size in reversed(tensor.shape):
        count *= max(size, 1)
        value = [value] * (max(size, 1) if count <= _MOST_VALUES else 1)
    return value
