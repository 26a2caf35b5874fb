"""Says which package is being built from source when that takes long: uv is silent until it is done, and a compiler may
need half an hour."""

from __future__ import annotations

import re
import threading

from mlproj.foundation.progress import Progress
from mlproj.foundation.redaction import redact

PATIENCE = 10.0
"""Seconds that a build may last before a line says so."""
_MOST = 5
LOGGED = {"RUST_LOG": "uv_distribution=debug"}
"""The environment in which uv tells what it builds."""
_BEGUN = re.compile(r"DEBUG (?:Preparing metadata for|Building): (.+)")
_DONE = re.compile(r"DEBUG (?:Prepared metadata for: (.+)|Built `(.+?)` into )")


class SourceBuilds:
    """Listens to what one call of uv says. Each build is named once: *named* has those that were, by other calls
    too."""

    def __init__(self, progress: Progress, named: set[str]) -> None:
        self._progress = progress
        self._timers: dict[str, threading.Timer] = {}
        self._named = named

    def hear(self, line: str) -> bool:
        """Take note of *line*; whether it is of the log that was asked for here, and no word of uv's own."""
        if begun := _BEGUN.match(line):
            self._begin(begun[1])
        elif done := _DONE.match(line):
            self._end(done[1] or done[2])
        return line.startswith("DEBUG ")

    def end(self) -> None:
        """The call has ended, and with it what it was building."""
        for what in list(self._timers):
            self._end(what)

    def _begin(self, what: str) -> None:
        self._end(what)
        self._timers[what] = timer = threading.Timer(PATIENCE, self._tell, (what,))
        timer.daemon = True
        timer.start()

    def _end(self, what: str) -> None:
        if timer := self._timers.pop(what, None):
            timer.cancel()
            timer.join()  # what it may be saying comes before what follows

    def _tell(self, what: str) -> None:
        if what in self._named or len(self._named) > _MOST:
            return
        self._named.add(what)
        shown = redact(what) if len(self._named) <= _MOST else "more packages"
        self._progress.note(f"building {shown} from source, which may take minutes")
