"""Values that the user gives in a file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlproj.foundation.errors import InvalidProject, UsageError
from mlproj.projects.reading import describe
from mlproj.projects.written import Written
from mlproj.yaml_document import Document
from mlproj.yaml_document import load as load_yaml


def load_parameters_file(path: Path) -> dict[str, Any]:
    """The values in a YAML or JSON file: a mapping from names to plain values or lists of them; what YAML reads
    otherwise than it is written (``1.10``) is a :class:`Written`. Raises UsageError."""
    try:
        document = load_yaml(path)
    except InvalidProject as error:
        raise UsageError(f"the parameters file is wrong: {error.message}", hint=error.hint, place=error.place) from None
    if not isinstance(document.value, dict):
        message = f"the parameters file is {describe(document.value)}, expected a mapping from names to values"
        raise UsageError(message, place=document.place(), hint="write for example: alpha: 0.5")
    if document.findings:  # of the user's own; MLflow has no such file
        wrong = document.findings[0]
        raise UsageError(f"the parameters file is wrong: {wrong.text}", hint=wrong.hint, place=wrong.place)
    return {_name(document, key): _value(document, key, value) for key, value in document.value.items()}


def merge(file: Path | None, given: Mapping[str, Any]) -> dict[str, Any]:
    """The values of the parameters *file*, if there is one, overridden and followed by those *given*. Raises
    UsageError."""
    return {**(load_parameters_file(file) if file else {}), **given}


def _name(document: Document, key: Any) -> str:
    return key if isinstance(key, str) else document.raw_key(key)


def _value(document: Document, key: Any, value: Any) -> Any:
    nested = isinstance(value, dict) or (
        isinstance(value, list) and any(isinstance(item, (dict, list)) for item in value)
    )
    if nested:
        what = f"the parameter {_name(document, key)!r} is nested, expected a plain value or a list of them"
        raise UsageError(what, place=document.place(key), hint="put nested text in quotes to give it as it is")
    if value is None or isinstance(value, (str, bool, list)) or document.raw(key) == str(value):
        return value
    return Written(value, document.raw(key))
