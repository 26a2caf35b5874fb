"""What happened, as both kinds of files tell it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class Outcome(str, Enum):
    """How a case ended. ``FAILED`` is what was tested, ``ERROR`` what kept it from being tested."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Case:
    """One thing that was tried: how long it took in seconds, a message where there is something to say, and the end of
    its output."""

    name: str
    outcome: Outcome
    seconds: float = 0.0
    message: str = ""
    output: str = ""


@dataclass(frozen=True)
class Table:
    """Rows of text for the summary; every row has as many cells as there are columns."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Report:
    """The cases of one command under the name of their suite; ``title``, ``tables`` and ``links`` (label, URL) are for
    the summary.

    Texts are taken as they are, whatever they hold; ``started`` is in UTC.
    """

    suite: str
    cases: Sequence[Case]
    title: str
    tables: Sequence[Table] = ()
    links: Sequence[tuple[str, str]] = ()
    started: datetime | None = None
