"""``--params name=value``: texts as values of the signature's types."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from mlproj.foundation.errors import UsageError, did_you_mean
from mlproj.models.signature import Parameter, Signature


def typed(texts: Sequence[str], signature: Signature | None) -> dict[str, Any]:
    """The values of *texts*, each ``name=value``. Raises UsageError for what the signature does not have or allow."""
    declared = {one.name: one for one in (signature.params if signature else None) or ()}
    found: dict[str, Any] = {}
    for text in texts:
        name, separator, value = text.partition("=")
        if not separator:
            raise UsageError(f"--params {text!r}: expected name=value")
        if name not in declared:
            raise UsageError(f"the model has no parameter {name!r}", hint=_known(name, list(declared)))
        found[name] = _value(declared[name], value)
    return found


def _known(name: str, declared: list[str]) -> str:
    guess = did_you_mean(name, declared)
    if guess:
        return f"did you mean {guess!r}?"
    return f"it has {', '.join(declared)}" if declared else "its signature declares none"


def _value(parameter: Parameter, text: str) -> Any:
    try:
        if parameter.shape is not None or parameter.type.name not in _READERS:
            value = json.loads(text)
            if parameter.shape is not None and not isinstance(value, list):
                raise ValueError
            return value
        return _READERS[parameter.type.name](text)
    except ValueError:
        shape = "a JSON list, " if parameter.shape is not None else ""
        raise UsageError(f"--params {parameter.name}: {text!r} is no {shape}{parameter}") from None


def _truth(text: str) -> bool:
    try:
        return {"true": True, "1": True, "false": False, "0": False}[text.lower()]
    except KeyError:
        raise ValueError(text) from None


_READERS: dict[str, Callable[[str], Any]] = {
    "boolean": _truth,
    "integer": int,
    "long": int,
    "float": float,
    "double": float,
    "string": str,
    "binary": str,
    "datetime": str,
}
