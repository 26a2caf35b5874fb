"""A portion of a CSV file → a data frame, as MLflow's server reads one, with the place of what cannot be read."""

from __future__ import annotations

import csv
import io
import sys
from typing import Any, Iterator

from ..schema import Schema
from .csv_types import CellType, cell_type, guessed_type
from .errors import TableError


class CsvReader:
    """Reads the portions of one file with the columns *names*; types are the signature's, else those of the first
    portion."""

    def __init__(self, names: list[str], schema: Schema | None) -> None:
        self._names = names
        self._schema = schema
        self._types: dict[str, CellType] = {} if schema is None else _types(names, schema)
        self._required = set(schema.required_input_names()) if schema is not None else set()

    def read(self, text: memoryview) -> Any:
        """The frame of a portion. Raises TableError."""
        try:
            frame = self._frame(text) if self._schema is not None else self._guessed(text)
        except Exception as error:
            raise self._trouble(text, error) from error
        self._refuse_ragged(text, len(frame))
        return frame

    def _frame(self, text: memoryview) -> Any:
        types = {name: kind.dtype for name, kind in self._types.items()}
        frame = self._parsed(text, dtype=types)
        for name, kind in self._types.items():
            if kind.convert is not None:
                frame[name] = kind.convert(frame[name], name in self._required)
        return frame

    def _parsed(self, text: memoryview, **options: Any) -> Any:
        import pandas as pd

        return pd.read_csv(io.BytesIO(text), header=None, names=self._names, index_col=False, **options)

    def _guessed(self, text: memoryview) -> Any:
        """Without a signature: whole numbers that turn out to be others become doubles; nothing else changes."""
        if self._types:
            try:
                return self._frame(text)
            except (ValueError, OverflowError, TypeError):
                pass
        frame = self._parsed(text, low_memory=False)
        for name in self._names:
            found = guessed_type(frame[name].dtype)
            known = self._types.get(name)
            # A column without any value says nothing of its type.
            if frame[name].notna().any() and (known is None or (known.name, found.name) == ("long", "double")):
                self._types[name] = found
        return self._frame(text)

    def _refuse_ragged(self, text: memoryview, rows: int) -> None:
        """pandas fills up rows that are too short, and is silent of some that are too long."""
        content = bytes(text)
        if b'"' not in content and content.count(b",") == rows * (len(self._names) - 1):
            return
        for line, row in _records(content.decode("utf-8")):
            if len(row) != len(self._names):
                raise TableError(_ragged(row, self._names), line=line)

    def _trouble(self, text: memoryview, error: Exception) -> TableError:
        try:
            content = bytes(text).decode("utf-8")
        except UnicodeDecodeError as trouble:
            line = bytes(text[: trouble.start]).count(b"\n")
            return TableError(f"it is not UTF-8: {trouble.reason}", line=line)
        for line, row in _records(content):
            if len(row) != len(self._names):
                return TableError(_ragged(row, self._names), line=line)
            for name, cell in zip(self._names, row):
                kind = self._types.get(name)
                if kind is not None and kind.refuses(cell, name in self._required):
                    return TableError(self._refusal(cell, kind), line=line, column=name)
        return TableError(f"it cannot be read: {error}", line=0)

    def _refusal(self, cell: str, kind: CellType) -> str:
        guessed = "" if self._schema is not None else ", as the rows before are; the model has no signature"
        return f"{_short(cell)} is no {kind.name}{guessed}"


def _types(names: list[str], schema: Schema) -> dict[str, CellType]:
    kinds: dict[Any, Any]
    if schema.has_input_names:
        kinds = {name: _cells_of(spec) for name, spec in schema.input_dict().items()}
    elif schema.is_tensor_spec:
        kinds = dict.fromkeys(names, _cells_of(schema.inputs[0], len(names)))
    else:
        kinds = {name: spec.type for name, spec in zip(names, schema.inputs)}
    return {name: cell_type(kinds.get(name)) for name in names}


def _cells_of(spec: Any, columns: int = 1) -> Any:
    """The type of the cells of a column or tensor; a tensor of several numbers in a cell is a JSON list."""
    shape = getattr(spec, "shape", None)
    if shape is None or shape in ((-1,), (-1, 1)) or (columns > 1 and len(shape) == 2):
        return spec.type
    return "list"


def _records(text: str) -> Iterator[tuple[int, list[str]]]:
    """The line, from 0, and the fields of each record that pandas does not skip."""
    csv.field_size_limit(sys.maxsize)
    reader = csv.reader(io.StringIO(text, newline=""))
    line = 0
    for row in reader:
        if row and not (len(row) == 1 and row[0].isspace()):
            yield line, row
        line = reader.line_num


def records(text: memoryview) -> list[list[str]]:
    """The fields of each record."""
    return [row for _, row in _records(bytes(text).decode("utf-8"))]


def _ragged(row: list[str], names: list[str]) -> str:
    fields = "1 field" if len(row) == 1 else f"{len(row)} fields"
    return f"{fields} where the header has {len(names)}"


def _short(cell: str) -> str:
    return repr(cell if len(cell) <= 60 else cell[:57] + "…")
