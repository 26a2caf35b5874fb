"""Columns of a message → what pandas makes of a file with them, without a copy where there need be none."""

from __future__ import annotations

import datetime
import decimal
import json
from typing import Any, Callable

from .wire import Buffers, Column

_EPOCH = datetime.date(1970, 1, 1).toordinal()


def frame(columns: list[Column], rows: int, body: memoryview) -> Any:
    """A data frame."""
    import pandas as pd

    buffers = Buffers(body)
    values = [_series(column, column_values(column, buffers)) for column in columns]
    names = [column["name"] for column in columns]
    if len(set(names)) == len(names):
        return pd.DataFrame(dict(zip(names, values)), index=pd.RangeIndex(rows), copy=False)
    table = pd.concat([pd.Series(one) for one in values], axis=1)
    table.columns = names
    return table


def _series(column: Column, values: Any) -> Any:
    """Texts in the type that pandas has for a column of them: since version 3 one of its own."""
    import pandas as pd

    if column["kind"] != "utf8" or not len(values):
        return values
    missing = values == None  # noqa: E711  # of each value
    return pd.Series(values.tolist()) if not missing.all() else values


def column_values(column: Column, buffers: Buffers) -> Any:
    """A NumPy array, or what pandas has for what NumPy has not."""
    mask, found = buffers.of(column)
    nulls = None if mask is None else _array(mask, "|b1")
    decode: Callable[[Column, Any, Any, Buffers], Any] = _KINDS.get(column["kind"], _numbers)
    return decode(column, found, nulls, buffers)


def _array(buffer: memoryview, dtype: str) -> Any:
    import numpy as np

    return np.frombuffer(buffer, dtype=dtype)


def _numbers(column: Column, found: list[memoryview], nulls: Any, _: Buffers) -> Any:
    values = _array(found[0], column["kind"])
    if column.get("width") is not None:
        return values.reshape(column["rows"], column["width"])
    if values.dtype.kind in "mM":
        return _times(column, values, nulls)
    if nulls is None:
        return values
    if values.dtype.kind == "b":
        return _objects(values.tolist(), nulls)
    # As pandas reads whole numbers with gaps from a file.
    kept = values.astype("float64") if values.dtype.kind in "iu" else values.copy()
    kept[nulls] = float("nan")
    return kept


def _times(column: Column, values: Any, nulls: Any) -> Any:
    import numpy as np
    import pandas as pd

    if nulls is not None:
        values = values.copy()
        values[nulls] = np.array("NaT", values.dtype)
    zone = column.get("zone")
    return pd.Series(values).dt.tz_localize("UTC").dt.tz_convert(zone) if zone else values


def _objects(values: list[Any], nulls: Any) -> Any:
    """An array of Python's objects; None where there is no value."""
    import numpy as np

    array = np.empty(len(values), object)
    array[:] = values
    if nulls is not None:
        array[nulls] = None
    return array


def _cells(found: list[memoryview], cell: Callable[[bytes], Any]) -> list[Any]:
    offsets = _array(found[0], "<i8").tolist()
    content = bytes(found[1])
    return [cell(content[start:end]) for start, end in zip(offsets, offsets[1:])]


def _texts(_: Column, found: list[memoryview], nulls: Any, __: Buffers) -> Any:
    offsets = _array(found[0], "<i8").tolist()
    content = bytes(found[1])
    if content.isascii() if hasattr(content, "isascii") else False:  # Python 3.7
        text = content.decode("ascii")
        values = [text[start:end] for start, end in zip(offsets, offsets[1:])]
    else:
        values = [content[start:end].decode() for start, end in zip(offsets, offsets[1:])]
    return _objects(values, nulls)


def _bytes(_: Column, found: list[memoryview], nulls: Any, __: Buffers) -> Any:
    return _objects(_cells(found, bytes), nulls)


def _decimals(_: Column, found: list[memoryview], nulls: Any, __: Buffers) -> Any:
    cells = _cells(found, lambda text: decimal.Decimal(text.decode()) if text else None)
    return _objects(cells, nulls)


def _dates(_: Column, found: list[memoryview], nulls: Any, __: Buffers) -> Any:
    days = _whole(found[0], nulls, "<i4")
    return _objects([datetime.date.fromordinal(_EPOCH + day) for day in days], nulls)


def _times_of_day(_: Column, found: list[memoryview], nulls: Any, __: Buffers) -> Any:
    moments = [datetime.datetime.min + datetime.timedelta(0, 0, one) for one in _whole(found[0], nulls)]
    return _objects([moment.time() for moment in moments], nulls)


def _whole(buffer: memoryview, nulls: Any, dtype: str = "<i8") -> list[int]:
    """Numbers, 0 in place of whatever is where there is none."""
    values = _array(buffer, dtype)
    if nulls is not None:
        values = values.copy()
        values[nulls] = 0
    found: list[int] = values.tolist()
    return found


def _lists(column: Column, found: list[memoryview], nulls: Any, buffers: Buffers) -> Any:
    import numpy as np

    items = np.asarray(column_values(column["children"][0], buffers))
    offsets = _array(found[0], "<i8").tolist()
    array = np.empty(column["rows"], object)
    for row, (start, end) in enumerate(zip(offsets, offsets[1:])):
        array[row] = items[start:end]
    if nulls is not None:
        array[nulls] = None
    return array


def _structs(column: Column, _: list[memoryview], nulls: Any, buffers: Buffers) -> Any:
    names = [child["name"] for child in column["children"]]
    values = [_plain(column_values(child, buffers)) for child in column["children"]]
    rows = [dict(zip(names, row)) for row in zip(*values)] if names else [{} for _ in range(column["rows"])]
    return _objects(rows, nulls)


def _maps(column: Column, found: list[memoryview], nulls: Any, buffers: Buffers) -> Any:
    keys, values = (_plain(column_values(child, buffers)) for child in column["children"])
    offsets = _array(found[0], "<i8").tolist()
    rows = [dict(zip(keys[start:end], values[start:end])) for start, end in zip(offsets, offsets[1:])]
    return _objects(rows, nulls)


def _plain(values: Any) -> list[Any]:
    """Python's own values; lists stay arrays, as pandas has them."""
    found: list[Any] = values.tolist() if hasattr(values, "tolist") else list(values)
    return found


def _categories(column: Column, found: list[memoryview], _: Any, buffers: Buffers) -> Any:
    import pandas as pd

    categories = pd.Index(column_values(column["children"][0], buffers))
    return pd.Categorical.from_codes(_array(found[0], "<i4"), categories, ordered=bool(column.get("ordered")))


def _json(_: Column, found: list[memoryview], __: Any, ___: Buffers) -> Any:
    return _objects(json.loads(bytes(found[0])), None)


def _nothing(column: Column, _: list[memoryview], __: Any, ___: Buffers) -> Any:
    return _objects([None] * column["rows"], None)


_KINDS: dict[str, Callable[[Column, Any, Any, Buffers], Any]] = {
    "utf8": _texts,
    "binary": _bytes,
    "decimal": _decimals,
    "date": _dates,
    "time": _times_of_day,
    "list": _lists,
    "struct": _structs,
    "map": _maps,
    "category": _categories,
    "json": _json,
    "null": _nothing,
}
