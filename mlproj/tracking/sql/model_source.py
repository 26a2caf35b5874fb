"""What the source of a model version stands for.

``models:/m-…`` is a logged model, ``models:/name/version``, ``models:/name/Stage``, ``models:/name/latest`` and
``models:/name@alias`` a version of a registered model, ``runs:/ID/path`` something of a run; all else is a place. A
place on this machine (as MLflow demands since 2.3), one that this server hands out (``mlflow-artifacts:``) and one at a
host that the source names (since 3.17) must be among the artifacts of the run or logged model that the version is said
to be of: whoever may register models must not make others read any file, or ask any host.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from mlproj.foundation.errors import UsageError
from mlproj.tracking.base import NotFound, StoreError
from mlproj.tracking.model_base import PROMPT_TAG
from mlproj.tracking.model_name import checked_alias, to_stage, to_version
from mlproj.tracking.sql import logged_model, model_version, registered_model
from mlproj.tracking.sql.row import text
from mlproj.tracking.sql.statement import Connection

_MODELS = "models:/"
_LONGEST = 4096  # characters
_PROXIED = "mlflow-artifacts"
_FOREIGN = "it is not among the artifacts of its run or logged model"
_LOCAL = (  # the beginning is MLflow's
    "to use a local path as a model version source, the path has to be among the artifacts of its run or logged model,"
    " whose id has to be given"
)
_HOSTED = frozenset({"ftp", "hdfs", "http", "https", _PROXIED, "sftp", "viewfs"})


@dataclass(frozen=True)
class Origin:
    """A source that was understood: what is kept as the source, where its files are, and whose they are."""

    source: str
    location: str
    run_id: str | None
    model_id: str | None


def resolve(
    connection: Connection, source: str, artifact_root: str, *, run_id: str | None, model_id: str | None
) -> Origin:
    """*source* with what it says of run and logged model. Raises UsageError, NotFound when it stands for nothing."""
    _refuse_tricks(source)
    if re.match(r"(?:runs|models)://", source):
        raise _refusal(source, "a run or model of this server is named without a host, as in runs:/ID/path")
    named = logged_model_id(source)
    if source.startswith(_MODELS) and named is None:
        return _of_version(connection, source, run_id, model_id)
    run_id = _agreed(source, "run", _run_of(source), run_id)
    model_id = _agreed(source, "logged model", named, model_id)
    if model_id and _run_of(source):
        raise _refusal(source, f"it is of a run, and the logged model {model_id!r:.80} was named")
    if _is_guarded(source):
        makers = _places(connection, artifact_root, None if model_id else run_id, model_id)
        place = _proxied_place(source, artifact_root)
        if not any(_is_below(place, maker) for maker in makers):
            raise _refusal(source, _LOCAL if _is_local(source) else _FOREIGN, hint="name the run that logged it")
    return _of_logged(connection, source, run_id, model_id) if model_id else Origin(source, source, run_id, None)


def of_prompt(source: str) -> Origin:
    """A prompt is all in its tags; its source is a word that stands for nothing. Raises UsageError for more than a
    word."""
    if not re.fullmatch(r"[\w-]{1,100}", source):
        raise UsageError(f"{source!r:.200} cannot be the source of a prompt: expected a word such as 'prompt-template'")
    return Origin(source, source, None, None)


def logged_model_id(uri: str) -> str | None:
    """The id in ``models:/m-…``; None when *uri* is another."""
    name = uri.removeprefix(_MODELS).strip("/")
    return name if uri.startswith(_MODELS) and logged_model.MODEL_ID.fullmatch(name) else None


def _agreed(source: str, what: str, named: str | None, given: str | None) -> str | None:
    """The id that a source names or that was given for it. Raises UsageError when these are two."""
    if named and given and named != given:
        raise _refusal(source, f"it is not of the {what} {given!r:.80}")
    return named or given


def _run_of(source: str) -> str | None:
    match = re.match(r"runs:/+([^/]+)", source)
    return match[1] if match else None


def _places(connection: Connection, artifact_root: str, run_id: str | None, model_id: str | None) -> list[str]:
    """Where the artifacts of the run and of the logged model are."""
    statement = (
        "SELECT artifact_uri FROM runs WHERE run_id = :run UNION ALL SELECT artifact_uri FROM logged_models WHERE"
        " model_id = :model"
    )
    rows = connection.execute(statement, {"run": text(run_id or ""), "model": text(model_id or "")})
    return [logged_model.place(uri, artifact_root) for (uri,) in rows]


def _is_local(uri: str) -> bool:
    return urlsplit(uri).scheme == "file" or ("://" not in uri and not re.match(r"[\w+.-]{2,}:/", uri))


def _path(uri: str) -> PurePosixPath:
    return PurePosixPath(unquote(urlsplit(uri).path if uri.startswith("file:") else uri))


def _is_guarded(source: str) -> bool:
    """Whether whoever follows *source* reads this machine's files, or asks a host that the source names."""
    return _is_local(source) or urlsplit(source).scheme in _HOSTED


