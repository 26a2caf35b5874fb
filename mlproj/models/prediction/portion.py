"""Part of an input, as it goes to the worker, and how its rows are named in messages."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mlproj.foundation.dataclass import dataclass, field


@dataclass(frozen=True)
class Portion:
    """``header`` and ``buffers`` make the message; ``place`` is the place of a row in it, for messages: it is given
    the row or else the line, counted from 0 in the portion. ``rows`` is None where only the worker counts them, and
    ``table`` an Arrow batch with the inputs, where the output is to have them from here."""

    header: Mapping[str, Any]
    buffers: Sequence[Any]
    place: Callable[[int | None, int | None], str]
    rows: int | None = None
    table: Any = field(default=None)


def by_line(name: str, first: int) -> Callable[[int | None, int | None], str]:
    """Places in a file of lines, of which the portion begins with number *first*, counted from 1."""

    def place(_row: int | None, line: int | None) -> str:
        return f"{name}:{first + line}" if line is not None else f"{name}, from line {first}"

    return place


def by_row(name: str, first: int) -> Callable[[int | None, int | None], str]:
    """Places in a file of rows, of which the portion begins with number *first*, counted from 1."""

    def place(row: int | None, _line: int | None) -> str:
        return f"{name}, row {first + row}" if row is not None else f"{name}, from row {first}"

    return place
