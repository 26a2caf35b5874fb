"""What the source of a model version stands for.

``models:/m-…`` is a logged model, ``models:/name/version``, ``models:/name/Stage``, ``models:/name/latest`` and
``models:/name@alias`` a version of a registered model, ``runs:/ID/path`` something of a run; all else is a place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from mlproj.errors import UsageError
from mlproj.tracking import sql_logged_model, sql_model_version, sql_registered_model
from mlproj.tracking.base import NotFound
from mlproj.tracking.model_name import checked_alias, to_stage, to_version
from mlproj.tracking.sql_statement import Connection

_MODELS = "models:/"
_LONGEST = 4096  # characters


@dataclass(frozen=True)
class Origin:
    """A source that was understood: what is kept as the source, where its files are, and whose they are."""

    source: str
    location: str
    run_id: str | None
    model_id: str | None


def resolve(connection: Connection, source: str, *, run_id: str | None, model_id: str | None) -> Origin:
    """*source* with what it says of run and logged model. Raises UsageError, NotFound when it stands for nothing."""
    _refuse_tricks(source)
    if not source.startswith(_MODELS):
        return Origin(source, source, run_id, model_id) if model_id is None else _of_logged(connection, source, source, run_id, model_id)
    named = logged_model_id(source)
    if named is None:
        return _of_version(connection, source, run_id, model_id)
    if model_id not in (None, named):
        raise UsageError(f"the source {source!r:.200} is not of the logged model {model_id!r:.80}")
    return _of_logged(connection, source, source, run_id, named)


def logged_model_id(uri: str) -> str | None:
    """The id in ``models:/m-…``; None when *uri* is another."""
    name = uri.removeprefix(_MODELS).strip("/")
    return name if uri.startswith(_MODELS) and sql_logged_model.MODEL_ID.fullmatch(name) else None


def _of_logged(connection: Connection, source: str, location: str, run_id: str | None, model_id: str) -> Origin:
    number = sql_logged_model.find(connection, model_id)
    [(maker,)] = connection.execute("SELECT source_run_id FROM logged_models WHERE number = :number", {"number": number})
    return Origin(source, location, run_id or maker, model_id)


def _of_version(connection: Connection, source: str, run_id: str | None, model_id: str | None) -> Origin:
    number = _find_version(connection, source)
    found = sql_model_version.read(connection, [number])[0]
    if any(given and given != known for given, known in ((run_id, found.run_id), (model_id, found.model_id))):
        raise UsageError(f"the source {source!r:.200} is of another run or logged model than was given")
    kept = f"{_MODELS}{found.name}/{found.version}"
    return Origin(kept, sql_model_version.location(connection, number), run_id or found.run_id, model_id or found.model_id)


def _find_version(connection: Connection, source: str) -> int:
    told = source.removeprefix(_MODELS).strip("/")
    name, at, alias = told.partition("@")
    if at:
        model = sql_registered_model.find(connection, name)
        version = sql_registered_model.version_of_alias(connection, model, checked_alias(alias))
    else:
        name, slash, word = told.partition("/")
        if not slash:
            raise UsageError(f"the source {source!r:.200} names no version: expected models:/name/version or models:/name@alias")
        model = sql_registered_model.find(connection, name)
        version = _version_of_word(connection, model, word)
    if version is None:
        raise NotFound(f"there is no version {source!r:.200}")
    return sql_model_version.find(connection, model, version)


def _version_of_word(connection: Connection, model: int, word: str) -> int | None:
    if word.isdecimal():
        return to_version(word)
    if word.lower() == "latest":
        return sql_registered_model.version_of_alias(connection, model, word)
    stage = to_stage(word)
    return next((each.version for each in sql_model_version.read_newest(connection, [model]) if each.stage is stage), None)


def _refuse_tricks(source: str) -> None:
    """Raise UsageError for a source that could lead whoever reads it out of the place it names."""
    if not source.strip() or len(source) > _LONGEST:
        raise UsageError(f"a version needs a source of 1 to {_LONGEST} characters")
    plain = source
    while (unquoted := unquote(plain)) != plain:
        plain = unquoted
    if ".." in re.split(r"[/\\]", plain) or "\0" in plain or "\n" in plain:
        raise UsageError(f"{source!r:.200} cannot be the source of a version: '..' leads out of a place", hint="give the whole path")
