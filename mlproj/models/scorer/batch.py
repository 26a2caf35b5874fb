"""Several questions asked as one: put together, and the answer taken apart again."""

from __future__ import annotations

import math
from typing import Any, Sequence

from .encoding import jsonable
from .plain import PlainReader
from .question import Question


def together(questions: Sequence[Question], plain: PlainReader | None) -> Any:
    """The data of questions with the same key, one after another."""
    first = questions[0]
    if first.columns is not None:
        assert plain is not None
        return plain.frame([question.columns for question in questions if question.columns is not None])
    if len(questions) == 1:
        return first.data
    if isinstance(first.data, dict):
        return {name: _joined([question.data[name] for question in questions]) for name in first.data}
    return _joined([question.data for question in questions])


def _joined(parts: list[Any]) -> Any:
    import numpy as np

    if isinstance(parts[0], np.ndarray):
        return np.concatenate(parts)
    import pandas as pd

    return pd.concat(parts, ignore_index=True)


def apart(prediction: Any, questions: Sequence[Question]) -> list[Any] | None:
    """What JSON has of each answer, in order, or (for the Open Inference Protocol) the part of the prediction itself;
    None if the prediction has not as many rows as were asked."""
    total = sum(question.rows for question in questions)
    if isinstance(prediction, dict):
        return _apart_by_name(prediction, questions, total)
    rows = jsonable(prediction) if questions[0].form is None else prediction
    if hasattr(rows, "iloc") and len(rows) == total:
        return [rows.iloc[start : start + question.rows] for start, question in _starts(questions)]
    if getattr(rows, "ndim", 0) and len(rows) == total:
        return [rows[start : start + question.rows] for start, question in _starts(questions)]
    if not isinstance(rows, list) or len(rows) != total:
        return None
    return [rows[start : start + question.rows] for start, question in _starts(questions)]


def _apart_by_name(prediction: Any, questions: Sequence[Question], total: int) -> list[Any] | None:
    """A dictionary of arrays, as ONNX answers."""
    import numpy as np

    arrays = prediction.values()
    if not prediction or not all(isinstance(one, np.ndarray) and one.ndim and len(one) == total for one in arrays):
        return None
    return [
        {name: array[start : start + question.rows] for name, array in prediction.items()}
        for start, question in _starts(questions)
    ]


def _starts(questions: Sequence[Question]) -> Any:
    start = 0
    for question in questions:
        yield start, question
        start += question.rows


def alike(one: Any, other: Any) -> bool:
    """Whether two answers are the same but for rounding, which depends on how many rows are computed at once."""
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=1e-4, abs_tol=1e-6) or (one != one and other != other)
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(alike, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(alike(one[key], other[key]) for key in one)
    if hasattr(one, "tolist") and hasattr(other, "tolist"):
        return alike(one.tolist(), other.tolist())
    return type(one) is type(other) and bool(one == other)
