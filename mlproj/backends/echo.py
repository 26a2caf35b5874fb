"""Copies a job's output to our own streams as it comes, without ever waiting for whoever reads them.

A reader may be slow (a pager, a terminal held with Ctrl-S) or gone (``mlproj run | head``). Were we to wait for it,
a timeout or a signal could not be served meanwhile. So we write only when the stream has room.
"""

from __future__ import annotations

import os
import select
import stat
import sys
from collections import deque
from typing import IO, Any

_FULL = 1 << 20  # bytes not yet written at which no more is read from the job
# What a stream with room takes without waiting: a page for a pipe (POSIX's PIPE_BUF on Linux), less for a terminal.
_PIPE_PIECE = 4096
_TERMINAL_PIECE = 512
_ANY_PIECE = 1 << 20


class Echo:
    """Where a job's standard output (1) and standard error (2) are shown: *mode* is ``Job.echo``."""

    def __init__(self, mode: str) -> None:
        self._targets: dict[int, _Descriptor | _Stream | None] = {}
        if mode != "nowhere":
            self._targets = {1: _target(sys.stderr if mode == "stderr" else sys.stdout), 2: _target(sys.stderr)}
        self._backlog: deque[tuple[int, memoryview]] = deque()
        self._size = 0

    @property
    def is_full(self) -> bool:
        """Whether so much waits to be written that the job should wait too."""
        return self._size >= _FULL

    @property
    def awaited(self) -> int | None:
        """The descriptor that must have room before anything more can be written; None when nothing waits."""
        target = self._targets.get(self._backlog[0][0]) if self._backlog else None
        return target.descriptor if isinstance(target, _Descriptor) else None

    def write(self, stream: int, data: bytes) -> None:
        """Write *data* to our *stream* now, or as soon as it has room and :meth:`pump` is called."""
        if self._targets.get(stream) is not None:
            self._backlog.append((stream, memoryview(data)))
            self._size += len(data)
            self.pump()

    def pump(self) -> None:
        """Write what can be written without waiting. A stream that fails is given up, silently: the log has it all."""
        while self._backlog:
            stream, data = self._backlog[0]
            target = self._targets[stream]
            try:
                written = len(data) if target is None else target.write(data)
            except (OSError, ValueError):  # the reader is gone, or the stream was closed
                self._targets[stream] = None
                written = len(data)
            if not written:
                return
            self._size -= written
            self._backlog.popleft()
            if written < len(data):
                self._backlog.appendleft((stream, data[written:]))

    def drop(self) -> None:
        """Write no more."""
        self._backlog.clear()
        self._size = 0


class _Descriptor:
    """A stream of the operating system."""

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        mode = os.fstat(descriptor).st_mode
        self._may_wait = not stat.S_ISREG(mode)
        if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode):
            self._piece = _PIPE_PIECE
        else:
            self._piece = _TERMINAL_PIECE if os.isatty(descriptor) else _ANY_PIECE
        self._poll = select.poll()
        self._poll.register(descriptor, select.POLLOUT)

    def write(self, data: memoryview) -> int:
        """Write some of *data*; 0 when there is no room."""
        if self._may_wait and not self._poll.poll(0):
            return 0
        try:
            return os.write(self.descriptor, data[: self._piece])
        except BlockingIOError:
            return 0


class _Stream:
    """A Python object in the place of a stream: a notebook's, a test's."""

    def __init__(self, stream: IO[Any]) -> None:
        self._stream = stream

    def write(self, data: memoryview) -> int:
        """Write all of *data*."""
        binary = getattr(self._stream, "buffer", None)
        if binary is not None:
            self._stream.flush()
            binary.write(data)
            binary.flush()
        else:
            self._stream.write(bytes(data).decode("utf-8", "backslashreplace"))
            self._stream.flush()
        return len(data)


def _target(stream: IO[Any] | None) -> _Descriptor | _Stream | None:
    if stream is None:  # Python was started with the stream closed
        return None
    try:
        stream.flush()
        return _Descriptor(stream.fileno())
    except (AttributeError, OSError, ValueError):
        return None if getattr(stream, "closed", False) else _Stream(stream)
