"""The example of a model's input: as files in its folder, in MLflow's forms."""

from __future__ import annotations

import base64
import datetime
import json
from pathlib import Path
from typing import Any

from mlproj.foundation.errors import UsageError
from mlproj.models.writing.written_type import is_null

_FILE, _SERVED = "input_example.json", "serving_input_example.json"
_CHAT_KEYS = ("messages", "prompt", "input")


def parts_of(example: Any) -> tuple[Any, dict[str, Any] | None]:
    """The data of an example, and the parameters where it is a pair of both."""
    if isinstance(example, tuple) and len(example) == 2 and isinstance(example[1], dict):
        return example
    return example, None


def write(example: Any, folder: Path) -> dict[str, Any]:
    """Write the example's files; what ``MLmodel`` says of them. Raises UsageError for what JSON cannot hold."""
    data, params = parts_of(example)
    info: dict[str, Any] = {"artifact_path": _FILE}
    content, served, kind = _forms(data)
    info.update(kind)
    if params is not None:
        content = {"inputs": content, "params": params}
        served = {**served, **params} if _is_chat(data) else {**served, "params": params}
        info["params"] = "true"
    try:
        (folder / _FILE).write_text(json.dumps(content, default=_plain), encoding="utf-8")
        (folder / _SERVED).write_text(json.dumps(served, default=_plain, indent=2), encoding="utf-8")
    except (TypeError, ValueError) as error:
        raise UsageError(f"the input example cannot be written as JSON: {error!s:.200}") from error
    return {**info, "serving_input_path": _SERVED}


def _forms(data: Any) -> tuple[Any, dict[str, Any], dict[str, str]]:
    """What is kept, what is sent to a server, and what ``MLmodel`` says of it."""
    kind = type(data).__name__
    if kind == "DataFrame":
        split = _split(data)
        return split, {"dataframe_split": split}, {"type": "dataframe", "pandas_orient": _orient(split)}
    if kind == "ndarray":
        return data.tolist(), {"inputs": data.tolist()}, {"type": "ndarray"}
    if isinstance(data, dict) and any(type(value).__name__ == "ndarray" for value in data.values()):
        lists = {name: value.tolist() for name, value in data.items()}
        return lists, {"inputs": lists}, {"type": "ndarray"}
    if kind.startswith(("csr_", "csc_")):
        parts = {"data": data.data, "indices": data.indices, "indptr": data.indptr, "shape": list(data.shape)}
        return parts, {"inputs": data.toarray().tolist()}, {"type": f"sparse_matrix_{kind[:3]}"}
    if isinstance(data, list | dict | str | bytes | int | float | bool | datetime.date) or hasattr(data, "item"):
        served = data if _is_chat(data) else {"inputs": data}
        return data, served, {"type": "json_object"}
    raise UsageError(
        f"an input example of the type {type(data).__name__} cannot be kept",
        hint="give a DataFrame, an array, a dict of arrays, a list, a dict or a scalar",
    )


def _split(frame: Any) -> dict[str, Any]:
    rows = [[None if is_null(value) else value for value in row] for row in frame.itertuples(index=False, name=None)]
    columns = list(frame.columns)
    if columns == list(range(len(columns))):
        return {"data": rows}
    return {"columns": columns, "data": rows}


def _orient(split: dict[str, Any]) -> str:
    return "split" if "columns" in split else "values"


def _is_chat(data: Any) -> bool:
    return isinstance(data, dict) and any(key in data for key in _CHAT_KEYS)


def _plain(value: Any) -> Any:
    if isinstance(value, bytes | bytearray):
        return base64.encodebytes(bytes(value)).decode("ascii")
    if isinstance(value, datetime.date):  # a datetime and a Timestamp are one, too
        return value.isoformat()
    if type(value).__name__ == "datetime64":
        return str(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is no plain data")
