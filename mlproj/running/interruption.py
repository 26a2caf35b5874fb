"""Signals that tell mlproj to stop, delivered where they can be acted upon.

Before a job is handed over, a signal raises :class:`Interrupted` where the main thread stands. While a job runs, the
signal is the job's: it is passed on, and the job's end tells what came of it. While a record is being closed, it waits.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Protocol, TypeVar

from mlproj.foundation.errors import Interrupted

# A closed terminal counts like a request to end; Windows knows no SIGHUP.
_SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))


class Interruptible(Protocol):
    """Something that runs and takes signals."""

    def interrupt(self, signal_number: int, /) -> None:
        """Pass a signal on."""


Started = TypeVar("Started", bound=Interruptible)


class Interruption:
    """Decides what a signal does at the moment. ``received`` is the first signal that came, or None."""

    def __init__(self) -> None:
        self.received: int | None = None
        self._raised = False
        self._act: Callable[[int], None] = self._raise

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        """Act on a signal; the form that :func:`signal.signal` asks for."""
        self.received = self.received or number
        self._act(number)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Signals wait until this block ends, then raise."""
        waiting: list[int] = []
        before, self._act = self._act, waiting.append
        try:
            yield
        finally:
            self._act = before
        for number in waiting[:1]:
            self._act(number)

    @contextmanager
    def passed_to(self, start: Callable[[], Started]) -> Iterator[Started]:
        """Start something that takes signals itself; they are its own from then on, those that come meanwhile too."""
        waiting: list[int] = []
        before, self._act = self._act, waiting.append
        try:
            started = start()
            self._act = started.interrupt
            for number in waiting:
                started.interrupt(number)
            yield started
        finally:
            self._act = before

    def _raise(self, number: int) -> None:
        if not self._raised:  # what the first one unwinds, a second must not leave half undone
            self._raised = True
            raise Interrupted(number)


@contextmanager
def listening() -> Iterator[Interruption]:
    """Take over the signals that end a program, and give them back afterwards.

    Nested calls share what is yielded here. Outside the main thread Python allows no handlers; the
    interruption is then one that nothing ever reaches.
    """
    if threading.current_thread() is not threading.main_thread():
        yield Interruption()
        return
    outer = signal.getsignal(signal.SIGTERM)
    interruption = outer if isinstance(outer, Interruption) else Interruption()
    # A signal that our caller ignores (nohup) stays ignored.
    ours = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    before = {number: signal.signal(number, interruption) for number in ours}
    try:
        yield interruption
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
