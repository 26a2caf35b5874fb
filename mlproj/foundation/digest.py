"""SHA-256 of what may be large, read in portions.

For small texts see :mod:`mlproj.foundation.sha256`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import IO

_PORTION = 1 << 20  # bytes


def sha256_of_file(path: Path) -> str:
    """The SHA-256 of the file *path*, in hexadecimal. Raises OSError."""
    with path.open("rb") as stream:
        return sha256_of_stream(stream)


def sha256_of_stream(stream: IO[bytes], write: Callable[[bytes], object] | None = None) -> str:
    """The SHA-256 of the rest of *stream*, each portion of which is given to *write*."""
    return sha256_of_portions(portions_of(stream), write)[0]


def sha256_of_portions(portions: Iterable[bytes], write: Callable[[bytes], object] | None = None) -> tuple[str, int]:
    """The SHA-256 and the size in bytes of *portions*, each of which is given to *write*."""
    import hashlib  # brings OpenSSL along, and most short runs have no file to read

    digest, size = hashlib.sha256(), 0
    for portion in portions:
        digest.update(portion)
        size += len(portion)
        if write is not None:
            write(portion)
    return digest.hexdigest(), size


def portions_of(stream: IO[bytes]) -> Iterator[bytes]:
    """The rest of *stream*, in portions."""
    while portion := stream.read(_PORTION):
        yield portion
