"""What a model answered → the JSON of the answer, byte for byte that of MLflow's server.

That is not always JSON: NaN and Infinity are written bare, as Python does.
"""

from __future__ import annotations

import base64
import datetime
import json
import sys
from typing import Any


def encode(prediction: Any, bare: bool = False) -> bytes:
    """The body; below the key `predictions` unless *bare*. TypeError or ValueError of what JSON cannot have."""
    plain = jsonable(prediction)
    return _ENCODER.encode(plain if bare else {"predictions": plain}).encode()


def json_text(plain: Any) -> str:
    """A value as JSON, in the server's way."""
    return _ENCODER.encode(plain)


def jsonable(prediction: Any) -> Any:
    """Lists and dictionaries in place of arrays, frames (their records) and series; the rest as it is."""
    kind = _kind(prediction)
    if kind == "array":
        return prediction.tolist()
    if kind == "frame":
        return prediction.to_dict(orient="records")
    if kind == "series":
        import pandas as pd

        return pd.DataFrame(prediction).to_dict(orient="records")
    return prediction


def _kind(value: Any) -> str:
    """Asks NumPy and pandas only if they are loaded: else nothing can be of theirs."""
    numpy: Any = sys.modules.get("numpy")
    pandas: Any = sys.modules.get("pandas")
    if numpy is not None and isinstance(value, numpy.ndarray):
        return "array"
    if pandas is not None and isinstance(value, pandas.DataFrame):
        return "frame"
    return "series" if pandas is not None and isinstance(value, pandas.Series) else ""


class _Encoder(json.JSONEncoder):
    def default(self, o: Any) -> Any:
        value, converted = _converted(o)
        return value if converted else super().default(o)


def _converted(value: Any) -> tuple[Any, bool]:
    numpy: Any = sys.modules.get("numpy")
    if numpy is not None and isinstance(value, numpy.ndarray):
        return _converted_array(value, numpy), True
    if numpy is not None and isinstance(value, numpy.generic):
        return value.item(), True
    if isinstance(value, (bytes, bytearray)):
        return _base64(value), True
    if isinstance(value, (datetime.date, datetime.time)):  # a pandas timestamp is one, and NaT
        return value.isoformat(), True
    pydantic: Any = sys.modules.get("pydantic")
    if pydantic is not None and isinstance(value, pydantic.BaseModel):
        return _fields(value), True
    return value, False


def _converted_array(value: Any, numpy: Any) -> Any:
    if value.dtype == object:
        return [_converted(one)[0] for one in value.tolist()]
    if value.dtype == numpy.bytes_:
        return numpy.vectorize(_base64)(value)
    return value.tolist()


def _base64(value: Any) -> str:
    return base64.encodebytes(value).decode("ascii")


def _fields(model: Any) -> dict[str, Any]:
    fields: dict[str, Any] = model.model_dump() if hasattr(model, "model_dump") else model.dict()
    return fields


_ENCODER = _Encoder()
