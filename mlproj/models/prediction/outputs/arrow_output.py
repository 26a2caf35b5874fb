"""Parquet and Arrow files of the columns that a worker answers with."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import IO, Any

from mlproj.models.prediction import arrow_arrays, arrow_columns
from mlproj.models.prediction.answer import Answer
from mlproj.models.prediction.outputs.text_output import refuse_other
from mlproj.models.prediction.request import InvalidData


class _Tables(ABC):
    """Batches with the types of the first one, the inputs before the answers."""

    def __init__(self, stream: IO[bytes], what: str) -> None:
        self._pa = arrow_columns.pyarrow(f"{what} output")
        self._stream = stream
        self._writer: Any = None
        self._schema: Any = None

    def write(self, answer: Answer) -> None:
        """Add its rows."""
        table = self._table(answer)
        if self._writer is None:
            self._schema = table.schema
            self._writer = self._open(self._schema)
        refuse_other(self._schema.names, table.schema.names, answer)
        try:
            table = table.cast(self._schema)
        except (self._pa.ArrowException, ValueError) as error:
            raise InvalidData(
                f"{answer.portion.place(None, None)}: the model's answer is of another type than before: {error}",
                hint="jsonl output takes rows that differ",
            ) from None
        self._add(table)

    def _table(self, answer: Answer) -> Any:
        found = dict(arrow_arrays.arrays(answer.header["columns"], answer.body))
        if answer.portion.table is not None:
            given = answer.portion.table
            found = dict(zip(given.schema.names, given.columns, strict=True)) | found
        return self._pa.table(found)

    def end(self) -> None:
        """Write the end of the file; without any answer it has no columns."""
        if self._writer is None:
            self._writer = self._open(self._pa.schema([]))
        self._writer.close()

    @abstractmethod
    def _open(self, schema: Any) -> Any:
        """What writes tables of *schema* to the file."""

    def _add(self, table: Any) -> None:
        self._writer.write_table(table)


class ParquetOutput(_Tables):
    """A Parquet file."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__(stream, "parquet")

    def _open(self, schema: Any) -> Any:
        from pyarrow import parquet

        return parquet.ParquetWriter(self._stream, schema)


class ArrowOutput(_Tables):
    """A file of Arrow's."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__(stream, "arrow")

    def _open(self, schema: Any) -> Any:
        return self._pa.ipc.new_file(self._stream, schema)
