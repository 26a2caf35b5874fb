"""The prediction of one file: its portions read, asked and encoded, one after the other."""

from __future__ import annotations

import traceback
from typing import Any, Dict, List, Tuple

from ..errors import ScoringError
from ..schema import Signature
from . import writing
from .errors import TableError, first_failing
from .reading import Portion, PortionReader, message_of
from .writing import Part

Reply = Tuple[Dict[str, Any], List[Any]]


class TableJob:
    """Predicts with a loaded model. *options*: `params` of the caller, `output` (columns, csv, jsonl or json) and
    `inputs`, whether the rows that were asked are in the answer."""

    def __init__(self, signature: Signature, predictor: Any, example: Any, options: dict[str, Any]) -> None:
        self._predictor = predictor
        self._output = options["output"]
        self._inputs = bool(options.get("inputs"))
        self._reader = PortionReader(signature, options.get("params"), example if signature.hint_of_example else None)
        self._names: list[str] | None = None

    def answer(self, header: dict[str, Any], body: memoryview) -> Reply:
        """The reply to the message with a portion."""
        try:
            portion = self._reader.read(header, body)
            prediction = writing.usual(self._predict(portion))
            rows = writing.rows_of(prediction)
            part = self._written(portion, prediction, header, body)
        except TableError as error:
            return {"ok": False, **error.to_dict(), "traceback": _traceback(error)}, []
        except (ScoringError, MemoryError) as error:
            return {"ok": False, "error": message_of(error)}, []
        except ImportError as error:
            return {"ok": False, "error": f"a table takes what the model's environment does not have: {error}"}, []
        except Exception as error:
            return {"ok": False, "bug": True, "error": message_of(error), "traceback": traceback.format_exc()}, []
        answered = {"rows": portion.rows, "answers": rows, "bare": portion.bare}
        return {"ok": True, **answered, **part.header}, part.buffers

    def _predict(self, portion: Portion) -> Any:
        try:
            return self._predictor.predict(portion.data, portion.params)
        except Exception as error:
            found = self._first_failing(portion)
            row, cause = found or (None, error)
            raise TableError(message_of(cause), row, by_model=True) from error

    def _first_failing(self, portion: Portion) -> tuple[int, Exception] | None:
        data = portion.data
        if hasattr(data, "iloc"):
            return first_failing(len(data), lambda start, end: self._ask(_frame_part(data, start, end), portion))
        if isinstance(data, list) or getattr(data, "ndim", 0) > 0:
            return first_failing(len(data), lambda start, end: self._ask(data[start:end], portion))
        return None

    def _ask(self, data: Any, portion: Portion) -> None:
        self._predictor.predict(data, portion.params)

    def _written(self, portion: Portion, prediction: Any, header: dict[str, Any], body: memoryview) -> Part:
        try:
            return self._encoded(portion, prediction, header, body)
        except (TypeError, ValueError, RecursionError, OverflowError) as error:
            kind = type(prediction).__name__
            raise TableError(f"the model's answer, a {kind}, cannot be written: {message_of(error)}") from error

    def _encoded(self, portion: Portion, prediction: Any, header: dict[str, Any], body: memoryview) -> Part:
        if self._output == "json":
            return writing.as_json(prediction)
        rows = writing.rows_of(prediction)
        if rows is None:
            raise TableError("the model's answer has no rows, as a table has; json output takes it")
        if self._inputs and rows != portion.rows:
            raise TableError(
                f"the model gives {rows} answers for {portion.rows} rows, so the inputs cannot stand beside"
            )
        columns = writing.named_columns(prediction)
        if self._output == "csv":
            return self._as_csv(portion, columns, body if header["form"] == "csv" else None, header)
        if self._output == "jsonl":
            given = writing.given_records(portion.given) if self._inputs else None
            taken = list(dict.fromkeys(str(name) for record in given or () for name in record))
            return writing.as_lines(writing.apart(columns, taken), given)
        # Of columns that were sent the other side has the inputs already.
        given_columns = writing.given_columns(portion.given) if self._inputs and header["form"] != "columns" else []
        taken = header.get("taken") or [name for name, _ in given_columns]
        return writing.as_columns([*given_columns, *writing.apart(columns, taken)])

    def _as_csv(
        self, portion: Portion, columns: list[tuple[str, Any]], text: memoryview | None, header: dict[str, Any]
    ) -> Part:
        if not self._inputs:
            return writing.as_csv(columns, None)
        names, given = writing.given_fields(portion.given, text)
        names = header["names"] if names is None else names
        part = writing.as_csv(writing.apart(columns, names), given)
        return Part({"names": [*names, *part.header["names"]]}, part.buffers)


def _frame_part(frame: Any, start: int, end: int) -> Any:
    return frame.iloc[start:end].reset_index(drop=True)


def _traceback(error: TableError) -> str | None:
    cause = error.__cause__
    if not error.by_model or cause is None:
        return None
    return "".join(traceback.format_exception(type(cause), cause, cause.__traceback__))
