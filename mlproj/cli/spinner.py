"""The moving line of a terminal, drawn by rich. Only imported when there is something to wait for."""

from __future__ import annotations

import time

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.text import Text

_FRAMES, _ASCII_FRAMES = "⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏", "|/-\\"


class Spinner:
    """One line: dots that move, what is being done, how long it has taken, and the latest detail in what room is
    left."""

    def __init__(self, text: str) -> None:
        self.detail = ""
        self._text = text
        self._began = time.monotonic()
        self._console = Console(stderr=True, highlight=False, markup=False, emoji=False)
        self._live: Live | None = None

    def show(self, text: str) -> None:
        """Show another step from now on."""
        self._text, self.detail, self._began = text, "", time.monotonic()

    def resume(self) -> None:
        """Begin to move."""
        self._live = Live(
            self,
            console=self._console,
            transient=True,
            refresh_per_second=10,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()

    def pause(self) -> None:
        """Leave the terminal as it was: no spinner, the cursor visible at the start of an empty line."""
        if self._live:
            self._live.stop()
            self._live = None

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """The line as it is now, never wider than the terminal."""
        elapsed = time.monotonic() - self._began
        frames = _FRAMES if options.encoding.startswith("utf") else _ASCII_FRAMES
        frame = frames[int(elapsed * 10) % len(frames)]
        line = Text.assemble((frame, "cyan"), " ", self._text, (f" {elapsed:.0f} s", "cyan"))
        if self.detail:
            line.append(f"  {self.detail}", style="dim")
        line.truncate(options.max_width, overflow="ellipsis")
        line.no_wrap = True
        yield line
