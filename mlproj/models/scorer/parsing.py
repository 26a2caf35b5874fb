"""The body of a request → what the model is asked with: every content type and form that MLflow's server reads."""

from __future__ import annotations

import io
import json
import traceback
from typing import Any, Callable, NamedTuple

from . import first_protocol
from .casting import cast_frame, cast_inputs, cast_instances
from .errors import BAD_REQUEST, ScoringError, invalid_input, invalid_parameter
from .forms import FORMS, INPUTS, INSTANCES, SPLIT, WHOLE
from .media_type import CSV, NUMPY_SPLIT, PARQUET, PROTOCOL_CHANGED, MediaType
from .schema import Schema, Signature
from .untrusted_parquet import forbid_pickled_types, refuse_bomb

_REQUIRED = f"The input must be a JSON dictionary with exactly one of the input fields {FORMS}"

_MANY_CELLS = 10_000_000


class Parsed(NamedTuple):
    """What the model is asked with; *bare*: its answer is not put below `predictions`."""

    data: Any
    params: Any = None
    bare: bool = False


def parse(media: MediaType, body: bytes, signature: Signature) -> Parsed:
    """The data and parameters of a request; ScoringError if they cannot be read."""
    if media.name == CSV:
        return Parsed(_csv(body, signature.inputs), None, media.first_protocol)
    if media.name == PARQUET:
        return Parsed(_parquet(body))
    if media.name == NUMPY_SPLIT:
        return Parsed(first_protocol.numpy_split(body), None, True)
    if media.first_protocol:
        return parse_first_protocol(media, decoded(body), signature)
    return parse_document(document_of(body), signature)


def decoded(body: bytes) -> Any:
    """The JSON value of a body."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:  # what is no JSON, no UTF-8, a number without end, nested without end
        raise invalid_input(
            f"Ensure that input is a valid JSON formatted string. Error: '{error!r}'\nInput: \n{body!r}\n"
        ) from error


def document_of(body: bytes) -> dict[str, Any]:
    """The JSON object of a body."""
    document = decoded(body)
    if isinstance(document, dict):
        return document
    if isinstance(document, list):
        raise invalid_input(f"{_REQUIRED}. Received a list.")
    raise invalid_input(f"{_REQUIRED}. Received unexpected input type '{type(document)}.")


def parse_document(document: dict[str, Any], signature: Signature) -> Parsed:
    """A JSON object in the form of MLflow 2 and 3."""
    if any(key in document for key in WHOLE):
        return _whole(document, signature)
    data = {key: value for key, value in document.items() if key in FORMS}
    params = document.get("params")
    if not signature.of_type_hint:
        return Parsed(_by_form(data, signature.inputs), params)
    if INPUTS not in data:
        raise invalid_parameter(
            "Request payload must be a dictionary with 'inputs' key when "
            f"the model contains a valid type hint. Found keys in payload: {data.keys()}."
        )
    return Parsed(data[INPUTS], params)


def _whole(document: dict[str, Any], signature: Signature) -> Parsed:
    declared = {spec.name for spec in signature.params or ()}
    params = {key: value for key, value in document.items() if key in declared}
    return Parsed({key: value for key, value in document.items() if key not in declared}, params, True)


def _by_form(data: dict[str, Any], schema: Schema | None) -> Any:
    if len(data) != 1:
        raise ScoringError(
            f"{_REQUIRED}. Received dictionary with input fields: {list(data.keys())}. {PROTOCOL_CHANGED}",
            BAD_REQUEST,
        )
    ((form, value),) = data.items()
    if form in (INSTANCES, INPUTS):
        return _tensors(form, value, schema)
    frame = _split(value) if form == SPLIT else _records(value)
    return frame if schema is None else cast_frame(frame, schema)


def _tensors(form: str, value: Any, schema: Schema | None) -> Any:
    refuse_sparse(value)
    if schema is None and not _has_numpy():
        return value
    try:
        return cast_instances(value, schema) if form == INSTANCES else cast_inputs(value, schema)
    except ScoringError:
        raise
    except Exception as error:
        raise invalid_input(f"Ensure that the input is a valid JSON-formatted string.\nError: {error!r}") from error


def _has_numpy() -> bool:
    """Not in the environment of a model of plain Python, which then gets JSON's own values."""
    try:
        import numpy  # noqa: F401
    except ImportError:
        return False
    return True


