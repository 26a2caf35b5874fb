"""What clients of MLflow 1 send: bare lists and split dictionaries, without one of the keys of today."""

from __future__ import annotations

import json
import traceback
from typing import Any

from .errors import BAD_REQUEST, ScoringError
from .forms import RECORDS, SPLIT
from .media_type import MediaType


def as_document(media: MediaType, value: Any) -> Any:
    """The body in the form of today; itself where it has that, or none that is known."""
    if media.format == "pandas-records" or (media.format is None and isinstance(value, list)):
        return {RECORDS: value}
    if media.format == "pandas-split" or _is_split(value):
        return {SPLIT: value}
    return value


def _is_split(value: Any) -> bool:
    return isinstance(value, dict) and "data" in value and set(value) <= {"columns", "data", "index"}


def numpy_split(body: bytes) -> Any:
    """A frame as `application/json-numpy-split` has it, which no signature changes."""
    import numpy as np
    import pandas as pd

    try:
        parts: dict[str, Any] = json.loads(body)
        data = np.array(parts["data"], dtype=object)
        return pd.DataFrame(index=parts["index"], data=data, columns=parts["columns"]).infer_objects()
    except Exception as error:
        raise ScoringError(
            "Failed to parse input as a Numpy. Ensure that the input is"
            " a valid JSON-formatted Pandas DataFrame with the split orient"
            " produced using the `pandas.DataFrame.to_json(..., orient='split')`"
            " method.",
            BAD_REQUEST,
            stack_trace=traceback.format_exc(),
        ) from error
