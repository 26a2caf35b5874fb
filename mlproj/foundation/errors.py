"""What can go wrong, told apart by what the caller does next: one class per exit code.

Anything raised that is not an :class:`MlprojError` is a bug in mlproj and is reported as one (exit code 70).
"""

from __future__ import annotations

from typing import ClassVar

from mlproj.foundation.dataclass import dataclass


@dataclass(frozen=True)
class Place:
    """Where in a file something was found. ``line`` and ``column`` count from 1; ``text`` is the offending line."""

    file: str
    line: int | None = None
    column: int | None = None
    text: str | None = None

    def __str__(self) -> str:
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part is not None)


@dataclass(frozen=True)
class Notice:
    """Something doubtful, as data until it is shown: the ``text``, where it was found, and what to do. It keeps nothing
    from running.

    With ``is_error`` it is plainly wrong, though MLflow takes it: ``mlproj run`` warns of it, ``mlproj check`` refuses
    it.
    """

    text: str
    place: Place | None = None
    hint: str | None = None
    is_error: bool = False

    def __str__(self) -> str:
        where = f"{self.place}: " if self.place else ""
        return where + self.text + (f"; {self.hint}" if self.hint else "")


class MlprojError(Exception):
    """A mistake or a fault outside mlproj: described in a sentence, with what to do next, never with a traceback.

    ``is_program_missing``: nothing is wrong but that this machine lacks a program; what needs it can still be planned.
    """

    exit_code: ClassVar[int] = 70
    kind: ClassVar[str] = "bug"

    def __init__(
        self, message: str, *, hint: str | None = None, place: Place | None = None, is_program_missing: bool = False
    ) -> None:
        super().__init__(message)
        self.is_program_missing = is_program_missing
        self.message = message
        self.hint = hint
        self.place = place

    def __str__(self) -> str:
        return f"{self.place}: {self.message}" if self.place else self.message


class UsageError(MlprojError):
    """A wrong flag or parameter: names it and says what was expected."""

    exit_code = 2
    kind = "usage"


class InvalidProject(MlprojError):
    """The project's own files contradict the format: says where, what was found and what was expected."""

    exit_code = 65
    kind = "invalid_project"


class SourceError(MlprojError):
    """The source or revision is not there, or may not be read."""

    exit_code = 66
    kind = "source"


class ServiceError(MlprojError):
    """Something this needs is out of reach: a backend, a container engine, a tracking server, a package index."""

    exit_code = 69
    kind = "service"


class EnvironmentFailure(MlprojError):
    """The environment could not be made: carries the resolver's own reason and what to try."""

    exit_code = 73
    kind = "environment"


class Interrupted(BaseException):
    """The user (130) or the system (143) asked mlproj to stop.

    No error, as Python's own KeyboardInterrupt is none: whoever carries on after errors must not carry on after this.
    """

    kind: ClassVar[str] = "interrupted"
    hint: ClassVar[str | None] = None
    place: ClassVar[Place | None] = None

    def __init__(self, signal_number: int) -> None:
        self.message = "interrupted" if signal_number == 2 else f"terminated by signal {signal_number}"
        super().__init__(self.message)
        self.signal_number = signal_number

    @property
    def exit_code(self) -> int:
        """128 plus the signal's number, as in every shell."""
        return 128 + self.signal_number


def did_you_mean(word: str, known: list[str] | tuple[str, ...]) -> str | None:
    """The known word closest to *word* when one is close enough to be a typing mistake, else None."""
    from difflib import get_close_matches

    folded = {candidate.casefold(): candidate for candidate in reversed(known)}
    close = get_close_matches(word.casefold(), list(folded), n=1, cutoff=0.6)
    return folded[close[0]] if close else None
