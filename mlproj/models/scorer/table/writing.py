"""What a model answered → the rows of a portion: as columns of a message, or as the text of a file."""

from __future__ import annotations

import csv
import datetime
import decimal
import io
from typing import Any, Iterator, NamedTuple

from ..encoding import json_text, jsonable
from . import csv_reader, encoding
from .errors import TableError
from .wire import is_missing, padded

DEFAULT = "prediction"


class Part(NamedTuple):
    """The answer to one portion: what the header of the message says of it, and the body."""

    header: dict[str, Any]
    buffers: list[Any]


def usual(prediction: Any) -> Any:
    """A usual array in place of a sparse matrix, of one of pandas' own, or of more than doubles."""
    if hasattr(prediction, "toarray") and hasattr(prediction, "nnz"):
        return prediction.toarray()
    if hasattr(prediction, "to_numpy") and not hasattr(prediction, "iloc"):
        return prediction.to_numpy(dtype=object, na_value=None) if hasattr(prediction, "isna") else prediction
    dtype = getattr(prediction, "dtype", None)
    if getattr(dtype, "kind", "") == "f" and getattr(dtype, "itemsize", 0) > 8:
        return prediction.astype("float64")
    return prediction


def rows_of(prediction: Any) -> int | None:
    """How many rows it has; None of what has none."""
    if isinstance(prediction, dict):
        counts = {rows_of(value) for value in prediction.values()}
        return counts.pop() if len(counts) == 1 else None
    if hasattr(prediction, "iloc") or isinstance(prediction, (list, tuple)):
        return len(prediction)
    return len(prediction) if getattr(prediction, "ndim", 0) > 0 else None


def named_columns(prediction: Any) -> list[tuple[str, Any]]:
    """The columns of an answer with rows."""
    if hasattr(prediction, "iloc") and hasattr(prediction, "columns"):
        return [(str(name), prediction.iloc[:, place]) for place, name in enumerate(prediction.columns)]
    if isinstance(prediction, dict):
        return [(str(name), value) for name, value in prediction.items()]
    if isinstance(prediction, (list, tuple)) and prediction and all(isinstance(row, dict) for row in prediction):
        names = list(dict.fromkeys(name for row in prediction for name in row))
        return [(str(name), [row.get(name) for row in prediction]) for name in names]
    name = getattr(prediction, "name", None)
    values = list(prediction) if isinstance(prediction, tuple) else prediction
    return [(DEFAULT if name is None else str(name), values)]


def apart(columns: list[tuple[str, Any]], taken: list[str]) -> list[tuple[str, Any]]:
    """The columns, those that have a name of the inputs with another one."""
    return [(f"{DEFAULT}_{name}" if name in taken else name, values) for name, values in columns]


def as_columns(columns: list[tuple[str, Any]]) -> Part:
    """For a file format that the other side writes."""
    encoded = [encoding.column(name, values) for name, values in columns]
    buffers = [buffer for _, own in encoded for buffer in own]
    return Part({"columns": [described for described, _ in encoded]}, list(padded(buffers)))


def as_json(prediction: Any) -> Part:
    """The inside of MLflow's JSON: what comes before and after is the other side's."""
    plain = jsonable(prediction)
    if isinstance(plain, (list, tuple)):
        return Part({"shape": "list"}, [json_text(list(plain))[1:-1].encode()])
    if isinstance(plain, dict) and plain:
        lists = {str(name): jsonable(value) for name, value in plain.items()}
        if all(isinstance(value, list) for value in lists.values()):
            texts = [json_text(value)[1:-1].encode() for value in lists.values()]
            return Part({"shape": "lists", "names": list(lists), "sizes": [len(text) for text in texts]}, texts)
    return Part({"shape": "value"}, [json_text(plain).encode()])


def as_lines(columns: list[tuple[str, Any]], given: list[dict[str, Any]] | None) -> Part:
    """A JSON object for each row, those of *given* with more in it."""
    names = [name for name, _ in columns]
    rows = zip(*[_cells(values) for _, values in columns])
    answers: Iterator[Any] = (dict(zip(names, map(_json_cell, row))) for row in rows)
    if given is not None:
        answers = ({**record, **answer} for record, answer in zip(given, answers))
    return Part({}, ["".join(json_text(answer) + "\n" for answer in answers).encode()])


def as_csv(columns: list[tuple[str, Any]], given: list[list[Any]] | None) -> Part:
    """Rows of a CSV file; an array in a row becomes a column for each of its numbers."""
    names, lists = [], []
    for name, values in columns:
        if getattr(values, "ndim", 1) == 2:
            names += [f"{name}_{place}" for place in range(values.shape[1])]
            lists += [_cells(values[:, place]) for place in range(values.shape[1])]
        else:
            names.append(name)
            lists.append(_cells(values))
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    rows: Any = ([csv_text(cell) for cell in row] for row in zip(*lists))
    if given is not None:
        rows = (before + row for before, row in zip(given, rows))
    writer.writerows(rows)
    return Part({"names": names}, [text.getvalue().encode("utf-8", "surrogatepass")])


def _cells(values: Any) -> list[Any]:
    found: list[Any] = values.tolist() if hasattr(values, "tolist") else list(values)
    return found


def csv_text(cell: Any) -> Any:
    """A value as a field: nothing for none, JSON for what is nested."""
    if isinstance(cell, decimal.Decimal):
        return str(cell)
    if is_missing(cell):
        return ""
    if isinstance(cell, (str, int, float)):
        return cell
    if isinstance(cell, (datetime.date, datetime.time)):
        return cell.isoformat()
    text = json_text(cell)
    return text[1:-1].replace("\\n", "") if isinstance(cell, (bytes, bytearray)) else text


def given_records(given: Any) -> list[dict[str, Any]]:
    """The rows that were asked, as dictionaries."""
    if hasattr(given, "columns"):
        columns = [_cells(given.iloc[:, place]) for place in range(len(given.columns))]
        names = [str(name) for name in given.columns]
        return [dict(zip(names, map(_json_cell, row))) for row in zip(*columns)]
    if isinstance(given, list):
        return [row if isinstance(row, dict) else {"input": row} for row in given]
    raise TableError("the input has no rows that the output could have")


def _json_cell(cell: Any) -> Any:
    """A value of a line of JSON, which unlike MLflow's server's is readable by all: null in place of NaN."""
    if isinstance(cell, decimal.Decimal):
        return str(cell)
    return None if is_missing(cell) else cell


def given_columns(given: Any) -> list[tuple[str, Any]]:
    """The rows that were asked, as columns."""
    if hasattr(given, "columns"):
        return [(str(name), given.iloc[:, place]) for place, name in enumerate(given.columns)]
    records = given_records(given)
    names = list(dict.fromkeys(name for record in records for name in record))
    return [(str(name), [record.get(name) for record in records]) for name in names]


def given_fields(given: Any, text: memoryview | None) -> tuple[list[str] | None, list[list[Any]]]:
    """The rows that were asked, as fields: those of a CSV file as they stand there. Names where they are known here."""
    if text is not None:
        return None, csv_reader.records(text)
    columns = given_columns(given)
    rows = zip(*[_cells(values) for _, values in columns])
    return [name for name, _ in columns], [[csv_text(cell) for cell in row] for row in rows]
