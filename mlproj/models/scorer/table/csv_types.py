"""The texts of a CSV file as values of the signature's types."""

from __future__ import annotations

import base64
import json
from typing import Any, Callable

from ..datatype import BINARY, BOOLEAN, DATETIME, DOUBLE, FLOAT, INTEGER, LONG, STRING, DataType

MISSING = frozenset(
    "|#N/A|#N/A N/A|#NA|-1.#IND|-1.#QNAN|-NaN|-nan|1.#IND|1.#QNAN|<NA>|N/A|NA|NULL|NaN|None|n/a|nan|null".split("|")
)
"""What pandas takes for a value that is not there."""
_TRUTH = {"true": True, "false": False, "1": True, "0": False}


class CellType:
    """The type of a column of a CSV file.

    pandas reads it as *dtype*; *convert* (of the column, and whether there must be values) brings it to the
    signature's type, *check* raises ValueError for a text that cannot be one. *gaps*: a value may be missing.
    """

    def __init__(
        self,
        name: str,
        dtype: Any,
        convert: Callable[[Any, bool], Any] | None = None,
        check: Callable[[str], Any] | None = None,
        gaps: bool = True,
    ) -> None:
        self.name = name
        self.dtype = dtype
        self.convert = convert
        self.gaps = gaps
        self._check = check

    def refuses(self, text: str, required: bool) -> bool:
        """Whether *text* is no value of this type."""
        if text in MISSING:
            return not self.gaps or (required and self.name == "boolean")
        if self._check is None:
            return False
        try:
            self._check(text)
        except (ValueError, OverflowError):
            return True
        return False


def cell_type(kind: Any) -> CellType:
    """That of a type of the signature; None is of a column that it does not have."""
    if kind is None:
        return CellType("text", object)
    if isinstance(kind, DataType):
        return _SCALARS[kind.name]()
    if getattr(kind, "kind", "") in ("i", "u"):  # of a tensor
        return CellType(str(kind), kind, None, _whole(2**63), gaps=False)
    if getattr(kind, "kind", "") == "f":
        return CellType(str(kind), kind, None, float)
    return CellType("JSON value", object, _nested, json.loads)


def guessed_type(dtype: Any) -> CellType:
    """That of a column as pandas guessed it."""
    if dtype.kind == "i":
        return CellType("long", dtype, None, _whole(2**63), gaps=False)
    if dtype.kind == "f":
        return CellType("double", dtype, None, float)
    if dtype.kind == "b":
        return CellType("boolean", object, _truths, _truth)
    return CellType("text", dtype)


def _whole(limit: int) -> Callable[[str], Any]:
    def check(text: str) -> None:
        digits = text.strip().lstrip("+-").isdigit()
        number = int(text) if digits else float(text)
        if number != int(number) or not -limit <= number < limit:
            raise ValueError(text)

    return check


def _integers(values: Any, _: bool) -> Any:
    if len(values) and (values.max() >= 2**31 or values.min() < -(2**31)):
        raise ValueError("too large for an integer")
    return values.astype(INTEGER.to_numpy())


def _truth(text: str) -> bool:
    try:
        return _TRUTH[text.strip().lower()]
    except KeyError:
        raise ValueError(text) from None


def _truths(values: Any, required: bool) -> Any:
    found = [None if value != value or value is None else _truth(str(value)) for value in values.tolist()]
    if None not in found:
        return values.__class__(found, dtype=bool)
    if required:
        raise ValueError("neither true nor false")
    return values.__class__(found, dtype=object)


def _dates(values: Any, _: bool) -> Any:
    import pandas as pd

    try:
        parsed = pd.to_datetime(values)
    except ValueError:  # from pandas 2 on all must look like the first, unless it is told that they do not
        parsed = pd.to_datetime(values, format="ISO8601")
    return parsed.dt.as_unit("ns") if getattr(parsed.dt, "unit", "ns") != "ns" else parsed


def _date(text: str) -> Any:
    import pandas as pd

    return pd.to_datetime(text)


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def _nested(values: Any, _: bool) -> Any:
    return values.__class__([None if value != value else json.loads(value) for value in values.tolist()], dtype=object)


_SCALARS: dict[str, Callable[[], CellType]] = {
    BOOLEAN.name: lambda: CellType("boolean", object, _truths, _truth),
    # Read as long, so that what does not fit is seen.
    INTEGER.name: lambda: CellType("integer", LONG.to_numpy(), _integers, _whole(2**31), gaps=False),
    LONG.name: lambda: CellType("long", LONG.to_numpy(), None, _whole(2**63), gaps=False),
    FLOAT.name: lambda: CellType("float", FLOAT.to_numpy(), None, float),
    DOUBLE.name: lambda: CellType("double", DOUBLE.to_numpy(), None, float),
    STRING.name: lambda: CellType("string", object),
    BINARY.name: lambda: CellType("binary", object, lambda values, _: values.map(_bytes, na_action="ignore"), _bytes),
    DATETIME.name: lambda: CellType("datetime", object, _dates, _date),
}
