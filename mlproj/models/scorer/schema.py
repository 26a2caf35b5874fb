"""What a model takes: the signature in its MLmodel file, as MLflow 1.x to 3.x write it."""

from __future__ import annotations

import json
from typing import Any, Iterator, Union

from .datatype import NESTED, Type, parse_type
from .params import ParamSpec, parse_param


class ColSpec:
    """A column; *required* is None of a nested type of which the file does not say it: MLflow makes that optional."""

    def __init__(self, type: Type, name: str | None = None, required: bool | None = True) -> None:
        self.type = type
        self.name = name
        self.required = required

    def __repr__(self) -> str:
        named = "" if self.name is None else f"{self.name!r}: "
        return "{}{!r} ({})".format(named, self.type, "required" if self.required else "optional")


class TensorSpec:
    """A tensor; -1 in its shape is any size."""

    required = True

    def __init__(self, dtype: str, shape: tuple[int, ...], name: str | None = None) -> None:
        import numpy as np

        self.type = np.dtype(dtype)
        self.shape = shape
        self.name = name

    def __repr__(self) -> str:
        named = "" if self.name is None else f"{self.name!r}: "
        return f"{named}Tensor({self.type.name!r}, {self.shape!r})"


Spec = Union[ColSpec, TensorSpec]


class Schema:
    """Columns or tensors; all of them named or none."""

    def __init__(self, inputs: list[Spec]) -> None:
        self.inputs = inputs
        self.is_tensor_spec = isinstance(inputs[0], TensorSpec)
        self.has_input_names = inputs[0].name is not None

    def __repr__(self) -> str:
        return repr(self.inputs)

    def __iter__(self) -> Iterator[Spec]:
        return iter(self.inputs)

    def input_names(self) -> list[Any]:
        """The names, or the positions of what has none."""
        return [spec.name or position for position, spec in enumerate(self.inputs)]

    def required_input_names(self) -> list[Any]:
        """The names of what must be there."""
        return [spec.name or position for position, spec in enumerate(self.inputs) if spec.required]

    def optional_input_names(self) -> list[Any]:
        """The names of what may be missing."""
        return [spec.name or position for position, spec in enumerate(self.inputs) if not spec.required]

    def input_types(self) -> list[Any]:
        """The types, in order."""
        return [spec.type for spec in self.inputs]

    def input_dict(self) -> dict[str, Spec]:
        """By name; empty where there are none."""
        return {spec.name: spec for spec in self.inputs if spec.name is not None}


class Signature:
    """What a model takes and gives, and its parameters; each None where the file does not say."""

    def __init__(
        self,
        inputs: Schema | None = None,
        outputs: Schema | None = None,
        params: list[ParamSpec] | None = None,
        of_type_hint: bool = False,
        hint_of_example: bool = False,
    ) -> None:
        self.inputs = inputs
        self.outputs = outputs
        self.params = params
        self.of_type_hint = of_type_hint
        self.hint_of_example = hint_of_example


def parse_signature(mlmodel: dict[str, Any]) -> Signature:
    """The signature in the document of an MLmodel file; an empty one if it has none."""
    written = mlmodel.get("signature") or {}
    return Signature(
        _schema(written.get("inputs")),
        _schema(written.get("outputs")),
        _params(written.get("params")),
        bool(written and mlmodel.get("is_signature_from_type_hint")),
        bool(written and mlmodel.get("type_hint_from_example")),
    )


def _loaded(written: Any) -> Any:
    return json.loads(written) if isinstance(written, str) else written


def _schema(written: Any) -> Schema | None:
    specs = _loaded(written)
    return Schema([_spec(document) for document in specs]) if specs else None


def _spec(document: dict[str, Any]) -> Spec:
    name = document.get("name")
    if document["type"] == "tensor":
        tensor = document["tensor-spec"]
        return TensorSpec(tensor["dtype"], tuple(tensor["shape"]), name)
    # Of a nested type that is not said to be required MLflow makes an optional one.
    required = document.get("required", document["type"] not in NESTED or None)
    if document.get("optional"):  # 2.5 to 2.9
        required = False
    return ColSpec(parse_type(document), name, required)


def _params(written: Any) -> list[ParamSpec] | None:
    specs = _loaded(written)
    return None if specs is None else [parse_param(document) for document in specs]
