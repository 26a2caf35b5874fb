"""A file that is there when it is whole, or not at all."""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, cast

from mlproj.foundation.errors import ServiceError, UsageError
from mlproj.models.prediction.request import STREAM


class HashedStream:
    """Hands on what is written, and has its hash and ``size``."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._digest = hashlib.sha256()
        self.size = 0
        self.closed = False

    def write(self, content: Any) -> int:
        """Write all of *content*, which may be any buffer."""
        view = memoryview(content).cast("B")
        self._digest.update(view)
        self.size += len(view)
        self._stream.write(view)
        return len(view)

    def tell(self) -> int:
        """How much was written."""
        return self.size

    def flush(self) -> None:
        """Hand on what waits."""
        self._stream.flush()

    def close(self) -> None:
        """Nothing: who opened the stream closes it."""

    def readable(self) -> bool:
        """No."""
        return False

    def writable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """No."""
        return False

    def sha256(self) -> str:
        """Of all that was written."""
        return self._digest.hexdigest()


@contextmanager
def written(place: str) -> Iterator[HashedStream]:
    """A stream whose content is at *place* when the block succeeds; ``-`` is the standard output.

    Raises UsageError for a place where no file can be, ServiceError when the disk is full.
    """
    if place == STREAM:
        stream = HashedStream(sys.stdout.buffer)
        yield stream
        stream.flush()
        return
    path = Path(place)
    temporary = _beside(path)
    try:
        with temporary.open("wb", buffering=1 << 20) as file:
            stream = HashedStream(cast("IO[bytes]", file))
            yield stream
        temporary.replace(path)
    except OSError as error:
        raise ServiceError(f"{place} cannot be written: {error.strerror or error}") from error
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


def _beside(path: Path) -> Path:
    """A new file in the folder of *path*."""
    if path.is_dir():
        raise UsageError(f"{path} is a folder, and a file is to be written")
    try:
        descriptor, name = tempfile.mkstemp(prefix=f".{path.name[:100]}.", dir=path.parent)
        os.close(descriptor)
        mask = os.umask(0)
        os.umask(mask)
        Path(name).chmod(0o666 & ~mask)
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None
    return Path(name)
