"""Progress for people, on stderr: plain lines, and on a terminal a spinner for what takes longer than a moment.

rich draws the spinner. Importing it costs more than most steps last, so it is only loaded when a step has already
taken a while, and never for the warm path.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

from mlproj.cli import terminal
from mlproj.foundation import open_line
from mlproj.foundation.progress import Progress
from mlproj.foundation.redaction import redact

if TYPE_CHECKING:
    from mlproj.cli.spinner import Spinner

PATIENCE = 0.15
"""Seconds that a step may last before it is shown to be going on."""

Reporter = Progress


def make_reporter(verbosity: int = 0, *, json: bool = False) -> Progress:
    """What to tell people with: *verbosity* -1 is warnings only, 1 adds every detail.

    With *json* a program is reading; nothing moves then, whatever stderr is.
    """
    live = verbosity >= 0 and not json and terminal.wants_motion(sys.stderr)
    return AnimatedReporter(verbosity) if live else PlainReporter(verbosity)


class PlainReporter:
    """Lines on stderr, each whole: for logs, pipes and terminals without a cursor."""

    def __init__(self, verbosity: int = 0) -> None:
        self.verbosity = verbosity

    def note(self, text: str) -> None:
        """A line, unless quiet."""
        if self.verbosity >= 0:
            self.write(text)

    def warn(self, text: str) -> None:
        """A line that begins with ``warning:``."""
        self.write(text, prefix=f"{terminal.styled('warning:', sys.stderr, 'yellow', 'bold')} ")

    def step(self, text: str) -> AbstractContextManager[None]:
        """A line once the step has lasted a moment, unless quiet; when verbose at once."""
        if self.verbosity > 0:
            self.note(text)
        return nullcontext() if self.verbosity != 0 else self._note_if_slow(text)

    @contextmanager
    def _note_if_slow(self, text: str) -> Iterator[None]:
        timer = threading.Timer(PATIENCE, self.note, (text,))
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()  # what it may be writing must not come after the step

    def detail(self, text: str) -> None:
        """An indented line, when verbose."""
        if self.verbosity > 0:
            self.write(text, prefix="  ")

    def write(self, text: str, prefix: str = "") -> None:
        """Put *text* on stderr without secrets and control characters; a stream that takes it no more is no reason to
        stop."""
        encoding = sys.stderr.encoding or "utf-8"
        clean = terminal.printable(redact(text)).encode(encoding, "backslashreplace").decode(encoding)
        open_line.end()
        try:
            sys.stderr.write(f"{prefix}{clean}\n")
            sys.stderr.flush()
        except OSError:
            pass


class AnimatedReporter(PlainReporter):
    """The same lines on a terminal; a step that lasts is shown with a spinner, its time and its latest detail.

    A step that lasted leaves one line with the time it took; a quick one leaves none. The spinner is gone before
    :meth:`step` returns, so that the next program has the terminal to itself.
    """

    def __init__(self, verbosity: int = 0) -> None:
        super().__init__(verbosity)
        self._lock = threading.RLock()
        self._steps: list[str] = []
        self._spinner: Spinner | None = None

    def step(self, text: str) -> AbstractContextManager[None]:
        """Show *text* for as long as the block lasts; an inner step is shown instead of the outer one."""
        return self._step(terminal.printable(redact(text)))

    @contextmanager
    def _step(self, text: str) -> Iterator[None]:
        began = time.monotonic()
        timer = threading.Timer(PATIENCE, self._show)
        timer.daemon = True
        with self._lock:
            self._steps.append(text)
            self._update(text)
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            self._leave(time.monotonic() - began)

    def detail(self, text: str) -> None:
        """The latest detail beside the spinner; when verbose a line that stays."""
        super().detail(text)
        with self._lock:
            if self._spinner:
                self._spinner.detail = terminal.printable(redact(text)).strip()

    def write(self, text: str, prefix: str = "") -> None:
        """As for plain lines; a spinner makes room."""
        with self._lock:
            if self._spinner:
                self._spinner.pause()
            super().write(text, prefix)
            if self._spinner:
                self._spinner.resume()

    def _show(self) -> None:
        """Called by the timer: the step has lasted long enough to be shown, unless it has just ended."""
        from mlproj.cli.spinner import Spinner

        with self._lock:
            if self._steps and self._spinner is None:
                open_line.end()
                self._spinner = Spinner(self._steps[-1])
                self._spinner.resume()

    def _update(self, text: str) -> None:
        if self._spinner:
            self._spinner.show(text)

    def _leave(self, seconds: float) -> None:
        with self._lock:
            text = self._steps.pop()
            if self._spinner and not self._steps:
                self._spinner.pause()
                self._spinner = None
            elif self._spinner:
                self._spinner.show(self._steps[-1])
            if seconds >= 1:
                from mlproj.foundation.quantity import duration

                self.write(f"{text} ({duration(seconds)})")
