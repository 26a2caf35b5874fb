"""What is wrong with a portion, and where in it."""

from __future__ import annotations

from typing import Any, Callable


class TableError(Exception):
    """A portion that cannot be predicted.

    *row* is counted from 0 in the portion; where it has lines *line* is, too. *by_model* is true of what the model
    itself raised.
    """

    def __init__(
        self,
        message: str,
        row: int | None = None,
        line: int | None = None,
        column: Any = None,
        by_model: bool = False,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.row = row
        self.line = line
        self.column = column
        self.by_model = by_model

    def to_dict(self) -> dict[str, Any]:
        """As the answer to a message says it."""
        column = None if self.column is None else str(self.column)
        return {"error": self.message, "row": self.row, "line": self.line, "column": column, "by_model": self.by_model}


def first_failing(rows: int, check: Callable[[int, int], Any]) -> tuple[int, Exception] | None:
    """The first row that *check* (of rows from, to) raises for, and what it raises.

    None where that cannot be said: all rows fail, as those of a column of the wrong type do, or none does alone.
    """
    if rows < 2:
        return None if rows == 0 or _error(check, 0, 1) is None else (0, _error(check, 0, 1) or Exception())
    if _error(check, 0, 1) and _error(check, rows - 1, rows):
        return None
    start, end = 0, rows
    while end - start > 1:
        middle = (start + end) // 2
        if _error(check, start, middle):
            end = middle
        else:
            start = middle
    error = _error(check, start, end)
    return None if error is None else (start, error)


def _error(check: Callable[[int, int], Any], start: int, end: int) -> Exception | None:
    try:
        check(start, end)
    except Exception as error:
        return error
    return None
