"""The bytes of an input: of a file or the standard input, and their hash."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Protocol

from mlproj.foundation.digest import sha256_of_stream
from mlproj.foundation.errors import SourceError
from mlproj.models.prediction.request import STREAM

_BLOCK = 1 << 20


class Readable(Protocol):
    """What an input is read from."""

    def read(self, size: int, /) -> bytes | None:
        """Some of the next bytes, none at the end."""


class OpenedInput:
    """``stream`` is read from the beginning; who reads all of it with :meth:`read` has the hash for nothing."""

    def __init__(self, name: str, path: Path | None, stream: Readable) -> None:
        self.name = name
        self.path = path
        self.stream = stream
        self._digest = hashlib.sha256()
        self.size = 0
        self._aside: threading.Thread | None = None
        self._found: str | None = None

    def read(self, size: int) -> bytes:
        """The next *size* bytes, fewer at the end only."""
        parts, left = [], size
        while left and (part := self._some(min(left, _BLOCK))):
            parts.append(part)
            left -= len(part)
            self._digest.update(part)
        content = b"".join(parts)
        self.size += len(content)
        return content

    def _some(self, size: int) -> bytes | None:
        try:
            return self.stream.read(size)
        except OSError as error:
            raise SourceError(f"{self.name} cannot be read: {error.strerror}") from None

    def seekable(self) -> str | IO[bytes]:
        """The input as a file that can be read anywhere, or its path; its hash is found meanwhile."""
        if self.path is None:
            kept = tempfile.TemporaryFile()  # noqa: SIM115  # a pipe cannot be read twice; closed with the process
            while content := self.read(_BLOCK):
                kept.write(content)
            kept.seek(0)
            return kept
        self._aside = threading.Thread(target=self._measure, args=(self.path,), daemon=True)
        self._aside.start()
        return str(self.path)

    def _measure(self, path: Path) -> None:
        with contextlib.suppress(OSError), path.open("rb") as stream:
            self._found = sha256_of_stream(stream)
            self.size = os.fstat(stream.fileno()).st_size

    def sha256(self) -> str | None:
        """The hash of what was read, when it was read whole; waits for it."""
        if self._aside is None:
            return self._digest.hexdigest()
        self._aside.join()
        return self._found


@contextlib.contextmanager
def open_input(place: str) -> Iterator[OpenedInput]:
    """The file at *place*, or the standard input. Raises SourceError."""
    if place == STREAM:
        # A thread that waits for a buffered stream would keep this process from ending.
        with os.fdopen(os.dup(sys.stdin.fileno()), "rb", buffering=0) as raw:
            yield OpenedInput("standard input", None, raw)
        return
    path = Path(place)
    try:
        stream = path.open("rb", buffering=0)
    except IsADirectoryError:
        raise SourceError(f"{place} is a folder, and one file was expected") from None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise SourceError(f"{place} cannot be read: {reason}") from None
    with stream:
        yield OpenedInput(place, path if path.is_file() else None, stream)
