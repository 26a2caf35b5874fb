"""The parameters of a prediction: their schema, and what callers pass checked against it as MLflow does."""

from __future__ import annotations

from typing import Any

from .datatype import DATETIME, DOUBLE, FLOAT, INTEGER, LONG, SCALARS, DataType, Object, parse_type
from .errors import ScoringError, invalid_parameter
from .values import enforce_object, is_scalar

_SAFE = {LONG: (INTEGER,), FLOAT: (INTEGER, LONG), DOUBLE: (INTEGER, LONG, FLOAT)}


class ParamSpec:
    """A parameter of a prediction; *shape* is None of a scalar, (-1,) of a list."""

    def __init__(self, name: str, dtype: DataType | Object, default: Any, shape: tuple[int, ...] | None) -> None:
        self.name = name
        self.dtype = dtype
        self.default = default
        self.shape = shape

    def __repr__(self) -> str:
        shape = f" (shape: {self.shape})" if self.shape is not None else ""
        return f"{self.name!r}: {self.dtype!r} (default: {self.default}){shape}"


def parse_param(document: dict[str, Any]) -> ParamSpec:
    """A parameter as the MLmodel file has it."""
    kind = document.get("type") or document["dtype"]  # 2.6 wrote dtype
    dtype: Any = parse_type(document) if kind == "object" else SCALARS[kind]
    shape = document.get("shape")
    spec = ParamSpec(str(document["name"]), dtype, document["default"], None if shape is None else tuple(shape))
    spec.default = _validated(spec, spec.default)  # a date is text in the file
    return spec


def enforce_params(specs: list[ParamSpec] | None, params: Any) -> Any:
    """What the model gets: defaults filled in, unknown ones dropped; a model that declares none gets none."""
    if specs is None:
        return params if params is None or params == {} else {}
    params = {} if params is None else params
    if not isinstance(params, dict):
        raise invalid_parameter(f"Parameters must be a dictionary. Got type '{type(params).__name__}'.")
    by_name = {spec.name: spec for spec in specs}
    given = {str(name): value for name, value in params.items() if str(name) in by_name}
    invalid = set()
    for spec in specs:
        try:
            given[spec.name] = _validated(spec, given[spec.name]) if spec.name in given else spec.default
        except ScoringError as error:
            invalid.add((spec.name, error.message))
    if invalid:
        raise invalid_parameter(f"Invalid parameters found: {invalid!r}")
    return given


def _validated(spec: ParamSpec, value: Any) -> Any:
    if spec.shape == (-1,) and not _is_list(value):
        raise invalid_parameter(
            f"Value must be a 1D array with shape (-1,) for param {spec!r}, "
            f"received {type(value).__name__} with ndim {_dimensions(value)}"
        )
    try:
        if spec.shape is None:
            return _validated_one(spec.dtype, value)
        if spec.shape == (-1,):
            return [_scalar(spec.dtype, one) for one in value]
    except Exception as error:
        raise invalid_parameter(f"Failed to validate type and shape for {spec!r}, error: {error}") from error
    raise invalid_parameter(
        "Shape must be None for scalar or dictionary value, or (-1,) for 1D array value "
        f"for ParamSpec {spec!r}), received {spec.shape}"
    )


def _is_list(value: Any) -> bool:
    return (isinstance(value, list) or type(value).__name__ == "ndarray") and _dimensions(value) == 1


def _dimensions(value: Any) -> int:
    try:
        import numpy as np
    except ImportError:  # a model of plain Python
        return 1 + isinstance(value[0], list) if isinstance(value, list) and value else int(isinstance(value, list))
    return int(np.array(value).ndim)


def _validated_one(dtype: DataType | Object, value: Any) -> Any:
    if isinstance(dtype, Object):
        import copy

        enforce_object(copy.deepcopy(value), dtype)  # the model gets it as it was sent
        return value
    return _scalar(dtype, value)


def _scalar(dtype: Any, value: Any) -> Any:
    if value is None:
        return None
    if dtype is DATETIME:
        return _date(value)
    if not is_scalar(value):
        raise invalid_parameter(f"Value must be a scalar for type `{dtype}`, got `{value}`")
    if dtype.is_type_of(value):
        return dtype.to_python()(value)
    if not any(safe.is_type_of(value) for safe in _SAFE.get(dtype, ())):
        raise invalid_parameter(f"Can not safely convert `{type(value)}` to `{dtype}` for value `{value}`")
    return dtype.to_python()(value)


def _date(value: Any) -> Any:
    import numpy as np

    try:
        date = np.datetime64(value).item()
    except ValueError as error:
        raise invalid_parameter(
            f"Failed to convert value `{value}` from type `{type(value)}` to `{DATETIME}`"
        ) from error
    if isinstance(date, int):
        raise invalid_parameter(
            f"Failed to convert value to `{DATETIME}`. It must be convertible to datetime.date/datetime, got `{value}`"
        )
    return date