def _records(value: Any) -> Any:
    if not isinstance(value, list):
        what = "dictionary" if isinstance(value, dict) else f"type {type(value)}"
        raise invalid_input(f"Dataframe records format must be a list of records. Got {what}.")
    refuse_sparse(value)
    return _frame("records", data=value)


def refuse_sparse(rows: Any) -> None:
    """Rows that have hardly a column in common: a small body would become a frame larger than the memory."""
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        return
    values = sum(map(len, rows))
    cells = len(rows) * len({name for row in rows for name in row})
    if cells > _MANY_CELLS and cells > 100 * values:
        raise invalid_input(f"The {len(rows)} rows have {values} values, in a table of {cells} cells.")


def _split(value: Any) -> Any:
    if not isinstance(value, dict):
        what = "list" if isinstance(value, list) else f"type {type(value)}"
        raise invalid_input(f"Dataframe split format must be a dictionary. Got {what}.")
    keys = set(value.keys())
    if "data" not in keys or keys.difference({"columns", "data", "index"}):
        raise invalid_input(
            f"Dataframe split format must have 'data' field and optionally 'columns' and 'index' fields. Got {keys}.'"
        )
    return _frame("split", index=value.get("index"), columns=value.get("columns"), data=value["data"])


def _frame(form: str, **parts: Any) -> Any:
    import pandas as pd

    try:
        return pd.DataFrame(**parts)
    except Exception as error:
        raise invalid_input(
            f"Provided dataframe_{form} field is not a valid dataframe representation in "
            f"'{form}' format. Error: '{error}'"
        ) from error


def _csv(body: bytes, schema: Schema | None) -> Any:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise invalid_input(f"Ensure that input is a valid UTF-8 encoded string. Error: '{error!r}'") from error

    def read() -> Any:
        import pandas as pd

        if schema is None:
            return pd.read_csv(io.StringIO(text))
        return pd.read_csv(io.StringIO(text), dtype=dict(zip(schema.input_names(), _column_types(schema))))

    return _table(read, "CSV-formatted", "DataFrame", "to_csv")


def _column_types(schema: Schema) -> Any:
    from .datatype import DataType

    if schema.is_tensor_spec:
        raise ScoringError("TensorSpec only supports numpy types, use numpy_types() instead")
    if not all(isinstance(kind, DataType) for kind in schema.input_types()):
        raise ScoringError("Failed to get pandas types as some of the inputs types are not DataType.")
    return [kind.to_pandas() for kind in schema.input_types()]


def _parquet(body: bytes) -> Any:
    refuse_bomb(body)

    def read() -> Any:
        import pandas as pd

        forbid_pickled_types()
        return pd.read_parquet(io.BytesIO(body))

    return _table(read, "Parquet", "DataFrame", "to_parquet")


def _table(read: Callable[[], Any], kind: str, what: str, writer: str) -> Any:
    try:
        return read()
    except Exception as error:
        raise ScoringError(
            "Failed to parse input as a Pandas DataFrame. Ensure that the input is"
            f" a valid {kind} Pandas {what} produced using the"
            f" `pandas.DataFrame.{writer}()` method. Error: '{error}'",
            BAD_REQUEST,
            stack_trace=traceback.format_exc(),
        ) from error


def parse_first_protocol(media: MediaType, value: Any, signature: Signature) -> Parsed:
    """A JSON value in a form of MLflow 1, or else of 2 and 3; the former are answered bare."""
    document = first_protocol.as_document(media, value)
    parsed = parse_document(document, signature)
    return parsed if document is value and not _is_first(value) else parsed._replace(bare=True)


def _is_first(document: Any) -> bool:
    return INSTANCES in document or INPUTS in document
