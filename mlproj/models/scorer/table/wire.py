"""Columns as raw buffers: what the two sides of a connection send each other in place of a file format.

A column is described by a dictionary: `name`, `kind`, `rows`, `sizes` (bytes of each of its buffers, which follow each
other in the order of the descriptions, a column's own before those of its `children`), and whether the first buffer is
a `mask` (a byte for each row, 1 where there is no value). The kinds:

- a NumPy type such as `<f8`, `|b1`, `<M8[us]`: the values; `width` where each row has several; `zone` of dates;
- `utf8`, `binary`: offsets (int64, one more than rows) and bytes; `decimal` is utf8;
- `date`: days since 1970 (int32); `time`: microseconds of a day (int64);
- `list`: offsets, and one child with the items; `struct`: children by name; `map`: offsets, and children keys, values;
- `category`: numbers (int32, -1 for none), and one child with the categories;
- `json`: one JSON list of the values; `null`: nothing.
"""

from __future__ import annotations

from typing import Any, Dict, Iterator, Sequence

Column = Dict[str, Any]
ALIGNMENT = 8
_PADDING = b"\0" * ALIGNMENT


def padded(buffers: Sequence[Any]) -> Iterator[Any]:
    """The buffers, each filled up so that the next begins where numbers may."""
    for buffer in buffers:
        yield buffer
        rest = -len(buffer) % ALIGNMENT
        if rest:
            yield _PADDING[:rest]


def is_missing(value: Any) -> bool:
    """Whether a value stands for none: None, NaN, NaT and pandas' NA."""
    if value is None or type(value).__name__ == "NAType":
        return True
    return not hasattr(value, "__len__") and bool(value != value)


class Buffers:
    """The buffers of a message's body, taken in order."""

    def __init__(self, body: memoryview) -> None:
        self._body = body
        self._place = 0

    def take(self, size: int) -> memoryview:
        """The next one."""
        part = self._body[self._place : self._place + size]
        self._place += size + -size % ALIGNMENT
        return part

    def of(self, column: Column) -> tuple[Any, list[memoryview]]:
        """The mask (None without one) and the other buffers of a column, those of its children not included."""
        found = [self.take(size) for size in column["sizes"]]
        return (found[0], found[1:]) if column.get("mask") else (None, found)
