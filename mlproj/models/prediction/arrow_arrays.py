"""The columns of a worker's answer → Arrow's arrays."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from mlproj.models.prediction.arrow_columns import pyarrow
from mlproj.models.scorer.table.wire import Buffers, Column


def arrays(columns: Sequence[Column], body: memoryview) -> Iterator[tuple[str, Any]]:
    """The columns of a worker's answer as Arrow's arrays."""
    pa = pyarrow("Arrow data")
    buffers = Buffers(body)
    for column in columns:
        mask, found = buffers.of(column)
        yield column["name"], _array(pa, column, mask, found)


def _array(pa: Any, column: Column, mask: memoryview | None, found: list[memoryview]) -> Any:
    kind, rows = column["kind"], column["rows"]
    if kind == "null":
        return pa.nulls(rows)
    if kind == "json":
        return _of_values(pa, json.loads(bytes(found[0])))
    if kind in ("utf8", "binary"):
        dtype = pa.large_string() if kind == "utf8" else pa.large_binary()
        parts = [_validity(pa, mask), *(pa.py_buffer(part) for part in found)]
        whole = pa.Array.from_buffers(dtype, rows, parts)
        return whole.cast(pa.string() if kind == "utf8" else pa.binary())
    return _of_numbers(pa, column, found[0])


def _validity(pa: Any, mask: memoryview | None) -> Any:
    if mask is None:
        return None
    import pyarrow.compute as pc

    missing = pa.Array.from_buffers(pa.uint8(), len(mask), [None, pa.py_buffer(mask)])
    return pc.equal(missing, 0).buffers()[1]


def _of_values(pa: Any, values: list[Any]) -> Any:
    try:
        return pa.array(values)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError):  # a value of each kind
        return pa.array([None if value is None else json.dumps(value) for value in values])


def _of_numbers(pa: Any, column: Column, buffer: memoryview) -> Any:
    kind, rows, width = column["kind"], column["rows"], column.get("width")
    count = rows * (1 if width is None else width)
    numbers = _flat(pa, kind, count, buffer, column.get("zone"))
    if width is None:
        return numbers
    offsets = pa.array(range(0, count + 1, width) if width else [0] * (rows + 1), pa.int32())
    return pa.ListArray.from_arrays(offsets, numbers)


def _flat(pa: Any, kind: str, count: int, buffer: memoryview, zone: str | None) -> Any:
    name = kind.lstrip("<|=")
    data = pa.py_buffer(buffer)
    if name == "b1":
        return pa.Array.from_buffers(pa.uint8(), count, [None, data]).cast(pa.bool_())
    if name[0] in "Mm":
        unit = name[3:-1] if "[" in name else "ns"
        dtype = pa.timestamp(unit, zone) if name[0] == "M" else pa.duration(unit)
        return _with_gaps(pa, pa.Array.from_buffers(pa.int64(), count, [None, data]), dtype)
    letters = {"i": "int", "u": "uint", "f": "float"}
    dtype = getattr(pa, f"{letters[name[0]]}{int(name[1:]) * 8}")()
    return pa.Array.from_buffers(dtype, count, [None, data])


def _with_gaps(pa: Any, numbers: Any, dtype: Any) -> Any:
    """Dates of NumPy, of which the least is none."""
    import pyarrow.compute as pc

    least = pa.scalar(-(2**63), pa.int64())
    return pc.if_else(pc.equal(numbers, least), pa.scalar(None, pa.int64()), numbers).cast(dtype)
