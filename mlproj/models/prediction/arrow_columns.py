"""Arrow's columns → those of a message; pyarrow is imported when it is asked for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from mlproj.foundation.errors import UsageError
from mlproj.models.scorer.table.wire import Column, padded


def pyarrow(why: str) -> Any:
    """pyarrow with the modules that are used. Raises UsageError where it is missing."""
    try:
        import pyarrow
        import pyarrow.compute
        import pyarrow.parquet
    except ImportError:
        raise UsageError(f"{why} takes pyarrow", hint="pip install 'mlproj[predict]'") from None
    return pyarrow


def message_columns(batch: Any, gaps: Sequence[str] = (), categories: bool = True) -> tuple[list[Column], list[Any]]:
    """The columns of a batch and their buffers. Those named in *gaps* have values missing somewhere in the file, and
    so are of the type that pandas has for that; without *categories* dictionaries are decoded."""
    encoder = _Encoder(categories)
    found = [
        encoder.column(name, column, gap=name in gaps)
        for name, column in zip(batch.schema.names, batch.columns, strict=True)
    ]
    return [described for described, _ in found], [part for _, parts in found for part in parts]


class _Encoder:
    """One batch; Arrow's types told apart by pyarrow's own tests."""

    def __init__(self, categories: bool) -> None:
        self._pa = pyarrow("Arrow data")
        self._types = self._pa.types
        self._categories = categories

    def column(self, name: str, array: Any, *, gap: bool = False) -> tuple[Column, list[Any]]:
        """The description of a column and its buffers, with those of its children."""
        array = self._plain(array)
        kind, zone, buffers, children = self._parts(array)
        described: Column = {"name": name, "kind": kind, "rows": len(array)}
        if zone:
            described["zone"] = zone
        if (array.null_count or gap) and kind not in ("null", "category"):
            described["mask"] = True
            buffers = [self._mask(array), *buffers]
        described["sizes"] = [len(buffer) for buffer in buffers]
        if children:
            described["children"] = [child for child, _ in children]
        return described, [*padded(buffers), *(part for _, parts in children for part in parts)]

    def _plain(self, array: Any) -> Any:
        types = self._types
        if isinstance(array, self._pa.ExtensionArray):
            array = array.storage
        if types.is_dictionary(array.type) and not self._categories:
            array = array.dictionary_decode()
        for is_view, plain in (("is_string_view", "large_string"), ("is_binary_view", "large_binary")):
            if getattr(types, is_view, lambda _: False)(array.type):
                array = array.cast(getattr(self._pa, plain)())
        return array

    def _mask(self, array: Any) -> memoryview:
        import pyarrow.compute as pc

        return self._bytes(pc.is_null(array))

    def _bytes(self, array: Any) -> memoryview:
        """A byte for each of an array of booleans, which Arrow keeps as bits."""
        return self._numbers(array.cast(self._pa.uint8()), 1)

    def _numbers(self, array: Any, width: int) -> memoryview:
        buffer = array.buffers()[1]
        if buffer is None:
            return memoryview(b"")
        start = array.offset * width
        return memoryview(buffer)[start : start + len(array) * width]

    def _parts(self, array: Any) -> tuple[str, str | None, list[Any], list[tuple[Column, list[Any]]]]:
        types, kind = self._types, array.type
        if types.is_null(kind):
            return "null", None, [], []
        if types.is_boolean(kind):
            return "|b1", None, [self._bytes(array.fill_null(False))], []
        if types.is_integer(kind) or types.is_floating(kind):
            letter = "u" if types.is_unsigned_integer(kind) else "i" if types.is_integer(kind) else "f"
            width = kind.bit_width // 8
            return f"<{letter}{width}".replace("<", "|" if width == 1 else "<"), None, [self._numbers(array, width)], []
        if types.is_timestamp(kind) or types.is_duration(kind):
            letter = "M" if types.is_timestamp(kind) else "m"
            return f"<{letter}8[{kind.unit}]", getattr(kind, "tz", None), [self._numbers(array, 8)], []
        if types.is_date(kind):
            return "date", None, [self._numbers(array.cast(self._pa.date32()), 4)], []
        if types.is_time(kind):
            microseconds = array.cast(self._pa.time64("us"), safe=False)  # as fine as Python has them
            return "time", None, [self._numbers(microseconds, 8)], []
        return self._other(array)

    def _other(self, array: Any) -> tuple[str, str | None, list[Any], list[tuple[Column, list[Any]]]]:
        types, kind = self._types, array.type
        if types.is_string(kind) or types.is_large_string(kind):
            return "utf8", None, self._cells(array.cast(self._pa.large_string())), []
        if types.is_binary(kind) or types.is_large_binary(kind) or types.is_fixed_size_binary(kind):
            return "binary", None, self._cells(array.cast(self._pa.large_binary())), []
        if types.is_decimal(kind):
            return "decimal", None, self._cells(array.cast(self._pa.large_string())), []
        if types.is_dictionary(kind):
            codes = array.indices.cast(self._pa.int32()).fill_null(-1)
            return "category", None, [self._numbers(codes, 4)], [self.column("", array.dictionary)]
        if types.is_struct(kind):
            fields = [(kind.field(place).name, array.field(place)) for place in range(kind.num_fields)]
            return "struct", None, [], [self.column(name, part) for name, part in fields]
        if types.is_map(kind):
            offsets, start, end = self._offsets(array)
            parts = (("keys", array.keys), ("values", array.items))
            return "map", None, [offsets], [self.column(name, part[start:end]) for name, part in parts]
        if types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind):
            if types.is_fixed_size_list(kind):
                array = array.cast(self._pa.list_(kind.value_type))
            offsets, start, end = self._offsets(array)
            return "list", None, [offsets], [self.column("", array.values[start:end])]
        return "json", None, [json.dumps([_text(value) for value in array.to_pylist()]).encode()], []

    def _offsets(self, array: Any) -> tuple[memoryview, int, int]:
        offsets = array.offsets.cast(self._pa.int64())
        start, end = (offsets[0].as_py(), offsets[-1].as_py()) if len(offsets) else (0, 0)
        import pyarrow.compute as pc

        return self._numbers(pc.subtract(offsets, start), 8), start, end

    def _cells(self, array: Any) -> list[Any]:
        """The offsets from 0, and the bytes."""
        parts = [None, array.buffers()[1]]
        offsets = self._pa.Array.from_buffers(self._pa.int64(), len(array) + 1, parts, offset=array.offset)
        start, end = offsets[0].as_py(), offsets[-1].as_py()
        import pyarrow.compute as pc

        content = array.buffers()[2]
        return [
            self._numbers(pc.subtract(offsets, start), 8),
            memoryview(content)[start:end] if content is not None else b"",
        ]


def _text(value: Any) -> Any:
    return None if value is None else str(value)
