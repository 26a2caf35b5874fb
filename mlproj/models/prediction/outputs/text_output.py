"""CSV and lines of JSON, which the worker writes; here they are put one after the other."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import IO

from mlproj.models.prediction.answer import Answer
from mlproj.models.prediction.request import InvalidData


class JsonLinesOutput:
    """A JSON object on each line."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def write(self, answer: Answer) -> None:
        """Its lines."""
        self._stream.write(answer.body)

    def end(self) -> None:
        """Nothing."""


class CsvOutput:
    """A header, and a line for each row."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._names: Sequence[str] | None = None

    def write(self, answer: Answer) -> None:
        """Its lines."""
        names = answer.header["names"]
        if self._names is None:
            self._names = names
            text = io.StringIO(newline="")
            csv.writer(text, lineterminator="\n").writerow(names)
            self._stream.write(text.getvalue().encode())
        refuse_other(self._names, names, answer)
        self._stream.write(answer.body)

    def end(self) -> None:
        """Nothing."""


def refuse_other(before: Sequence[str], names: Sequence[str], answer: Answer) -> None:
    """Raise InvalidData when the columns of an answer are not those of the answers before."""
    if list(before) != list(names):
        raise InvalidData(
            f"{answer.portion.place(None, None)}: the model answers with other columns than before:"
            f" {', '.join(names)}, and not {', '.join(before)}",
            hint="jsonl output takes rows that differ",
        )
