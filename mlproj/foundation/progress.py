"""How long work tells people where it is, without knowing whether they sit at a terminal."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import Protocol


class Progress(Protocol):
    """Receives what is going on. Everything goes to stderr; nothing said here is ever a result."""

    def note(self, text: str, /) -> None:
        """A line worth keeping: a choice and its reason."""

    def warn(self, text: str, /) -> None:
        """Something the user should know and may want to mend."""

    def step(self, text: str, /) -> AbstractContextManager[None]:
        """Something that takes a while, such as ``resolving 12 packages``."""

    def detail(self, text: str, /) -> None:
        """A line from inside the current step, such as one of an installer's; shown when asked for (``-v``)."""


class WithoutWarnings:
    """Hands on to *progress* all but warnings, for a caller that shows them itself."""

    def __init__(self, progress: Progress) -> None:
        self.note, self.step, self.detail = progress.note, progress.step, progress.detail

    def warn(self, _text: str) -> None:
        """Nothing."""


class Silent:
    """Says nothing: the Python API and ``--quiet``."""

    def note(self, _text: str) -> None:
        """Nothing."""

    def warn(self, _text: str) -> None:
        """Nothing."""

    def step(self, _text: str) -> AbstractContextManager[None]:
        """Nothing, for as long as the block lasts."""
        return nullcontext()

    def detail(self, _text: str) -> None:
        """Nothing."""
