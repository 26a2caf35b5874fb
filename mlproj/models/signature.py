"""What a model takes and gives, as MLflow's signatures say it: read from their JSON, told to people.

The forms are those of MLflow 1.x (neither ``required`` nor ``optional``), 2.x and 3.x; the fields are described in
MLflow's documentation of model signatures.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from mlproj.foundation.dataclass import dataclass

SCALARS = ("boolean", "integer", "long", "float", "double", "string", "binary", "datetime")
_MOST_NESTED = 20


class MalformedSignature(ValueError):
    """A signature that is not in MLflow's form; the text says what was found."""


@dataclass(frozen=True)
class DataType:
    """The type of a column: a scalar of :data:`SCALARS`, ``any``, or one with parts.

    ``items`` is what an ``array`` or ``map`` holds, ``properties`` the named parts of an ``object``.
    """

    name: str
    items: DataType | None = None
    properties: tuple[Column, ...] = ()

    def __str__(self) -> str:
        if self.name == "object":
            inner = ", ".join(f"{part.name}{'' if part.required else '?'}: {part.type}" for part in self.properties)
            return f"{{{inner}}}"
        return f"{self.name}({self.items})" if self.items else self.name


@dataclass(frozen=True)
class Column:
    """One column of a table, or one property of an object. Without a name it is known by its position."""

    name: str | None
    type: DataType
    required: bool = True


@dataclass(frozen=True)
class Tensor:
    """One array. ``dtype`` is NumPy's name, ``shape`` has -1 where any length will do."""

    name: str | None
    dtype: str
    shape: tuple[int, ...]

    def __str__(self) -> str:
        return f"{self.dtype} tensor ({', '.join(str(size) if size >= 0 else 'any' for size in self.shape)})"


@dataclass(frozen=True)
class Parameter:
    """A value that a caller may give beside the data. ``shape`` is None for a scalar, ``(-1,)`` for a list."""

    name: str
    type: DataType
    default: Any = None
    shape: tuple[int, ...] | None = None

    def __str__(self) -> str:
        return f"list of {self.type}" if self.shape is not None else str(self.type)


Schema = tuple[Column | Tensor, ...]
"""Columns or tensors: MLflow does not mix them."""


@dataclass(frozen=True)
class Signature:
    """What a model takes (``inputs``, ``params``) and gives (``outputs``); None where that is not known."""

    inputs: Schema | None = None
    outputs: Schema | None = None
    params: tuple[Parameter, ...] | None = None

    @property
    def columns(self) -> tuple[Column, ...]:
        """The input columns; empty for tensors and where inputs are not known."""
        return tuple(item for item in self.inputs or () if isinstance(item, Column))

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """The input tensors; empty for columns and where inputs are not known."""
        return tuple(item for item in self.inputs or () if isinstance(item, Tensor))


def parse(document: Any) -> Signature | None:
    """The signature of an ``MLmodel``: a mapping of JSON texts, or nothing. Raises MalformedSignature."""
    if document is None:
        return None
    if not isinstance(document, Mapping):
        raise MalformedSignature(f"expected a mapping with inputs and outputs, found {_kind(document)}")
    parts = {name: _items(name, document.get(name)) for name in ("inputs", "outputs", "params")}
    params = parts["params"]
    return Signature(
        _schema("inputs", parts["inputs"]),
        _schema("outputs", parts["outputs"]),
        None if params is None else tuple(_parameter(item) for item in params),
    )


def _items(name: str, text: Any) -> list[Mapping[str, Any]] | None:
    if text is None:
        return None
    if isinstance(text, str):
        try:
            text = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise MalformedSignature(f"{name} is no JSON: {error}") from None
    if text is None:
        return None
    if not isinstance(text, Sequence) or not all(isinstance(item, Mapping) for item in text):
        raise MalformedSignature(f"{name} must be a list of objects, found {_kind(text)}")
    return list(text)


def _schema(name: str, items: list[Mapping[str, Any]] | None) -> Schema | None:
    if not items:  # MLflow writes [] for a model without inputs of its own
        return None if items is None else ()
    tensors = [item.get("type") == "tensor" for item in items]
    if all(tensors):
        return tuple(_tensor(item) for item in items)
    if any(tensors):
        raise MalformedSignature(f"{name} has columns and tensors, which MLflow does not mix")
    return tuple(_column(item, item.get("name")) for item in items)


def _tensor(item: Mapping[str, Any]) -> Tensor:
    spec = item.get("tensor-spec")
    if not isinstance(spec, Mapping) or not isinstance(spec.get("dtype"), str):
        raise MalformedSignature(f"a tensor without tensor-spec: {_short(item)}")
    return Tensor(_name(item), spec["dtype"], _shape(spec.get("shape"), item))


def _shape(value: Any, item: Mapping[str, Any]) -> tuple[int, ...]:
    if not isinstance(value, Sequence) or not all(type(size) is int and size >= -1 for size in value):
        raise MalformedSignature(f"a shape must be a list of whole numbers, -1 where any will do: {_short(item)}")
    return tuple(value)


def _column(item: Mapping[str, Any], name: Any, depth: int = 0) -> Column:
    if name is not None and not isinstance(name, str):
        raise MalformedSignature(f"a column's name must be a text: {_short(item)}")
    # 1.x knows no optional columns, 2.x says `optional`, 3.x `required`.
    required = item.get("required", not item.get("optional", False))
    if not isinstance(required, bool):
        raise MalformedSignature(f"'required' must be true or false: {_short(item)}")
    return Column(name, _type(item, depth), required)


def _type(item: Any, depth: int) -> DataType:
    if depth > _MOST_NESTED:
        raise MalformedSignature(f"types are nested more than {_MOST_NESTED} deep")
    if not isinstance(item, Mapping):
        raise MalformedSignature(f"expected an object with a type, found {_kind(item)}")
    name = item.get("type")
    if name in ("array", "map"):
        return DataType(name, _type(item.get("items" if name == "array" else "values"), depth + 1))
    if name == "object":
        properties = item.get("properties")
        if not isinstance(properties, Mapping) or not properties:
            raise MalformedSignature(f"an object without properties: {_short(item)}")
        return DataType(name, properties=tuple(_column(part, key, depth + 1) for key, part in properties.items()))
    if name in SCALARS or name == "any":
        return DataType(str(name))
    raise MalformedSignature(f"there is no type {name!r:.60}; MLflow has {', '.join(SCALARS)}, array, map, object, any")


def _parameter(item: Mapping[str, Any]) -> Parameter:
    name = _name(item)
    if name is None:
        raise MalformedSignature(f"a parameter without a name: {_short(item)}")
    shape = item.get("shape")
    return Parameter(name, _type(item, 0), item.get("default"), None if shape is None else _shape(shape, item))


def _name(item: Mapping[str, Any]) -> str | None:
    name = item.get("name")
    if name is not None and not isinstance(name, str):
        raise MalformedSignature(f"a name must be a text: {_short(item)}")
    return name


def _kind(value: Any) -> str:
    kinds = ((Mapping, "an object"), (list, "a list"), (str, "a text"))
    return next((name for kind, name in kinds if isinstance(value, kind)), f"{value!r:.40}")


def _short(item: Any) -> str:
    return f"{item!r:.120}"
