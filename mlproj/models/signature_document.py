"""A signature as plain data: for ``--json``, and for pages."""

from __future__ import annotations

from typing import Any

from mlproj.models.signature import Column, DataType, Parameter, Schema, Signature, Tensor


def signature_document(signature: Signature | None) -> dict[str, Any] | None:
    """``signature`` of ``mlproj models show --json``; None where the model has none."""
    if signature is None:
        return None
    return {
        "inputs": _schema(signature.inputs),
        "outputs": _schema(signature.outputs),
        "params": None if signature.params is None else [_parameter(one) for one in signature.params],
    }


def _schema(schema: Schema | None) -> list[dict[str, Any]] | None:
    return None if schema is None else [_item(one) for one in schema]


def _item(item: Column | Tensor) -> dict[str, Any]:
    if isinstance(item, Tensor):
        return {"name": item.name, "type": "tensor", "dtype": item.dtype, "shape": list(item.shape)}
    return {"name": item.name, "required": item.required, **_type(item.type)}


def _type(kind: DataType) -> dict[str, Any]:
    document: dict[str, Any] = {"type": kind.name}
    if kind.items is not None:
        document["items"] = _type(kind.items)
    if kind.properties:
        document["properties"] = [_item(part) for part in kind.properties]
    return document


def _parameter(one: Parameter) -> dict[str, Any]:
    shape = None if one.shape is None else list(one.shape)
    return {"name": one.name, **_type(one.type), "default": one.default, "shape": shape}
