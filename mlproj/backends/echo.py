"""Copies a job's output to our own streams as it comes, without ever waiting for whoever reads them.

A reader may be slow (a pager, a terminal held with Ctrl-S) or gone (``mlproj run | head``). Were we to wait for it,
a timeout or a signal could not be served meanwhile. So we write only when the stream has room.
"""

from __future__ import annotations

import errno
import os
import select
import stat
import sys
from collections import deque
from typing import IO, Any

from mlproj.foundation import open_line

_FULL = 1 << 20  # bytes not yet written at which no more is read from the job
_PIECE = 1 << 16
_NOBODY_READS = (errno.EPIPE, errno.EBADF, errno.ECONNRESET)  # which is the reader's right
_failures: list[OSError] = []


def failure() -> OSError | None:
    """Why our standard output did not take what a job said, if it did not: a full disk, say. It is this process's, as
    the stream is."""
    return _failures[0] if _failures else None


class Echo:
    """Where a job's standard output (1) and standard error (2) are shown: *mode* is ``Job.echo``."""

    def __init__(self, mode: str) -> None:
        self._targets: dict[int, _Descriptor | _Stream | None] = {}
        if mode != "nowhere":
            self._targets = {1: _target(sys.stderr if mode == "stderr" else sys.stdout), 2: _target(sys.stderr)}
        self._on_stderr = {2, 1} if mode == "stderr" or _are_one(sys.stdout, sys.stderr) else {2}
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
        """Write what can be written without waiting. A stream that fails is given up: the log has it all."""
        while self._backlog:
            stream, data = self._backlog[0]
            target = self._targets[stream]
            try:
                written = len(data) if target is None else target.write(data)
            except (OSError, ValueError) as error:  # the reader is gone, the stream was closed, the disk is full
                self._give_up(stream, error)
                written = len(data)
            if not written:
                return
            if stream in self._on_stderr and self._targets[stream] is not None:
                open_line.shown(data[:written])
            self._size -= written
            self._backlog.popleft()
            if written < len(data):
                self._backlog.appendleft((stream, data[written:]))

    def _give_up(self, stream: int, error: OSError | ValueError) -> None:
        if stream == 1 and isinstance(error, OSError) and error.errno not in _NOBODY_READS:
            _failures.append(error)
        target, self._targets[stream] = self._targets[stream], None
        if target is not None:
            target.close()

    def drop(self) -> None:
        """Write no more."""
        self._backlog.clear()
        self._size = 0

    def close(self) -> None:
        """Give up what is ours. Their streams stay open."""
        for target in self._targets.values():
            if target is not None:
                target.close()
        self._targets = {}


class _Descriptor:
    """A stream of the operating system.

    It must not be made non-blocking: whoever started us shares it. A pipe with room takes PIPE_BUF bytes without
    waiting. A terminal with room may take less than it is given, so it is opened anew, for us alone, as non-blocking.
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        self._own = _reopened_terminal(descriptor)
        if self._own is not None:
            self.descriptor = self._own
        mode = os.fstat(descriptor).st_mode
        self._may_wait = not stat.S_ISREG(mode)
        self._piece = select.PIPE_BUF if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) else _PIECE
        self._poll = select.poll()
        self._poll.register(self.descriptor, select.POLLOUT)

    def write(self, data: memoryview) -> int:
        """Write some of *data*; 0 when there is no room."""
        if self._may_wait and not self._poll.poll(0):
            return 0
        try:
            return os.write(self.descriptor, data[: self._piece])
        except BlockingIOError:
            return 0

    def close(self) -> None:
        if self._own is not None:
            os.close(self._own)


def _reopened_terminal(descriptor: int) -> int | None:
    """The terminal behind *descriptor* as a file of our own; None when it is none, or another user's."""
    try:
        return os.open(os.ttyname(descriptor), os.O_WRONLY | os.O_NOCTTY | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None


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

    def close(self) -> None: ...


def _are_one(first: IO[Any] | None, second: IO[Any] | None) -> bool:
    """Whether what is written to either stream is seen in one place: a terminal, or after ``2>&1``."""
    try:
        return first is not None and second is not None and open_line.is_same_place(first.fileno(), second.fileno())
    except (AttributeError, OSError, ValueError):
        return False


def _target(stream: IO[Any] | None) -> _Descriptor | _Stream | None:
    if stream is None:  # Python was started with the stream closed
        return None
    try:
        stream.flush()
        return _Descriptor(stream.fileno())
    except (AttributeError, OSError, ValueError):
        return None if getattr(stream, "closed", False) else _Stream(stream)
