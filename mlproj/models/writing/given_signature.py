"""A signature that a program gives, in the form that every MLflow reads."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mlproj.foundation.errors import UsageError
from mlproj.models import signature as signatures
from mlproj.models.writing import inference
from mlproj.models.writing.written_type import WITH_PARTS

_WITH_NULLS = ("float", "double", "string", "binary", "datetime")


def infer_signature(model_input: Any = None, model_output: Any = None, params: Mapping[str, Any] | None = None) -> Any:
    """The signature of a model that takes data like *model_input* and gives data like *model_output*, by the rules of
    ``mlflow.models.infer_signature``; *params* are its parameters with their defaults.

    Whole numbers where a value may be missing are better given as floats, as in MLflow.
    """
    return inference.to_document(
        None if model_input is None else portable(inference.infer_schema(model_input)),
        None if model_output is None else portable(inference.infer_schema(model_output)),
        inference.infer_params(params),
    )


def parts_of(given: Any) -> dict[str, str | None] | None:
    """The signature as ``MLmodel`` has it: of a mapping of JSON texts, or of MLflow's ``ModelSignature``. Raises
    UsageError."""
    if given is None:
        return None
    document = given.to_dict() if callable(getattr(given, "to_dict", None)) else given
    try:
        signatures.parse(document)
    except signatures.MalformedSignature as error:
        raise UsageError(f"the signature cannot be read: {error}", hint="use mlproj.infer_signature") from None
    parts = {name: _items(document.get(name)) for name in ("inputs", "outputs", "params")}
    return inference.to_document(portable(parts["inputs"]), portable(parts["outputs"]), parts["params"])


def _items(part: Any) -> Any:
    return json.loads(part) if isinstance(part, str) else part


def portable(schema: Any) -> Any:
    """A schema without the ``required: true`` that MLflow before 2.10 fails of and later ones take for granted."""
    if schema is None:
        return None
    return [
        item if item["type"] in WITH_PARTS else {key: value for key, value in item.items() if item.get(key) is not True}
        for item in schema
    ]


def taking_nulls(schema: Any) -> Any:
    """A schema inferred from an example of which columns lack values: required, where their type has nulls of its own.

    So MLflow before 2.10 reads it, which knows no optional columns; they take nulls all the same.
    """
    return [
        {key: value for key, value in item.items() if key != "required"} if item["type"] in _WITH_NULLS else item
        for item in schema
    ]
