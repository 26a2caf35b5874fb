"""What may be the name of a model, an alias, a stage, a version or a tag of the registry, as MLflow 3.17 has it."""

from __future__ import annotations

import posixpath
import re

from mlproj.foundation.errors import UsageError
from mlproj.tracking.model_base import Stage
from mlproj.tracking.sql.row import text

_LONGEST_NAME = 256
_LONGEST_ALIAS = 255
_LONGEST_KEY = 250
_LONGEST_VALUE = 100_000
_PROMPT_TEXT = "mlflow.prompt.text"  # the tag of a version that is all of a prompt
_ALIAS = re.compile(r"[\w-]+")
_RESERVED_ALIAS = re.compile(r"latest|v\d+", re.IGNORECASE)
_NOT_IN_LOGGED_NAME = "/:.%\"'"
_STAGES = {stage.value.lower(): stage for stage in Stage}


def checked_name(name: str) -> str:
    """The name of a registered model. It becomes part of URIs such as ``models:/name/1``. Raises UsageError."""
    if not name.strip():
        raise UsageError("a registered model needs a name")
    if len(name) > _LONGEST_NAME:
        raise UsageError(
            f"{name[:40]!r}… is no name of a model: {len(name)} characters, at most {_LONGEST_NAME} are allowed"
        )
    if any(character in name for character in "/:\0"):
        raise UsageError(f"{name!r} is no name of a model: expected one without '/' and ':'")
    if posixpath.normpath(name) != name or name in (".", ".."):
        raise UsageError(f"{name!r} is no name of a model: it must not look like a relative path")
    return text(name)


def checked_alias(alias: str) -> str:
    """The name of an alias. Raises UsageError."""
    if not _ALIAS.fullmatch(alias) or len(alias) > _LONGEST_ALIAS:
        raise UsageError(f"{alias[:80]!r} is no alias: expected 1 to {_LONGEST_ALIAS} letters, digits, '_' and '-'")
    return text(alias)


def checked_new_alias(alias: str) -> str:
    """As :func:`checked_alias`, and none that has a meaning already. Raises UsageError."""
    if _RESERVED_ALIAS.fullmatch(alias):
        raise UsageError(
            f"{alias!r} cannot be an alias: it is reserved", hint="'latest' is the newest version, 'v1' is version 1"
        )
    return checked_alias(alias)


def checked_logged_name(name: str) -> str:
    """The name of a logged model. Raises UsageError."""
    if not name or any(character in name for character in _NOT_IN_LOGGED_NAME):
        raise UsageError(
            f"{name!r:.80} is no name of a model: expected some characters, none of them"
            f" {' '.join(_NOT_IN_LOGGED_NAME)}"
        )
    return text(name)


def to_stage(stage: str) -> Stage:
    """The stage of this name, whatever the case of its letters. Raises UsageError."""
    found = _STAGES.get(stage.lower())
    if found is None:
        stages = ", ".join(each.value for each in Stage)
        raise UsageError(f"Invalid Model Version stage: {stage:.80}. Value must be one of {stages}.")  # MLflow's words
    return found


def to_version(version: str) -> int:
    """The number of a version. Raises UsageError."""
    if not re.fullmatch(r"\d{1,9}", version, re.ASCII):
        raise UsageError(f"{version!r:.80} is no version of a model: expected a number")
    return int(version)


def checked_tag(key: str, value: str) -> tuple[str, str]:
    """A tag of the registry. Raises UsageError."""
    if not key or len(key) > _LONGEST_KEY:
        raise UsageError(f"{key[:80]!r} is no key of a tag: expected 1 to {_LONGEST_KEY} characters")
    if len(value) > _LONGEST_VALUE:
        if key == _PROMPT_TEXT:
            raise UsageError(f"Prompt text exceeds max length of {_LONGEST_VALUE} characters.")  # MLflow's words
        raise UsageError(f"the tag {key!r} is too long: {len(value)} characters, at most {_LONGEST_VALUE} are allowed")
    return text(key), text(value)
