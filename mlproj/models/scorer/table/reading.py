"""A portion of a file, in any of the forms that it is sent in → what the model is asked with."""

from __future__ import annotations

import json
from typing import Any, Dict, NamedTuple

from ..casting import cast_frame, cast_inputs
from ..enforcement import enforce
from ..errors import ScoringError
from ..example_form import in_form_of
from ..params import enforce_params
from ..question import Reader
from ..schema import Signature
from . import csv_reader, decoding
from .errors import TableError, first_failing
from .exact import exact_frame

Document = Dict[str, Any]


class Portion(NamedTuple):
    """What the model is asked with, and what the rows were: a frame, records, or rows of texts."""

    data: Any
    params: Any
    rows: int | None
    given: Any = None
    bare: bool = False


class PortionReader:
    """Reads the portions of one file for one signature; *params* are those of the caller."""

    def __init__(self, signature: Signature, params: Any, example: Any) -> None:
        self._signature = signature
        self._params = params
        self._example = example
        self._csv: csv_reader.CsvReader | None = None
        self._names: list[str] = []

    def read(self, header: Document, body: memoryview) -> Portion:
        """The portion of a message. Raises TableError, and ScoringError of what has no row."""
        form = header["form"]
        if form == "json":
            return self._document(body)
        params = enforce_params(self._signature.params, self._params)
        if form == "columns":
            frame = decoding.frame(header["columns"], header["rows"], body)
            exact = self._exact(frame)
            data = self._enforced(frame) if exact is None else exact
            return Portion(data, params, len(frame), frame)
        if form == "csv":
            frame = self._csv_frame(header, body)
            exact = self._exact(frame)
            return Portion(self._enforced(frame) if exact is None else exact, params, len(frame), frame)
        lines = _lines(body)
        return Portion(self._of_lines(lines), params, len(lines), [value for _, value in lines])

    def _exact(self, frame: Any) -> Any:
        signature = self._signature
        return None if signature.of_type_hint or signature.hint_of_example else exact_frame(signature.inputs, frame)

    def _csv_frame(self, header: Document, body: memoryview) -> Any:
        if self._csv is None:
            # What one value with parts is, a type hint says; a table has it in columns.
            schema = None if self._signature.of_type_hint and len(header["names"]) > 1 else self._signature.inputs
            self._csv = csv_reader.CsvReader(header["names"], schema)
        return self._csv.read(body)

    def _document(self, body: memoryview) -> Portion:
        document = json.loads(bytes(body))
        if self._params:
            document["params"] = {**(document.get("params") or {}), **self._params}
        reader = Reader(self._signature, example=self._example)
        reader.plain = None
        question = reader.read("application/json", json.dumps(document).encode())
        rows = question.rows if _has_rows(question.data) else None
        return Portion(question.data, question.params, rows, question.data, question.bare)

    def _of_lines(self, lines: list[tuple[int, Any]]) -> Any:
        values = [value for _, value in lines]
        try:
            return self._of_values(values)
        except ScoringError as error:
            found = first_failing(len(values), lambda start, end: self._of_values(values[start:end]))
            row, cause = found or (None, error)
            raise TableError(message_of(cause), row, None if row is None else lines[row][0]) from error

    def _of_values(self, values: list[Any]) -> Any:
        schema = self._signature.inputs
        if self._signature.of_type_hint:
            return values
        if all(isinstance(value, dict) for value in values):
            frame = self._frame_of_records(values)
            return self._checked(frame if schema is None else cast_frame(frame, schema))
        if all(isinstance(value, list) for value in values) and (schema is None or not schema.is_tensor_spec):
            import pandas as pd

            frame = pd.DataFrame(values)
            return self._checked(frame if schema is None else cast_frame(frame, schema))
        return values if schema is None else self._checked(cast_inputs(values, schema))

    def _frame_of_records(self, records: list[Any]) -> Any:
        import pandas as pd

        frame = pd.DataFrame(records)
        self._names += [name for name in frame.columns if name not in self._names]
        # A column that earlier lines had is there, whether these have it or not.
        return frame if len(frame.columns) == len(self._names) else frame.reindex(columns=self._names)

    def _enforced(self, frame: Any) -> Any:
        try:
            return self._checked(frame)
        except ScoringError as error:
            found = first_failing(len(frame), lambda start, end: self._checked(_part(frame, start, end)))
            row, cause = found or (None, error)
            raise TableError(message_of(cause), row) from error

    def _checked(self, data: Any) -> Any:
        schema = self._signature.inputs
        if self._signature.of_type_hint:
            return _values_of(data)
        if schema is not None:
            data = enforce(schema, data)
        if self._signature.hint_of_example and self._example is not None and hasattr(data, "iloc"):
            data = in_form_of(self._example, data)
        return data


def _part(frame: Any, start: int, end: int) -> Any:
    return frame.iloc[start:end].reset_index(drop=True)


def _values_of(frame: Any) -> Any:
    """What a model with type hints takes: the values of the one column, or rows as dictionaries."""
    if not hasattr(frame, "columns"):
        return frame
    if len(frame.columns) == 1:
        return frame.iloc[:, 0].tolist()
    return frame.to_dict(orient="records")


def _lines(body: memoryview) -> list[tuple[int, Any]]:
    found = []
    for line, text in enumerate(bytes(body).split(b"\n")):
        if text.strip():
            try:
                found.append((line, json.loads(text)))
            except (ValueError, RecursionError) as error:
                raise TableError(f"it is no JSON: {error}", line=line) from error
    return found


def _has_rows(data: Any) -> bool:
    return hasattr(data, "iloc") or isinstance(data, list) or getattr(data, "ndim", 0) > 0


def message_of(error: Exception) -> str:
    """What is wrong, without the data that MLflow's messages show."""
    cause = error.__cause__
    if isinstance(error, ScoringError) and isinstance(cause, ScoringError):
        return cause.message
    if isinstance(error, ScoringError):
        return error.message
    return f"{type(error).__name__}: {error}"
