"""The writing side of a run's files: one system call for each call, from any thread and any forked process."""

from __future__ import annotations

import os
from typing import Any
from weakref import WeakSet

from mlproj.foundation.errors import ServiceError

_opened: WeakSet[LineFile] = WeakSet()


class LineFile:
    """A file that lines are appended to. It is opened when it is first needed, and anew in a forked process."""

    def __init__(self, path: str) -> None:
        self.path = path
        self._descriptor: int | None = None
        _opened.add(self)

    def append(self, lines: bytes) -> None:
        """Append *lines*, all together, however many processes do the same. Raises ServiceError."""
        try:
            descriptor = self._descriptor
            if descriptor is None:
                descriptor = self._descriptor = os.open(
                    self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o666
                )
            written = os.write(descriptor, lines)
            while written < len(lines):  # a full disk, perhaps; the piece is a bad line, and what follows is whole
                begin = lines.rfind(b"\n", 0, written) + 1
                lines = b"\n" + lines[begin:]
                written = os.write(descriptor, lines)
        except OSError as error:
            raise ServiceError(f"cannot log to {self.path}: {error.strerror}") from error

    def close(self) -> None:
        """Let go of the file; the next append opens it again."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    def forget(self, *_: Any) -> None:
        """In a forked process: its number may soon be that of another file, as in daemons, which close all they
        inherit."""
        try:
            self.close()
        except OSError:
            self._descriptor = None


def _after_fork() -> None:
    for file in list(_opened):
        file.forget()


os.register_at_fork(after_in_child=_after_fork)
