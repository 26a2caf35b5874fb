"""Bytes that come from elsewhere, as many as we let in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import IO

from mlproj.foundation import quantity
from mlproj.foundation.errors import SourceError

_PORTION = 1 << 20  # bytes


def portions(stream: IO[bytes], limit: int, what: str) -> Iterator[bytes]:
    """What *stream* holds, piece by piece. Raises SourceError once *what* proves larger than *limit* bytes."""
    size = 0
    while portion := stream.read(_PORTION):
        size += len(portion)
        if size > limit:
            raise SourceError(f"{what} is larger than {quantity.size(limit)}")
        yield portion
