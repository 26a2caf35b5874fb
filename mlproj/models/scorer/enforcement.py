"""Data for a prediction against the signature, with MLflow's strict rules: those of its `predict()`."""

from __future__ import annotations

import os
from typing import Any

from .datatype import Array, DataType, Object
from .errors import SCHEMA_ENFORCEMENT_FAILED, ScoringError, invalid_parameter
from .schema import ColSpec, Schema
from .tensors import enforce_tensors
from .values import enforce_column, enforce_type, is_scalar


def enforce(schema: Schema, data: Any) -> Any:
    """What the model gets of *data*: its columns in order, or its tensors; ScoringError if they do not fit."""
    try:
        return _enforced(schema, data)
    except Exception as error:
        raise invalid_parameter(_why(schema, data, error), SCHEMA_ENFORCEMENT_FAILED) from error


def _why(schema: Schema, data: Any, error: Exception) -> str:
    if _hides_details():
        return "Failed to enforce model input schema. Please check your input data."
    return f"Failed to enforce schema of data '{data}' with schema '{schema}'. Error: {error}"


def _hides_details() -> bool:
    return os.environ.get("MLFLOW_DISABLE_SCHEMA_DETAILS", "false").lower() in ("true", "1")


def _enforced(schema: Schema, data: Any) -> Any:
    import pandas as pd

    if isinstance(data, pd.Series):
        data = pd.DataFrame(data)
    if not schema.is_tensor_spec:
        data = _as_frame(schema, data)
    if schema.has_input_names:
        data = _with_its_name(schema, data)
        _refuse_missing(schema, data)
    elif not schema.is_tensor_spec:
        _refuse_too_few(schema, data)
    if schema.is_tensor_spec:
        return enforce_tensors(schema, data)
    return _named(schema, data) if schema.has_input_names else _unnamed(schema, data)


def _as_frame(schema: Schema, data: Any) -> Any:
    import numpy as np
    import pandas as pd

    if is_scalar(data):
        return pd.DataFrame([data])
    if isinstance(data, dict):
        return _frame_of_dictionary(schema, data)
    if isinstance(data, (list, np.ndarray)):
        return pd.DataFrame(data)
    if not isinstance(data, pd.DataFrame):
        raise ScoringError(f"Expected input to be DataFrame. Found: {type(data).__name__}")
    return data


def _frame_of_dictionary(schema: Schema, data: dict[Any, Any]) -> Any:
    import pandas as pd

    nested = any(isinstance(spec.type, (Array, Object)) for spec in schema.inputs)
    if nested or all(_is_text_or_scalar(value) for value in data.values()):
        return pd.DataFrame([data])
    try:
        if all(_is_lone_text(value) for value in data.values()):
            return pd.DataFrame([data])
        return pd.DataFrame({name: _flat(value) for name, value in data.items()})
    except Exception as error:
        raise ScoringError(
            "This model contains a column-based signature, which suggests a DataFrame"
            f" input. There was an error casting the input data to a DataFrame: {error}"
        ) from error


def _is_text_or_scalar(value: Any) -> bool:
    if isinstance(value, list):
        return all(isinstance(one, str) for one in value)
    return value is None or is_scalar(value)


def _is_lone_text(value: Any) -> bool:
    import numpy as np

    return isinstance(value, np.ndarray) and value.dtype.type == np.str_ and value.shape == ()


def _flat(value: Any) -> Any:
    """Lists in place of arrays of several dimensions, which pandas does not take as a column."""
    import numpy as np

    return value.tolist() if isinstance(value, np.ndarray) and value.ndim > 1 else value


def _with_its_name(schema: Schema, data: Any) -> Any:
    """An array alone is the only input that must be there."""
    import numpy as np

    required = schema.required_input_names()
    return {required[0]: data} if len(set(required)) == 1 and isinstance(data, np.ndarray) else data


def _refuse_missing(schema: Schema, data: Any) -> None:
    required = schema.required_input_names()
    actual = _names_of(data)
    missing = [name for name in required if name in set(required) - actual]
    if not missing:
        return
    unknown = actual - set(required) - set(schema.optional_input_names())
    extra = [name for name in actual if name in unknown]
    if _hides_details():
        message = "Input schema validation failed. Mismatched or missing input(s)."
        raise ScoringError(message + (" Note that there were extra inputs provided." if extra else ""))
    message = f"Model is missing inputs {missing}."
    raise ScoringError(message + (f" Note that there were extra inputs: {extra}." if extra else ""))


def _names_of(data: Any) -> set[Any]:
    import pandas as pd

    if isinstance(data, pd.DataFrame):
        return set(data.columns)
    return set(data.keys()) if isinstance(data, dict) else set()


def _refuse_too_few(schema: Schema, data: Any) -> None:
    if len(data.columns) < len(schema.inputs):
        raise ScoringError(
            "Model inference is missing inputs. The model signature declares "
            f"{len(schema.inputs)} inputs  but the provided value only has "
            f"{len(data.columns)} inputs. Note: the inputs were not named in the signature so we can "
            "only verify their count."
        )


def _named(schema: Schema, data: Any) -> Any:
    import pandas as pd

    columns: dict[Any, Any] = {}
    for name, spec in schema.input_dict().items():
        assert isinstance(spec, ColSpec)
        if name not in data and spec.required:
            raise ScoringError(
                f"The input column '{name}' is required by the model signature but missing from the input data."
            )
        if name in data:
            columns[name] = _column(name, data, spec)
    return pd.DataFrame(columns)


def _unnamed(schema: Schema, data: Any) -> Any:
    import pandas as pd

    names: list[Any] = list(data.columns[: len(schema.inputs)])
    columns: dict[Any, Any] = {}
    for name, spec in zip(names, schema.inputs):
        assert isinstance(spec, ColSpec)
        columns[name] = _column(name, data, ColSpec(spec.type))
    return pd.DataFrame(columns)


def _column(name: Any, data: Any, spec: ColSpec) -> Any:
    import pandas as pd

    if isinstance(spec.type, DataType):
        return enforce_column(name, data[name], spec.type)
    values = [enforce_type(one, spec.type, spec.required) for one in data[name]]
    return pd.Series(values, index=data.index, name=name)
