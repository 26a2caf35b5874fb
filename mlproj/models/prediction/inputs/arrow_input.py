"""Parquet and Arrow files, decoded here: the model's environment need not have a reader of them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from mlproj.foundation.errors import Place
from mlproj.models.prediction import arrow_columns
from mlproj.models.prediction.inputs.opened_input import OpenedInput
from mlproj.models.prediction.portion import Portion, by_row
from mlproj.models.prediction.request import PORTION_BYTES, InvalidData, PredictionRequest
from mlproj.models.signature import Signature

_BLOCK = 1 << 20


class _Batches:
    """Batches of a file as portions; *gaps* are the columns of numbers in which values are missing."""

    def __init__(self, request: PredictionRequest, opened: OpenedInput, signature: Signature | None) -> None:
        self._pa = arrow_columns.pyarrow(f"{request.input_format} input")
        self._request = request
        self._opened = opened
        self._signature = signature
        self._keeps = request.with_inputs
        self.gaps: tuple[str, ...] = ()

    def columns(self, schema: Any) -> list[str] | None:
        """The columns to read, None for all: what the signature names, unless the output is to have them all."""
        if self._keeps:
            return None
        names = [name for name in schema.names if name not in _indexes(schema)]
        inputs = self._signature.inputs if self._signature else None
        if not inputs:
            return names
        wanted = {one.name for one in inputs}
        if None in wanted:  # by position; a tensor that has no name takes all
            return names[: len(inputs)] if self._signature and self._signature.columns else names
        found = [name for name in names if name in wanted]
        # A column that is missing is told with those that are there.
        return found if {one.name for one in inputs if getattr(one, "required", True)} <= set(found) else names

    def refuse_gaps(self, read: Callable[[str], Iterator[Any]]) -> None:
        """Raise InvalidData of the first value that is missing where MLflow takes none; *read* reads a column."""
        wanted = {one.name: one.type.name for one in (self._signature.columns if self._signature else ())}
        for name in self.gaps:
            if wanted.get(name) in ("integer", "long"):
                row = _first_gap(read(name))
                raise InvalidData(
                    f"{self._opened.name}, row {row}: column {name!r}: there is no value, and the model takes"
                    f" {wanted[name]} values, which cannot be missing",
                    hint="fill it, or declare the column as double in the model's signature",
                )

    def portions_of(self, batches: Iterator[Any]) -> Iterator[Portion]:
        """A portion of each batch that has rows."""
        first = 1
        try:
            for batch in batches:
                rows = self._rows_of(batch)
                for start in range(0, batch.num_rows, rows):
                    part = batch.slice(start, rows)
                    yield self._portion(part, first)
                    first += part.num_rows
        except (self._pa.ArrowException, OSError) as error:
            place = Place(f"{self._opened.name}, after row {first - 1}")
            raise InvalidData(f"it is broken: {error}", place=place) from None

    def _rows_of(self, batch: Any) -> int:
        """How many rows of a batch go together: fewer where they are large."""
        fitting: int = PORTION_BYTES * max(1, batch.num_rows) // max(1, batch.nbytes)
        return max(1, min(self._request.rows, fitting))

    def _portion(self, batch: Any, first: int) -> Portion:
        names = batch.schema.names
        asked = batch.select([name for name in names if name not in _indexes(batch.schema)])
        has_types = bool(self._signature and self._signature.inputs)
        columns, buffers = arrow_columns.message_columns(asked, self.gaps, categories=not has_types)
        header = {"form": "columns", "rows": batch.num_rows, "columns": columns, "taken": names if self._keeps else []}
        table = batch if self._keeps and self._request.output_format in ("parquet", "arrow") else None
        return Portion(header, buffers, by_row(self._opened.name, first), batch.num_rows, table)


def _first_gap(batches: Iterator[Any]) -> int:
    """The row, from 1, of the first value that is missing in batches of one column."""
    row = 1
    for batch in batches:
        if batch.column(0).null_count:
            return row + int(batch.column(0).is_null().index(True).as_py())
        row += batch.num_rows
    return row


def _indexes(schema: Any) -> list[str]:
    """The columns in which pandas keeps what it has beside a table's columns: no model is asked with these."""
    try:
        found = json.loads((schema.metadata or {}).get(b"pandas", b"{}")).get("index_columns", [])
    except (ValueError, AttributeError):
        return []
    return [name for name in found if isinstance(name, str)]