def _proxied_place(source: str, artifact_root: str) -> str:
    """The place that ``mlflow-artifacts:/PATH`` stands for here; *source* itself when it is something else."""
    parts = urlsplit(source)
    return f"{artifact_root}/{parts.path.strip('/')}" if parts.scheme == _PROXIED and not parts.netloc else source


def _is_below(place: str, top: str) -> bool:
    """Whether *place* is *top* or below it: of the same scheme and host, whichever way they are written."""
    if _is_local(place) and _is_local(top):
        return _path(place).is_relative_to(_path(top))
    mine, its = urlsplit(place), urlsplit(top)
    same_host = (mine.scheme, mine.netloc.lower()) == (its.scheme, its.netloc.lower())
    return same_host and PurePosixPath(unquote(mine.path)).is_relative_to(PurePosixPath(unquote(its.path)))


def _refusal(source: str, reason: str, hint: str | None = None) -> StoreError:
    message = f"{source!r:.200} cannot be the source of a version: {reason}"
    return StoreError(message, hint=hint, subject=("version source", source[:200], reason[:1].upper() + reason[1:]))


def _of_logged(connection: Connection, source: str, run_id: str | None, model_id: str) -> Origin:
    number = logged_model.find(connection, model_id)
    [(maker,)] = connection.execute(
        "SELECT source_run_id FROM logged_models WHERE number = :number", {"number": number}
    )
    return Origin(source, source, run_id or maker, model_id)


def _of_version(connection: Connection, source: str, run_id: str | None, model_id: str | None) -> Origin:
    number = _find_version(connection, source)
    found = model_version.read(connection, [number])[0]
    if any(given and given != known for given, known in ((run_id, found.run_id), (model_id, found.model_id))):
        raise _refusal(source, "it is of another run or logged model than was given")
    if found.tags.get(PROMPT_TAG, "").lower() == "true":
        raise _refusal(source, "it is a prompt")
    kept = f"{_MODELS}{found.name}/{found.version}"
    return Origin(kept, model_version.location(connection, number), run_id or found.run_id, model_id or found.model_id)


def _find_version(connection: Connection, source: str) -> int:
    reference = source.removeprefix(_MODELS).strip("/")
    name, at, alias = reference.partition("@")
    if at:
        model = registered_model.find(connection, name)
        version = registered_model.version_of_alias(connection, model, checked_alias(alias))
    else:
        name, slash, word = reference.partition("/")
        if not slash:
            raise UsageError(
                f"the source {source!r:.200} names no version: expected models:/name/version or models:/name@alias"
            )
        model = registered_model.find(connection, name)
        version = _version_of_word(connection, model, word)
    if version is None:
        raise NotFound(f"there is no version {source!r:.200}")
    return model_version.find(connection, model, version)


def _version_of_word(connection: Connection, model: int, word: str) -> int | None:
    if word.isdecimal():
        return to_version(word)
    if word.lower() == "latest":
        return registered_model.version_of_alias(connection, model, word)
    stage = to_stage(word)
    return next((each.version for each in model_version.read_newest(connection, [model]) if each.stage is stage), None)


def _refuse_tricks(source: str) -> None:
    """Raise UsageError for a source that could lead whoever reads it out of the place it names."""
    if not source.strip() or len(source) > _LONGEST:
        raise UsageError(f"a version needs a source of 1 to {_LONGEST} characters")
    plain = source
    while (unquoted := unquote(plain)) != plain:
        plain = unquoted
    if ".." in re.split(r"[/\\]", plain) or "\0" in plain or "\n" in plain:
        reason = (
            "'..' leads out of a place. If supplying a source as an http, https, local file path, ftp, objectstore, or "
            + ("mlflow-artifacts uri, an absolute path must be provided without relative path references present")
        )
        raise _refusal(source, reason, hint="give the whole path")
