"""Tensors as bytes, little-endian and row by row: the binary extension of the Open Inference Protocol.

Elements of BYTES have their length in four bytes before them.
"""

from __future__ import annotations

import struct
from typing import Any

_LENGTH = struct.Struct("<I")


def of_bytes(content: memoryview, dtype: str | None, shape: list[int]) -> Any:
    """The array of *shape*; ValueError if the bytes are not as many. Without a *dtype* the elements are bytes."""
    import numpy as np

    if dtype is None:
        elements = _elements(content)
        array = np.empty(len(elements), dtype=object)
        array[:] = elements
        return array.reshape(shape)
    kind = np.dtype(dtype).newbyteorder("<")
    if len(content) % kind.itemsize:
        raise ValueError(f"{len(content)} bytes are no whole number of elements")
    # A copy in the machine's own order, as the model may change what it gets.
    if dtype == "bool":
        return np.frombuffer(content, dtype="uint8").astype("bool").reshape(shape)
    return np.frombuffer(content, dtype=kind).astype(dtype).reshape(shape)


def _elements(content: memoryview) -> list[bytes]:
    found, start = [], 0
    while start < len(content):
        if start + _LENGTH.size > len(content):
            raise ValueError("the bytes end within a length")
        (size,) = _LENGTH.unpack_from(content, start)
        start += _LENGTH.size
        if start + size > len(content):
            raise ValueError("the bytes end within an element")
        found.append(bytes(content[start : start + size]))
        start += size
    return found


def bytes_of(array: Any) -> bytes:
    """The bytes of an array; texts are elements of BYTES."""
    if array.dtype == object:
        elements = [one if isinstance(one, bytes) else str(one).encode() for one in array.reshape(-1).tolist()]
        return b"".join(part for one in elements for part in (_LENGTH.pack(len(one)), one))
    content: bytes = array.astype(array.dtype.newbyteorder("<")).tobytes()
    return content
