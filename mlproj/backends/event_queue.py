"""A queue of requests to end a job: filled from any thread or signal handler, read by a loop that polls."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from mlproj.foundation.dataclass import dataclass


@dataclass(frozen=True)
class Request:
    """That a job be ended: ``reason`` as in Outcome.stopped_by, the signal to begin with, and when (monotonic
    seconds)."""

    reason: str
    signal_number: int
    time: float


class EventQueue:
    """A queue of requests, with a descriptor for ``poll`` that is readable while there may be some."""

    def __init__(self) -> None:
        self.descriptor, self._writing = os.pipe()
        os.set_blocking(self.descriptor, False)
        os.set_blocking(self._writing, False)
        self._lock = threading.RLock()  # reentrant: a signal handler may call put() while its own thread closes
        self._closed = False
        self._requests: deque[Request] = deque()

    def put(self, reason: str, signal_number: int) -> None:
        """Add a request and wake the loop that polls; ignored once the queue is closed."""
        self._requests.append(Request(reason, signal_number, time.monotonic()))
        with self._lock:
            if not self._closed:
                with suppress(BlockingIOError):  # full, and so readable already
                    os.write(self._writing, b"!")

    def get(self) -> Request | None:
        """Take the oldest request; None when there is none."""
        with suppress(BlockingIOError):
            os.read(self.descriptor, 4096)
        return self._requests.popleft() if self._requests else None

    @contextmanager
    def fed_by_signals(self) -> Iterator[None]:
        """Wake the loop at every signal, too, while it runs in the main thread.

        Python's own handlers run between two of its steps: of a signal that comes in the instant before a poll begins
        to wait, they would hear only when the poll ends, which may be never.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = signal.set_wakeup_fd(self._writing, warn_on_full_buffer=False)
        try:
            yield
        finally:
            signal.set_wakeup_fd(before)

    def close(self) -> None:
        """Close the descriptors; later requests are ignored."""
        with self._lock:
            self._closed = True
            os.close(self.descriptor)
            os.close(self._writing)
