"""Runs whose process is gone get the status that says so, now and then, while they are looked at."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

_EVERY = 5.0  # seconds


class Reaper:
    """Calls *reap*, at most every few seconds however often it is asked."""

    def __init__(self, reap: Callable[[], object]) -> None:
        self._reap = reap
        self._lock = threading.Lock()
        self._next = 0.0

    def look(self) -> None:
        """Do it, if it is time. Blocks."""
        with self._lock:
            if time.monotonic() < self._next:
                return
            self._next = time.monotonic() + _EVERY
        self._reap()
