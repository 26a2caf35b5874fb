"""Tensors against the signature: shape and type, and how a data frame becomes one."""

from __future__ import annotations

import sys
from typing import Any

from .errors import ScoringError, invalid_parameter
from .schema import Schema, TensorSpec
from .values import is_scalar


def enforce_tensors(schema: Schema, data: Any) -> Any:
    """An array, or a dictionary of arrays where the tensors have names."""
    return _named(schema, data) if schema.has_input_names else _unnamed(schema.inputs[0], data)


def _named(schema: Schema, data: Any) -> Any:
    import numpy as np
    import pandas as pd

    if not isinstance(data, (dict, pd.DataFrame)):
        raise invalid_parameter(
            "This model contains a tensor-based model signature with input names, which"
            " suggests a dictionary input mapping input name to tensor, or a pandas"
            " DataFrame input containing columns mapping input name to flattened list value"
            f" from tensor, but an input of type {type(data)} was found."
        )
    tensors = {}
    for name, spec in zip(schema.input_names(), schema.inputs):
        if isinstance(data, pd.DataFrame):
            tensors[name] = _of_column(name, data[name], spec)
        elif isinstance(data[name], np.ndarray):
            tensors[name] = _checked(data[name], spec)
        else:
            raise invalid_parameter(
                "This model contains a tensor-based model signature with input names,"
                " which suggests a dictionary input mapping input name to a numpy"
                f" array, but a dict with value type {type(data[name])} was found."
            )
    return tensors


def _unnamed(spec: Any, data: Any) -> Any:
    import numpy as np
    import pandas as pd

    if isinstance(data, pd.DataFrame):
        return _of_frame(spec, data)
    if isinstance(data, np.ndarray) or _is_sparse(data):
        return _checked(data, spec)
    raise invalid_parameter(
        "This model contains a tensor-based model signature with no input names,"
        " which suggests a numpy array input or a pandas dataframe input with"
        f" proper column values, but an input of type {type(data)} was found."
    )


def _is_sparse(data: Any) -> bool:
    sparse: Any = sys.modules.get("scipy.sparse")  # who has such a matrix has imported it
    return sparse is not None and isinstance(data, (sparse.csr_matrix, sparse.csc_matrix))


def _of_frame(spec: TensorSpec, data: Any) -> Any:
    count = len(data.columns)
    if data.empty:
        raise ScoringError("Input DataFrame is empty.")
    if count == 1:
        return _of_column(None, data[data.columns[0]], spec)
    if spec.shape != (-1, count):
        raise invalid_parameter(
            "This model contains a model signature with an unnamed input. Since the "
            "input data is a pandas DataFrame containing multiple columns, "
            "the input shape must be of the structure "
            "(-1, number_of_dataframe_columns). "
            f"Instead, the input DataFrame passed had {count} columns and "
            f"an input shape of {spec.shape} with all values within the "
            "DataFrame of scalar type. Please adjust the passed in DataFrame to "
            "match the expected structure"
        )
    return _checked(data.to_numpy(), spec)


def _of_column(name: str | None, column: Any, spec: Any) -> Any:
    import numpy as np

    if spec.shape[0] != -1 or -1 in spec.shape[1:]:
        raise ScoringError(
            "For pandas dataframe input, the first dimension of shape must be a variable "
            "dimension and other dimensions must be fixed, but in model signature the shape "
            "of {} is {}.".format("input " + name if name else "the unnamed input", spec.shape)
        )
    first = column[0]
    if is_scalar(first):
        return _of_scalars(name, column, spec)
    if isinstance(first, list) and is_scalar(first[0]):
        # The types and shape of a list are lost: it gets those of the signature.
        return _stacked(column, spec, _FLAT_LISTS.format(name, spec.shape, spec.type), spec.type)
    if isinstance(first, np.ndarray):
        return _stacked(column, spec, _ARRAYS.format(name, spec.shape), None)
    raise invalid_parameter(
        "Because the model signature requires tensor spec input, the input "
        "pandas dataframe values should be either scalar value, python list "
        "containing scalar values or numpy array containing scalar values, "
        "other types are not supported."
    )


_FLAT_LISTS = (
    "The value in the Input DataFrame column '{}' could not be converted to the "
    "expected shape of: '{}'. Ensure that each of the input list "
    "elements are of uniform length and that the data can be coerced to the tensor "
    "type '{}'"
)
_ARRAYS = (
    "The value in the Input DataFrame column '{}' could not be converted to the "
    "expected shape of: '{}'. Ensure that each of the input numpy "
    "array elements are of uniform length and can be reshaped to above expected shape."
)


def _of_scalars(name: str | None, column: Any, spec: TensorSpec) -> Any:
    import numpy as np

    if spec.shape in ((-1,), (-1, 1)):
        return _checked(np.array(column, dtype=spec.type).reshape(spec.shape), spec)
    raise invalid_parameter(
        f"The input pandas dataframe column '{name}' contains scalar "
        "values, which requires the shape to be (-1,) or (-1, 1), but got tensor spec "
        f"shape of {spec.shape}."
    )


def _stacked(column: Any, spec: TensorSpec, why: str, dtype: Any) -> Any:
    import numpy as np

    try:
        stacked = np.vstack(column.tolist()).reshape(spec.shape)
        stacked = stacked if dtype is None else stacked.astype(dtype)
    except ValueError as error:
        raise invalid_parameter(why) from error
    if len(stacked) != len(column):
        raise invalid_parameter(why)
    return stacked


def _checked(values: Any, spec: Any) -> Any:
    import numpy as np

    dtype = values.dtype if isinstance(values, np.ndarray) else values.data.dtype
    if spec.shape == (-1,) and spec.type == np.dtype("O"):
        return values
    ragged = len(values.shape) == 1 and dtype == np.dtype("O")
    if ragged and len(spec.shape) > 1 and -1 in spec.shape[1:]:
        return values
    if len(spec.shape) != len(values.shape) or any(
        wanted not in (-1, size) for wanted, size in zip(spec.shape, values.shape)
    ):
        raise ScoringError(f"Shape of input {values.shape} does not match expected shape {spec.shape}.")
    if _without_size(dtype) != spec.type:
        raise ScoringError(f"dtype of input {dtype} does not match expected dtype {spec.type}")
    return values


def _without_size(dtype: Any) -> Any:
    """Of texts and bytes, whose type has the length of the longest in it."""
    import numpy as np

    return np.dtype({"U": "str", "S": "bytes"}[dtype.char]) if dtype.char in "US" else dtype
