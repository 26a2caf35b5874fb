"""The form of the stored example, for models whose type hint says that their input has it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from .values import is_scalar


def stored_example(folder: str, mlmodel: dict[str, Any]) -> Any:
    """The example of a model, if it is a JSON value; else None, and frames are handed over as they are."""
    info = mlmodel.get("saved_input_example_info") or {}
    if info.get("type") != "json_object":
        return None
    try:
        example = json.loads((Path(folder) / info["artifact_path"]).read_text(encoding="utf-8"))
    except (OSError, ValueError, KeyError):
        return None
    return example["inputs"] if info.get("params") else example


def in_form_of(example: Any, frame: Any) -> Any:
    """*frame* as a list, dictionary or scalar, as *example* is one."""
    if is_scalar(example):
        return frame.iloc[0, 0]
    if isinstance(example, dict):
        return frame.to_dict(orient="records")[0] if len(frame) == 1 else frame
    if not isinstance(example, list):
        return frame
    if len(frame.columns) == 1 and all(map(is_scalar, example)):
        return frame.iloc[:, 0].tolist()
    return frame.to_dict(orient="records")
