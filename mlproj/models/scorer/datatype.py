"""The types a signature knows: scalars, arrays, objects, maps, anything; read from MLflow's JSON and printed alike."""

from __future__ import annotations

import builtins
import datetime
from typing import Any, Union

from .errors import ScoringError

_MORE_TYPES = {"datetime": (datetime.datetime,), "binary": (bytearray,)}


class DataType:
    """A scalar type; *numpy* names its NumPy type."""

    def __init__(self, name: str, numpy: str, python: str) -> None:
        self.name = name
        self.numpy = numpy
        self._python = python

    def __repr__(self) -> str:
        return self.name

    def __str__(self) -> str:
        return "DataType." + self.name

    def to_numpy(self) -> Any:
        """Its NumPy type."""
        import numpy as np

        return np.dtype(self.numpy)

    def to_pandas(self) -> Any:
        """The type of a column of a data frame: that of NumPy, but for text and bytes."""
        return object if self.name in ("string", "binary") else self.to_numpy()

    def to_python(self) -> Any:
        """Its Python type."""
        return datetime.date if self.name == "datetime" else getattr(builtins, self._python)

    def is_type_of(self, value: Any) -> bool:
        """Whether *value* has this type exactly."""
        if type(value) in (self.to_python(), *_MORE_TYPES.get(self.name, ())):
            return True
        try:
            import numpy as np
        except ImportError:  # a model of plain Python
            return False
        return type(value) in (self.to_numpy(), self.to_pandas()) or (
            self.name == "datetime" and type(value) is np.datetime64
        )

    def to_dict(self) -> dict[str, Any]:
        """MLflow's JSON."""
        return {"type": self.name}


BOOLEAN = DataType("boolean", "bool", "bool")
INTEGER = DataType("integer", "int32", "int")
LONG = DataType("long", "int64", "int")
FLOAT = DataType("float", "float32", "float")
DOUBLE = DataType("double", "float64", "float")
STRING = DataType("string", "str", "str")
BINARY = DataType("binary", "bytes", "bytes")
DATETIME = DataType("datetime", "datetime64[ns]", "date")
SCALARS = {kind.name: kind for kind in (BOOLEAN, INTEGER, LONG, FLOAT, DOUBLE, STRING, BINARY, DATETIME)}


class Array:
    """A list of values of one type."""

    def __init__(self, dtype: Type) -> None:
        self.dtype = dtype

    def __repr__(self) -> str:
        return f"Array({self.dtype!r})"

    def to_dict(self) -> dict[str, Any]:
        """MLflow's JSON."""
        return {"type": "array", "items": self.dtype.to_dict()}


class SparkMLVector(Array):
    """A vector of Spark ML: an array of doubles."""

    def __init__(self) -> None:
        super().__init__(DOUBLE)

    def __repr__(self) -> str:
        return "SparkML vector"

    def to_dict(self) -> dict[str, Any]:
        """MLflow's JSON."""
        return {"type": "sparkml_vector"}


class Property:
    """A named value of an object."""

    def __init__(self, name: str, dtype: Type, required: bool) -> None:
        self.name = name
        self.dtype = dtype
        self.required = required

    def __repr__(self) -> str:
        return "{}: {!r} ({})".format(self.name, self.dtype, "required" if self.required else "optional")


class Object:
    """A dictionary with known keys."""

    def __init__(self, properties: list[Property]) -> None:
        self.properties = sorted(properties, key=lambda one: one.name)

    def __repr__(self) -> str:
        return "{" + ", ".join(map(repr, self.properties)) + "}"

    def to_dict(self) -> dict[str, Any]:
        """MLflow's JSON."""
        properties = {one.name: dict(one.dtype.to_dict(), required=one.required) for one in self.properties}
        return {"type": "object", "properties": properties}


class Map:
    """A dictionary with any text as keys, and values of one type."""

    def __init__(self, value_type: Type) -> None:
        self.value_type = value_type

    def __repr__(self) -> str:
        return f"Map(str -> {self.value_type})"

    def to_dict(self) -> dict[str, Any]:
        """MLflow's JSON."""
        return {"type": "map", "values": self.value_type.to_dict()}


class AnyType:
    """Whatever there is."""

    def __repr__(self) -> str:
        return "Any"

    def to_dict(self) -> dict[str, Any]:
        """MLflow's JSON."""
        return {"type": "any"}


Type = Union[DataType, Array, Object, Map, AnyType]
NESTED: tuple[str, ...] = ("array", "object", "map", "sparkml_vector", "any")


def parse_type(document: dict[str, Any]) -> Type:
    """The type that a JSON object with the key `type` describes."""
    kind = document["type"]
    if kind == "array":
        return Array(parse_type(document["items"]))
    if kind == "object":
        return Object([_property(name, one) for name, one in document["properties"].items()])
    if kind == "map":
        return Map(parse_type(document["values"]))
    if kind == "sparkml_vector":
        return SparkMLVector()
    if kind == "any":
        return AnyType()
    if kind not in SCALARS:
        raise ScoringError(f"Unsupported type '{kind}', expected one of {[*SCALARS, *NESTED]}")
    return SCALARS[kind]


def _property(name: str, document: dict[str, Any]) -> Property:
    return Property(name, parse_type(document), document.get("required", True))
