"""Model addresses: the forms in which a model is named, told apart without looking anything up.

``runs:/RUN/path``, ``models:/NAME/VERSION|STAGE|latest``, ``models:/NAME@ALIAS``, ``models:/m-ID``, a folder, an
archive, ``http(s)://`` and the URLs of artifact stores. The forms with ``runs:`` and ``models:`` are MLflow's.
"""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import unquote

from mlproj.foundation.dataclass import dataclass
from mlproj.foundation.errors import UsageError
from mlproj.foundation.redaction import mask_url

FORMS = (
    "a folder with an MLmodel file, an archive of one, runs:/RUN/PATH, models:/NAME/VERSION, models:/NAME@ALIAS,"
    " models:/m-ID, or a URL"
)
PACKAGE = ".mlproj"
"""How the name of a package ends."""

_ARCHIVES = (PACKAGE, ".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")
_LOGGED = re.compile(r"m-[0-9a-f]{32}")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+):")  # a single letter is a drive


@dataclass(frozen=True)
class OfRun:
    """A model that a run logged: ``run`` is an id, the beginning of one, a name or ``last``; ``path`` may be empty."""

    run: str
    path: str


@dataclass(frozen=True)
class OfRegistry:
    """A version of the registered model ``name``: exactly one of ``version`` (a number), ``alias`` and ``stage``
    (``latest`` is among the stages) is given. ``path`` is below the version's files."""

    name: str
    version: int | None = None
    alias: str | None = None
    stage: str | None = None
    path: str = ""


@dataclass(frozen=True)
class OfLoggedModel:
    """A logged model of MLflow 3, by its id."""

    model_id: str
    path: str = ""


@dataclass(frozen=True)
class InFolder:
    """A folder of this machine."""

    folder: Path


@dataclass(frozen=True)
class InArchive:
    """A zip or tar file or a package of mlproj, of this machine or by ``http(s)``."""

    place: str


@dataclass(frozen=True)
class InStore:
    """A place that an artifact store reaches, such as ``s3://bucket/folder``."""

    uri: str


ModelAddress = OfRun | OfRegistry | OfLoggedModel | InFolder | InArchive | InStore


def parse(text: str) -> ModelAddress:
    """What *text* names. Raises UsageError for what is no address; whether anything is there is not looked at."""
    if not text.strip() or "\0" in text:
        raise UsageError("the model's address is empty", hint=f"expected {FORMS}")
    scheme = _SCHEME.match(text)
    kind = scheme[1].lower() if scheme and not Path(text).exists() else ""
    if kind == "runs":
        return _of_run(text)
    if kind == "models":
        return _of_models(text)
    if kind == "file":
        return _local(unquote(re.sub(r"^file:(?://[^/]*)?", "", text, flags=re.IGNORECASE)))
    if kind in ("http", "https"):
        return _downloaded(text)
    return InStore(text) if kind and "://" in text else _local(text)


def _of_run(text: str) -> OfRun:
    run, _, path = _after(text, "runs").partition("/")
    if not run:
        raise _malformed(text, "it names no run", "runs:/RUN/PATH, such as runs:/last/model")
    return OfRun(run, path.strip("/"))


def _of_models(text: str) -> OfRegistry | OfLoggedModel:
    first, _, rest = _after(text, "models").partition("/")
    expected = "models:/NAME/VERSION, models:/NAME@ALIAS or models:/m-ID"
    if _LOGGED.fullmatch(first):
        return OfLoggedModel(first, rest.strip("/"))
    name, at, alias = first.partition("@")
    if at:
        if not name or not alias:
            raise _malformed(text, "a name and an alias stand around the '@'", expected)
        return OfRegistry(name, alias=alias, path=rest.strip("/"))
    word, _, path = rest.partition("/")
    if not name or not word:
        raise _malformed(text, "it names no version", expected)
    if word.isascii() and word.isdigit():
        return OfRegistry(name, version=int(word), path=path.strip("/"))
    return OfRegistry(name, stage=word, path=path.strip("/"))


def _after(text: str, scheme: str) -> str:
    """What follows ``scheme:/``. A host (``models://host/…``) is how MLflow names another store, which nobody has
    here."""
    rest = text[len(scheme) + 1 :]
    if rest.startswith("//"):
        raise _malformed(text, "it names a host", f"{scheme}:/… with MLPROJ_TRACKING_URI set to the server")
    if not rest.startswith("/"):
        raise _malformed(text, f"a '/' must follow '{scheme}:'", f"{scheme}:/…")
    if len(rest) > 2000 or any(part == ".." for part in re.split(r"[/\\]", unquote(rest))):
        raise _malformed(text, "'..' and more than 2000 characters lead nowhere", f"{scheme}:/…")
    return rest.strip("/")


def _downloaded(text: str) -> InArchive:
    path = re.split(r"[?#]", text)[0].lower()
    if not path.endswith(_ARCHIVES):
        raise _malformed(
            text, "of http and https only archives are fetched", f"a URL that ends in {', '.join(_ARCHIVES)}"
        )
    return InArchive(text)


def _local(text: str) -> InFolder | InArchive:
    path = Path(text).expanduser()
    if path.is_dir():
        return InFolder(path)
    if path.is_file():
        if path.name == "MLmodel":
            return InFolder(path.parent)
        if path.name.lower().endswith(_ARCHIVES):
            return InArchive(str(path))
        raise UsageError(f"{text} is a file and no archive of a model", hint=f"expected {FORMS}")
    hint = f"expected {FORMS}"
    if re.fullmatch(r"[^/@:\s]+(?:/(?:\d+|latest)|@[\w-]+)", text):
        hint = f"for a registered model write models:/{text}"
    elif re.fullmatch(r"[0-9a-f]{32}/.+", text):
        hint = f"for a model of a run write runs:/{text}"
    raise UsageError(f"there is no model at {text}: no such folder or file", hint=hint)


def _malformed(text: str, reason: str, expected: str) -> UsageError:
    return UsageError(f"{mask_url(text)!r:.200} is no address of a model: {reason}", hint=f"expected {expected}")
