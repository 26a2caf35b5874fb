"""Columns and single values checked against a type of the signature: MLflow's strict rules, without loss of value."""

from __future__ import annotations

from typing import Any

from .datatype import BINARY, BOOLEAN, DATETIME, DOUBLE, STRING, AnyType, Array, DataType, Map, Object, Property, Type
from .errors import SCHEMA_ENFORCEMENT_FAILED, ScoringError, invalid_parameter

_MISSING_INTEGERS = (
    " Hint: the type mismatch is likely caused by missing values. "
    "Integer columns in python can not represent missing values and are therefore "
    "encoded as floats. The best way to avoid this problem is to infer the model "
    "schema based on a realistic data sample (training dataset) that includes missing "
    "values. Alternatively, you can declare integer columns as doubles (float64) "
    "whenever these columns may have missing values. See `Handling Integers With "
    "Missing Values <https://www.mlflow.org/docs/latest/models.html#"
    "handling-integers-with-missing-values>`_ for more details."
)


def is_scalar(value: Any) -> bool:
    """As NumPy sees it; None is none."""
    try:
        import numpy as np
    except ImportError:  # a model of plain Python
        return isinstance(value, (bool, int, float, complex, str, bytes))
    return bool(np.isscalar(value))


def enforce_column(name: Any, values: Any, dtype: DataType) -> Any:
    """The column in the type of the signature, if it gets there without loss."""
    if values.dtype == object and dtype not in (BINARY, STRING):
        values = values.infer_objects()
    if _passes(values, dtype):
        return values
    if dtype is DATETIME and values.dtype.kind == "M":
        return _naive_dates(values)
    if dtype is DATETIME and values.dtype == object:
        return _parsed_dates(name, values)
    if dtype is BOOLEAN and values.dtype == object:
        return values  # a None would become False
    if dtype is DOUBLE and values.dtype == object:  # Decimal, of Spark
        return _parsed_numbers(name, values)
    if _is_upcast(values.dtype, dtype.to_numpy()) or _only_zeros_and_ones(values, dtype.to_numpy()):
        return values.astype(dtype.to_numpy(), errors="raise")
    raise ScoringError(
        f"Incompatible input types for column {name}. "
        f"Can not safely convert {values.dtype} to {dtype.to_numpy()}.{_hint(values, dtype.to_numpy())}"
    )


def _passes(values: Any, dtype: DataType) -> bool:
    if dtype in (STRING, BINARY) and (values.dtype == object or is_text(values.dtype)):
        return True
    if dtype.to_pandas() == values.dtype or dtype.to_numpy() == values.dtype:
        return True
    return dtype is BINARY and bool(values.dtype.kind == "S")


def is_text(dtype: Any) -> bool:
    """Whether a column has pandas' own type of text, which it has from version 1 on and guesses from 3 on."""
    import pandas as pd

    return isinstance(dtype, getattr(pd, "StringDtype", ()))


def _naive_dates(values: Any) -> Any:
    import numpy as np

    try:
        return values.astype(np.dtype("datetime64[ns]"))
    except TypeError as error:
        raise ScoringError(
            "Please ensure that the input data of datetime column only contains timezone-naive "
            f"datetime objects. Error: {error}"
        ) from error


def _parsed_dates(name: Any, values: Any) -> Any:
    import numpy as np

    try:
        return values.astype(np.dtype("datetime64[ns]"), errors="raise")
    except ValueError as error:
        raise ScoringError(f"Failed to convert column {name} from type {values.dtype} to {DATETIME}.") from error


def _parsed_numbers(name: Any, values: Any) -> Any:
    import pandas as pd

    try:
        return pd.to_numeric(values, errors="raise")
    except ValueError as error:
        raise ScoringError(f"Failed to convert column {name} from type {values.dtype} to {DOUBLE}.") from error


def _is_upcast(actual: Any, wanted: Any) -> bool:
    if actual.kind == wanted.kind:
        return bool(actual.itemsize <= wanted.itemsize)
    if actual.kind == "u" and wanted.kind == "i":
        return bool(actual.itemsize < wanted.itemsize)
    return actual.kind in ("i", "u") and wanted == DOUBLE.to_numpy() and bool(actual.itemsize <= 6)


