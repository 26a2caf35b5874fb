"""One request, read and checked, ready for the model; and what it takes to be asked together with others."""

from __future__ import annotations

import json
from typing import Any, Callable, Tuple

from . import inference_protocol
from .enforcement import enforce
from .errors import BAD_REQUEST, ScoringError, invalid_input
from .example_form import in_form_of
from .forms import FORMS, WHOLE
from .inference_protocol import Form
from .media_type import JSON, parse_media_type
from .params import enforce_params
from .parsing import Parsed, document_of, parse, parse_document
from .plain import Columns, PlainReader, plain_reader
from .schema import Signature

Key = Tuple[Any, ...]


class Question:
    """What the model is asked; *key* is that of the questions it may be asked together with, None if of none."""

    def __init__(
        self,
        data: Any,
        params: Any,
        bare: bool,
        rows: int,
        key: Key | None,
        given: Callable[[], Any],
        form: Form | None = None,
    ) -> None:
        self.data = data
        self.params = params
        self.bare = bare
        self.rows = rows
        self.key = key
        self.given = given
        """The data before it was checked, as messages show it."""
        self.form = form
        """How it is answered in the Open Inference Protocol; None if as MLflow does."""

    @property
    def columns(self) -> Columns | None:
        """Its columns, if they are plain."""
        return self.data if isinstance(self.data, Columns) else None


class Reader:
    """Makes questions of requests, for one signature."""

    def __init__(
        self, signature: Signature, *, first_protocol: bool = False, most_rows: int | None = None, example: Any = None
    ) -> None:
        self._signature = signature
        self._first_protocol = first_protocol
        self._most_rows = most_rows
        self._example = example if signature.hint_of_example else None
        self.plain: PlainReader | None = None
        if not (signature.of_type_hint or signature.hint_of_example):
            self.plain = plain_reader(signature.inputs)

    def read(self, content_type: str, body: bytes) -> Question:
        """The question; ScoringError or UnsupportedMediaType if there is none."""
        media = parse_media_type(content_type, self._first_protocol)
        if self.plain is None or media.name != JSON or media.first_protocol:
            return self._checked(_parsed(lambda: parse(media, body, self._signature)))
        document = document_of(body)
        return self._plain(document) or self._checked(_parsed(lambda: parse_document(document, self._signature)))

    def read_inference(self, body: bytes, given: dict[str, Any]) -> Question:
        """The question of a request in the Open Inference Protocol; ScoringError if there is none."""
        asked = _parsed(lambda: inference_protocol.read(body, given, self._signature))
        question = self._checked(Parsed(asked.data, asked.params))
        question.form = asked.form
        question.key = None if question.key is None else ("inference", *question.key)
        return question

    def reread(self, question: Question) -> Question:
        """A question with plain columns, read the long way; ScoringError if that cannot be."""
        return self._checked(Parsed(_parsed(question.given), question.params))

    def in_form_of_example(self, data: Any) -> Any:
        """What the model gets, if its type hint is that of its example."""
        return data if self._example is None or not hasattr(data, "iloc") else in_form_of(self._example, data)

    def _plain(self, document: dict[str, Any]) -> Question | None:
        forms = [key for key in document if key in FORMS]
        if self.plain is None or len(forms) != 1 or any(key in document for key in WHOLE):
            return None
        columns = self.plain.read(forms[0], document[forms[0]])
        if columns is None:
            return None
        self._refuse_too_many(columns.rows)

        def given() -> Any:
            return parse_document(document, self._signature).data

        params = self._params(document.get("params"), given)
        return Question(columns, params, False, columns.rows, _with_params(("plain", columns.names), params), given)

    def _checked(self, parsed: Parsed) -> Question:
        data = parsed.data
        schema = self._signature.inputs
        if schema is not None and not self._signature.of_type_hint:
            try:
                data = enforce(schema, data)
            except ScoringError as error:
                raise failed(parsed.data, error) from error
        params = self._params(parsed.params, lambda: parsed.data)
        rows, key = self._batch(data)
        self._refuse_too_many(rows)
        return Question(data, params, parsed.bare, rows, _with_params(key, params), lambda: parsed.data)

    def _params(self, params: Any, given: Any) -> Any:
        try:
            return enforce_params(self._signature.params, params)
        except ScoringError as error:
            raise failed(given(), error) from error

    def _refuse_too_many(self, rows: int) -> None:
        if self._most_rows is not None and rows > self._most_rows:
            message = f"A request may have {self._most_rows} rows at most; this one has {rows}."
            raise ScoringError(message, BAD_REQUEST, status=413)

    def _batch(self, data: Any) -> tuple[int, Key | None]:
        schema = self._signature.inputs
        if schema is None or self._signature.of_type_hint or self._signature.hint_of_example:
            return _rows(data), None
        if not schema.is_tensor_spec:
            return _rows(data), _frame_key(data)
        return _tensor_rows(data), _tensor_key(schema, data)


def failed(given: Any, error: ScoringError) -> ScoringError:
    """The error as the server says it of a prediction."""
    message = f"Failed to predict data '{given}'. \nError: {error.message}"
    return ScoringError(message, error.code, error.error_class, error.stack_trace)


def _parsed(read: Callable[[], Any]) -> Any:
    """Whatever a body makes pandas or NumPy do is the caller's mistake."""
    try:
        return read()
    except (ScoringError, MemoryError):
        raise
    except Exception as error:
        raise invalid_input(f"Ensure that the input is a valid JSON-formatted string.\nError: {error!r}") from error


def _rows(data: Any) -> int:
    return len(data) if hasattr(data, "iloc") or isinstance(data, list) or getattr(data, "ndim", 0) > 0 else 1


def _frame_key(data: Any) -> Key | None:
    import pandas as pd

    index = data.index
    if not isinstance(index, pd.RangeIndex) or index.step != 1 or (len(index) and index[0] != 0):
        return None
    return ("frame", tuple(data.columns), tuple(map(str, data.dtypes)))


def _tensor_rows(data: Any) -> int:
    sizes = {_rows(value) for value in data.values()} if isinstance(data, dict) else {_rows(data)}
    return sizes.pop() if len(sizes) == 1 else 1


def _tensor_key(schema: Any, data: Any) -> Key | None:
    import numpy as np

    tensors = data if isinstance(data, dict) else {None: data}
    whole = all(isinstance(value, np.ndarray) and value.ndim for value in tensors.values())
    if not whole or len({len(value) for value in tensors.values()}) != 1:
        return None
    if any(not spec.shape or spec.shape[0] != -1 for spec in schema.inputs):
        return None
    return ("tensors", tuple((name, value.shape[1:], value.dtype.str) for name, value in tensors.items()))


def _with_params(key: Key | None, params: Any) -> Key | None:
    if key is None or not params:
        return key
    try:
        return (*key, json.dumps(params, sort_keys=True))
    except (TypeError, ValueError):
        return None  # a date among them
