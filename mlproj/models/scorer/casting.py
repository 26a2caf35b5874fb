"""What the scoring server does to the values of a body before they are checked: brings them to the signature's types.

This is what lets JSON, which has one kind of number and neither dates nor bytes, be asked with; it loses
value where MLflow's does (2.5 for a long is 2, 2**31 for an integer is negative), because clients rely on it.
"""

from __future__ import annotations

import base64
from typing import Any, Iterator

from .datatype import BINARY, DATETIME, AnyType, Array, DataType, Map, Object
from .errors import ScoringError, invalid_input
from .schema import Schema, Spec, TensorSpec
from .values import enforce_array, enforce_map, enforce_object, is_scalar, is_text


def cast_frame(frame: Any, schema: Schema) -> Any:
    """The frame of `dataframe_split` or `dataframe_records`, its columns in the types of the signature."""
    present = set(frame.columns)
    required = set(schema.required_input_names())
    for name, kind in _columns(frame, schema, present):
        if name in present:
            try:
                _cast_column(frame, name, kind, schema, name in required)
            except Exception as error:
                shown = kind.to_pandas() if isinstance(kind, DataType) else kind
                raise invalid_input(
                    "Data is not compatible with model signature. "
                    f"Failed to convert column {name} to type '{shown}'. Error: '{error!r}'"
                ) from error
    return frame


def _columns(frame: Any, schema: Schema, present: Any) -> Iterator[tuple[Any, Any]]:
    kinds = schema.input_types()
    if schema.has_input_names:
        return zip(schema.input_names(), kinds)
    if schema.is_tensor_spec:
        return ((name, kinds[0]) for name in present)
    return zip(frame.columns, kinds)


def _cast_column(frame: Any, name: Any, kind: Any, schema: Schema, required: bool) -> None:
    if kind is BINARY:
        frame[name] = frame[name].map(_decoded)
    elif _is_bytes(kind):
        frame[name] = frame[name].map(lambda text: bytes(text, "utf8"))
    elif schema.is_tensor_spec and isinstance(frame[name].iloc[0], list):
        pass  # becomes a tensor when it is checked
    elif isinstance(kind, Array):
        frame[name] = frame[name].map(lambda value: enforce_array(value, kind, required))
    elif isinstance(kind, Object):
        frame[name] = frame[name].map(lambda value: enforce_object(value, kind, required))
    elif isinstance(kind, Map):
        frame[name] = frame[name].map(lambda value: enforce_map(value, kind, required))
    elif kind is DATETIME:
        frame[name] = _dates(frame[name])
    elif not isinstance(kind, AnyType):
        _cast_scalars(frame, name, kind.to_pandas() if isinstance(kind, DataType) else kind)


def _is_bytes(kind: Any) -> bool:
    """A tensor of bytes, of which only the type is asked."""
    return getattr(kind, "char", "") == "S"


def _decoded(text: str) -> bytes:
    return base64.decodebytes(bytes(text, "utf8"))


def _dates(column: Any) -> Any:
    import pandas as pd

    parsed = pd.to_datetime(column)
    # pandas 3 parses to microseconds; before pandas 2 there are nanoseconds only, and no unit.
    if pd.api.types.is_datetime64_any_dtype(parsed) and getattr(parsed.dt, "unit", "ns") != "ns":
        return parsed.dt.as_unit("ns")
    return parsed


def _cast_scalars(frame: Any, name: Any, dtype: Any) -> None:
    wants_text = dtype is object or getattr(dtype, "kind", "") in ("O", "U")
    if not (wants_text and is_text(frame[name].dtype)):
        frame[name] = frame[name].astype(dtype)


def cast_inputs(data: Any, schema: Schema | None) -> Any:
    """The value of `inputs`: a dictionary of columns or tensors, a list of dictionaries, or one array."""
    specs = schema.input_dict() if schema else {}
    if schema is not None:
        data = _with_its_name(data, schema, specs)
    if isinstance(data, dict):
        return {name: convert(value, specs.get(name)) for name, value in data.items()}
    if isinstance(data, list) and all(isinstance(row, dict) for row in data):
        return [{name: convert(value, specs.get(name)) for name, value in row.items()} for row in data]
    spec = schema.inputs[0] if schema else None
    if isinstance(data, list):
        return convert(data, spec)
    return _convert_scalar(data, spec)


def _with_its_name(data: Any, schema: Schema, specs: dict[str, Spec]) -> Any:
    if len(specs) == 1 and isinstance(data, list) and not any(isinstance(row, dict) for row in data):
        return {next(iter(specs)): data}
    if not schema.has_input_names and not (isinstance(data, list) or is_scalar(data)):
        raise invalid_input(
            "Failed to parse input data. This model contains an un-named "
            " model signature which expects a single n-dimensional array or "
            f"a single value as input, however, an input of type {type(data)} was found."
        )
    return data


def _convert_scalar(data: Any, spec: Spec | None) -> Any:
    try:
        return convert(data, spec)
    except Exception as error:
        raise invalid_input(
            f"Failed to convert data `{data}` to type `{spec}` defined in the model signature."
        ) from error


def cast_instances(data: Any, schema: Schema | None) -> Any:
    """The value of `instances`: rows, which become columns."""
    if isinstance(data, list) and data and isinstance(data[0], dict):
        data = _transposed(data, schema)
    else:
        data = cast_inputs(data, schema)
    if isinstance(data, dict):
        _refuse_uneven(data, schema)
    return data


def _transposed(rows: list[Any], schema: Schema | None) -> dict[str, Any]:
    import numpy as np

    specs = schema.input_dict() if schema else {}
    columns: dict[str, list[Any]] = {}
    for row in rows:
        for name, value in row.items():
            columns.setdefault(name, []).append(convert(value, specs.get(name)))
    return {name: np.array(values) for name, values in columns.items()}


def _refuse_uneven(data: dict[str, Any], schema: Schema | None) -> None:
    import numpy as np

    checked = {name: value for name, value in data.items() if isinstance(value, (list, np.ndarray))}
    if schema and schema.has_input_names:
        # Of an array column each row has a length of its own.
        even = {name for name, spec in schema.input_dict().items() if not isinstance(spec.type, Array)}
        even &= set(schema.required_input_names())
        checked = {name: value for name, value in checked.items() if name in even}
    if len({len(value) for value in checked.values()}) > 1:
        raise invalid_input("The length of values for each input/column name are not the same")


def convert(data: Any, spec: Spec | None) -> Any:
    """One value, or a list of them, as NumPy has it."""
    try:
        return _converted(data, spec)
    except ScoringError as error:
        raise invalid_input(error.message) from error
    except Exception as error:
        raise invalid_input(str(error)) from error


def _converted(data: Any, spec: Spec | None) -> Any:
    import numpy as np

    if spec is None:
        return np.array(data)
    if isinstance(spec, TensorSpec):
        return np.array(data, dtype=spec.type)
    kind = spec.type
    if isinstance(kind, DataType):
        whole = isinstance(data, (list, np.ndarray))
        return np.array(data, kind.to_numpy()) if whole else np.array([data], kind.to_numpy())[0]
    if isinstance(kind, Array):
        return np.array(enforce_array(data, kind, spec.required))
    return _nested(data, kind, spec.required)


def _nested(data: Any, kind: Object | Map | AnyType, required: bool | None) -> Any:
    if isinstance(kind, Object):
        return enforce_object(data, kind, required)
    return enforce_map(data, kind, required) if isinstance(kind, Map) else data
