"""CSV: cut between records here, and read in the worker by pandas, with the types of the signature."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator

from mlproj.foundation.errors import Place
from mlproj.models.prediction.inputs.opened_input import OpenedInput
from mlproj.models.prediction.portion import Portion, by_line
from mlproj.models.prediction.request import PORTION_BYTES, InvalidData, PredictionRequest
from mlproj.models.signature import Signature

_BLOCK = 1 << 20
_BOM = b"\xef\xbb\xbf"
# A quote opens a field only where one begins, and is doubled inside of it.
_QUOTED = re.compile(rb'(?:\A|[,\r\n])"[^"]*(?:""[^"]*)*("|\Z)')


class CsvInput:
    """The records of a CSV file, commas between fields, the names of the columns in the first."""

    def __init__(self, request: PredictionRequest, opened: OpenedInput, _signature: Signature | None) -> None:
        self._rows = request.rows
        self._opened = opened
        self._buffer = bytearray()
        self._ended = False
        self._line = 1
        self._kind: bytes | None = None

    def portions(self) -> Iterator[Portion]:
        """Some records at a time."""
        names = self._header()
        while True:
            first = self._line
            text = self._take(self._rows)
            if not text:
                return
            if text.strip():
                header = {"form": "csv", "names": names}
                yield Portion(header, [text], by_line(self._opened.name, first))

    def _header(self) -> list[str]:
        text = b""
        while not text.strip():
            text = self._take(1)
            if not text:
                raise InvalidData("there is nothing in it, not even a header", place=Place(self._opened.name))
        try:
            names = next(csv.reader(io.StringIO(text.removeprefix(_BOM).decode("utf-8"), newline="")))
        except UnicodeDecodeError as error:
            raise InvalidData(f"it is not UTF-8: {error.reason}", place=Place(self._opened.name, 1)) from None
        except csv.Error as error:
            raise InvalidData(f"the header cannot be read: {error}", place=Place(self._opened.name, 1)) from None
        twice = [name for name, count in Counter(names).items() if count > 1]
        if twice:
            raise InvalidData(f"column {twice[0]!r} is there twice", place=Place(self._opened.name, 1))
        return names

    def _take(self, rows: int) -> bytes:
        """The next *rows* records, or fewer where they are large; empty at the end."""
        end = 0
        for _ in range(rows):
            found = self._find(end)
            end = found + 1 if found >= 0 else len(self._buffer)
            if found < 0 or end >= PORTION_BYTES:
                break
        return self._cut(self._whole(end))

    def _find(self, start: int) -> int:
        """Where the next newline is, -1 when there is none any more."""
        begin = start
        while (found := self._buffer.find(self._newline(), start)) < 0 and not self._ended:
            if len(self._buffer) - begin > PORTION_BYTES:
                raise self._endless()
            start = len(self._buffer)
            self._fill()
        return found

    def _newline(self) -> bytes:
        """What ends a line: found with the first one."""
        while self._kind is None:
            found = min((place for place in map(self._buffer.find, (b"\r", b"\n")) if place >= 0), default=-1)
            if found >= 0 and (self._buffer[found : found + 1] == b"\n" or found + 1 < len(self._buffer)):
                self._kind = b"\n" if b"\n" in self._buffer[found : found + 2] else b"\r"
            elif self._ended or len(self._buffer) > PORTION_BYTES:
                return b"\n"
            else:
                self._fill()
        return self._kind

    def _fill(self) -> None:
        block = self._opened.read(_BLOCK)
        self._ended = not block
        self._buffer += block

    def _whole(self, end: int) -> int:
        """*end*, or the end of the record that goes on there because of a newline in quotes."""
        while opening := _open_quote(self._buffer, end):
            closing = self._buffer.find(b'"', end)
            if closing >= 0:
                after = self._find(closing)
                end = after + 1 if after >= 0 else len(self._buffer)
            elif self._ended:
                line = self._line + bytes(self._buffer[: opening - 1]).count(self._newline())
                raise InvalidData("a quoted field does not end", place=Place(self._opened.name, line))
            elif len(self._buffer) - end > PORTION_BYTES:
                raise self._endless()
            else:
                self._fill()
        return end

    def _cut(self, end: int) -> bytes:
        text = bytes(memoryview(self._buffer)[:end])
        del self._buffer[:end]
        self._line += text.count(self._newline())
        return text

    def _endless(self) -> InvalidData:
        size = f"{PORTION_BYTES >> 20} MiB"
        return InvalidData(f"a record has more than {size}", place=Place(self._opened.name, self._line))


def _open_quote(buffer: bytearray, end: int) -> int:
    """Where in the first *end* bytes a quoted field begins that does not end there, plus 1; 0 where all do."""
    if buffer.find(b'"', 0, end) < 0:
        return 0
    for match in _QUOTED.finditer(buffer, 0, end):
        if match.group(1) != b'"':
            return match.start() + 2
    return 0
