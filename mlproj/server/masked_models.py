"""The models of a store for callers that may hand in secrets: none of these is kept, whichever field it is in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, cast

from mlproj.foundation.redaction import redact
from mlproj.tracking.model_base import ModelStore


def without_secrets(value: Any) -> Any:
    """*value* with every text in it as it may be kept: in names of fields, lists and records, too."""
    if type(value) is str:
        return redact(value)
    if isinstance(value, Mapping):
        return {without_secrets(key): without_secrets(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return type(value)(map(without_secrets, value))
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{each.name: without_secrets(getattr(value, each.name)) for each in fields(value)})
    return value


class _Masked:
    def __init__(self, models: ModelStore) -> None:
        self._models = models

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self._models, name)

        def call(*values: Any, **named: Any) -> Any:
            return method(*without_secrets(values), **without_secrets(named))

        return call


def masked(models: ModelStore) -> ModelStore:
    """*models*, called without secrets. What is looked for is masked as well, so that it is found as it was kept."""
    return cast(ModelStore, _Masked(models))