def _only_zeros_and_ones(values: Any, wanted: Any) -> bool:
    import pandas as pd

    if not (values.dtype == "int64" and wanted.kind == "f"):
        return False
    return all(pd.isnull(value) or value in (0, 1) for value in values)


def _hint(values: Any, wanted: Any) -> str:
    import pandas as pd

    if not (values.dtype == "float64" and wanted.kind in ("i", "u") and values.hasnans):
        return ""
    whole = all(pd.isnull(value) or int(value) == value for value in values)
    return _MISSING_INTEGERS if whole else ""


def enforce_type(data: Any, dtype: Type, required: bool | None = True) -> Any:
    """One value, of any type."""
    if isinstance(dtype, DataType):
        return _enforce_scalar(data, dtype, required)
    if isinstance(dtype, Array):
        return enforce_array(data, dtype, required)
    if isinstance(dtype, Object):
        return enforce_object(data, dtype, required)
    if isinstance(dtype, Map):
        return enforce_map(data, dtype, required)
    return data


def _is_none_or_nan(value: Any) -> bool:
    import pandas as pd

    if isinstance(value, float):
        return value != value
    return value is None or value is pd.NaT or value is getattr(pd, "NA", None)


def _enforce_scalar(data: Any, dtype: DataType, required: bool | None) -> Any:
    import pandas as pd

    if not required and _is_none_or_nan(data):
        return None
    if not is_scalar(data):
        raise ScoringError(f"Expected data to be scalar, got {type(data).__name__}")
    try:
        return enforce_column("", pd.Series(data), dtype)[0]
    except ScoringError as error:
        raise invalid_parameter(
            f"Failed to enforce schema of data `{data}` with dtype `{dtype.name}`", SCHEMA_ENFORCEMENT_FAILED
        ) from error


def enforce_array(data: Any, array: Array, required: bool | None = True) -> Any:
    """A list or NumPy array; stays what it was."""
    import numpy as np
    import pandas as pd

    is_array = isinstance(data, (list, np.ndarray))
    if (not required or isinstance(array.dtype, AnyType)) and (data is None or (is_array and len(data) == 0)):
        return data
    if not is_array:
        raise ScoringError(f"Expected data to be list or numpy array, got {type(data).__name__}")
    if not isinstance(array.dtype, DataType):
        listed = [enforce_type(one, array.dtype, required) for one in data]
        return listed if isinstance(data, list) else np.array(listed)
    if len(data) == 0:
        return data
    enforced = enforce_column("", pd.Series(data), array.dtype).to_numpy(dtype=array.dtype.to_numpy())
    return enforced.tolist() if isinstance(data, list) else enforced


def enforce_object(data: Any, kind: Object, required: bool | None = True) -> Any:
    """A dictionary with the properties that are declared; changed in place."""
    if not required and (data is None or data == {}):
        return data
    if not isinstance(data, dict):
        raise ScoringError(
            f"Failed to enforce schema of '{data}' with type '{kind}'. "
            f"Expected data to be dictionary, got {type(data).__name__}"
        )
    properties = {one.name: one for one in kind.properties}
    missing = {name for name, one in properties.items() if one.required} - set(data.keys())
    if missing:
        raise ScoringError(f"Missing required properties: {missing}")
    unknown = data.keys() - properties.keys()
    if unknown:
        raise ScoringError(f"Invalid properties not defined in the schema found: {unknown}")
    for name, value in data.items():
        data[name] = _enforce_property(value, properties[name])
    return data


def _enforce_property(value: Any, kind: Property) -> Any:
    try:
        return enforce_type(value, kind.dtype, kind.required)
    except ScoringError as error:
        raise ScoringError(
            "Failed to enforce schema for key `{}`. Expected type {}, received type {}".format(
                kind.name, kind.dtype.to_dict()["type"], type(value).__name__
            )
        ) from error


def enforce_map(data: Any, kind: Map, required: bool | None = True) -> dict[str, Any]:
    """A dictionary with any text as keys."""
    if (not required or isinstance(kind.value_type, AnyType)) and (data is None or data == {}):
        return data  # type: ignore[no-any-return]
    if not isinstance(data, dict):
        raise ScoringError(f"Expected data to be a dict, got {type(data).__name__}")
    if not all(isinstance(key, str) for key in data):
        raise ScoringError("Expected all keys in the map type data are string type.")
    return {key: enforce_type(value, kind.value_type, required) for key, value in data.items()}
