"""Lines of JSON, each a row; read in the worker."""

from __future__ import annotations

from collections.abc import Iterator

from mlproj.foundation.errors import Place
from mlproj.models.prediction.inputs.opened_input import OpenedInput
from mlproj.models.prediction.portion import Portion, by_line
from mlproj.models.prediction.request import PORTION_BYTES, InvalidData, PredictionRequest
from mlproj.models.signature import Signature

_BLOCK = 1 << 20


class JsonLinesInput:
    """A file of lines."""

    def __init__(self, request: PredictionRequest, opened: OpenedInput, _signature: Signature | None) -> None:
        self._rows = request.rows
        self._opened = opened

    def portions(self) -> Iterator[Portion]:
        """Some lines at a time."""
        first = 1
        lines: list[bytes] = []
        size = 0
        for line in self._lines():
            lines.append(line)
            size += len(line)
            if len(lines) >= self._rows or size >= PORTION_BYTES:
                yield self._portion(lines, first)
                first, lines, size = first + len(lines), [], 0
        if any(line.strip() for line in lines):
            yield self._portion(lines, first)

    def _portion(self, lines: list[bytes], first: int) -> Portion:
        return Portion({"form": "jsonl"}, [b"\n".join(lines)], by_line(self._opened.name, first))

    def _lines(self) -> Iterator[bytes]:
        rest = b""
        count = 0
        while block := self._opened.read(_BLOCK):
            *whole, rest = (rest + block).split(b"\n")
            yield from whole
            count += len(whole)
            if len(rest) > PORTION_BYTES:
                size = f"{PORTION_BYTES >> 20} MiB"
                raise InvalidData(f"a line has more than {size}", place=Place(self._opened.name, count + 1))
        if rest:
            yield rest