class ParquetInput(_Batches):
    """A Parquet file, of which the columns that are needed are read, a few rows at a time."""

    def portions(self) -> Iterator[Portion]:
        """The rows."""
        from pyarrow import parquet

        try:
            file = parquet.ParquetFile(self._opened.seekable(), pre_buffer=False, buffer_size=_BLOCK)
        except (self._pa.ArrowException, OSError) as error:
            raise InvalidData(f"it is no Parquet file: {error}", place=Place(self._opened.name)) from None
        columns = self.columns(file.schema_arrow)
        self.gaps = _gaps(self._pa, file, columns)
        self.refuse_gaps(lambda name: file.iter_batches(columns=[name]))
        yield from self.portions_of(file.iter_batches(self._request.rows, columns=columns))


def _gaps(pa: Any, file: Any, columns: list[str] | None) -> tuple[str, ...]:
    """The columns of whole numbers and booleans in which a value is missing anywhere: pandas reads these otherwise."""
    schema, found = file.schema_arrow, []
    places = {file.metadata.schema.column(place).path: place for place in range(file.metadata.num_columns)}
    for name in schema.names if columns is None else columns:
        kind = schema.field(name).type
        if (pa.types.is_integer(kind) or pa.types.is_boolean(kind)) and _has_gaps(file, name, places[name]):
            found.append(name)
    return tuple(found)


def _has_gaps(file: Any, name: str, place: int) -> bool:
    counts = []
    for group in range(file.metadata.num_row_groups):
        statistics = file.metadata.row_group(group).column(place).statistics
        counts.append(statistics.null_count if statistics is not None and statistics.has_null_count else None)
    if None not in counts:
        return any(counts)
    return any(batch.column(0).null_count for batch in file.iter_batches(columns=[name]))


class ArrowInput(_Batches):
    """Arrow's file or stream; which of them its first bytes say."""

    def portions(self) -> Iterator[Portion]:
        """The rows."""
        ipc = self._pa.ipc
        found = self._opened.seekable()
        stream = self._pa.OSFile(found) if isinstance(found, str) else found
        is_file = stream.read(6) == b"ARROW1"
        stream.seek(0)
        try:
            reader = ipc.open_file(stream) if is_file else ipc.open_stream(stream)
            self.gaps = self._gaps(reader.schema, _batches_of(reader)) if is_file else self._gaps_of_stream(stream)
            if not is_file:
                stream.seek(0)
                reader = ipc.open_stream(stream)
            batches = _batches_of(reader)
            self.refuse_gaps(lambda name: (batch.select([name]) for batch in batches))
        except (self._pa.ArrowException, OSError) as error:
            raise InvalidData(f"it is no Arrow data: {error}", place=Place(self._opened.name)) from None
        columns = self.columns(reader.schema)
        yield from self.portions_of(batch if columns is None else batch.select(columns) for batch in batches)

    def _gaps_of_stream(self, stream: Any) -> tuple[str, ...]:
        stream.seek(0)
        reader = self._pa.ipc.open_stream(stream)
        return self._gaps(reader.schema, iter(reader))

    def _gaps(self, schema: Any, batches: Iterator[Any]) -> tuple[str, ...]:
        types = self._pa.types
        names = [one.name for one in schema if types.is_integer(one.type) or types.is_boolean(one.type)]
        found: set[str] = set()
        for batch in batches if names else ():
            found.update(name for name in names if batch.column(name).null_count)
        return tuple(found)


def _batches_of(reader: Any) -> Iterator[Any]:
    if hasattr(reader, "num_record_batches"):
        return (reader.get_batch(place) for place in range(reader.num_record_batches))
    return iter(reader)
