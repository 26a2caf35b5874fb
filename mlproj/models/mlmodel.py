"""``MLmodel``: the file in which MLflow says what a model is, how it is loaded, and where it came from."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timezone
from pathlib import Path
from typing import Any

from mlproj import yaml_document
from mlproj.foundation.dataclass import dataclass, field
from mlproj.foundation.errors import InvalidProject, Notice
from mlproj.models import signature
from mlproj.models.signature import MalformedSignature, Signature

NAME = "MLmodel"
PYFUNC = "python_function"
_ENVIRONMENT_FILES = {"virtualenv": "python_env.yaml", "conda": "conda.yaml"}


@dataclass(frozen=True)
class ModelFile:
    """What an ``MLmodel`` says, read leniently: what is odd in it is among the ``notices`` and keeps nothing from
    being read.

    ``document`` is the whole of it as values that JSON has (dates as texts); ``flavors`` the ways to load the model.
    ``created`` is when it was saved (UTC), None where that is not said.
    """

    document: Mapping[str, Any]
    flavors: Mapping[str, Mapping[str, Any]]
    signature: Signature | None = None
    created: datetime | None = None
    notices: tuple[Notice, ...] = field(default=())

    @property
    def pyfunc(self) -> Mapping[str, Any]:
        """How it is loaded as a Python function; empty where it cannot be."""
        return self.flavors.get(PYFUNC, {})

    @property
    def native_flavors(self) -> tuple[str, ...]:
        """The flavors besides ``python_function``."""
        return tuple(name for name in self.flavors if name != PYFUNC)

    @property
    def mlflow_version(self) -> str | None:
        """The MLflow that wrote it."""
        return self._text("mlflow_version")

    @property
    def run_id(self) -> str | None:
        """The run that logged it."""
        return self._text("run_id")

    @property
    def model_id(self) -> str | None:
        """The logged model it is (MLflow 3), ``m-`` and 32 hexadecimal digits."""
        return self._text("model_id")

    @property
    def model_uuid(self) -> str | None:
        """What tells one saving of a model from another."""
        return self._text("model_uuid")

    @property
    def code(self) -> str | None:
        """The folder with the modules that came along, relative to the model's."""
        found = self.pyfunc.get("code")
        return found if isinstance(found, str) and found else None

    def environment_file(self, tool: str) -> str:
        """The name of the file that declares its environment for *tool*, ``virtualenv`` or ``conda``.

        MLflow 1.x has one text, conda's; later ones have one for each tool.
        """
        files = self.pyfunc.get("env")
        if isinstance(files, Mapping):
            found = files.get(tool)
            return found if isinstance(found, str) else _ENVIRONMENT_FILES[tool]
        return files if isinstance(files, str) and tool == "conda" else _ENVIRONMENT_FILES[tool]

    def _text(self, name: str) -> str | None:
        found = self.document.get(name)
        return found if isinstance(found, str) and found else None


def load(folder: Path, shown: str | None = None) -> ModelFile:
    """The ``MLmodel`` in *folder*, called *shown* in messages (default: its path). Raises InvalidProject."""
    return parse(yaml_document.load(folder / NAME, shown=shown))


def parse(document: yaml_document.Document) -> ModelFile:
    """What *document* says. Raises InvalidProject where it describes no model."""
    value = document.value
    if not isinstance(value, dict):
        raise InvalidProject("expected a mapping with 'flavors'", place=document.place())
    notices = list(document.findings)
    created = _created(document, notices)
    return ModelFile(_as_json(value), _flavors(document), _signature(document, notices), created, tuple(notices))


def _flavors(document: yaml_document.Document) -> dict[str, Mapping[str, Any]]:
    flavors = document.value.get("flavors")
    if not isinstance(flavors, dict) or not flavors:
        place = document.place("flavors") if "flavors" in document.value else document.place()
        raise InvalidProject(
            "'flavors' must say how the model is loaded",
            place=place,
            hint="save the model again, with MLflow or mlproj",
        )
    found = {}
    for name, options in flavors.items():
        if options is not None and not isinstance(options, dict):
            raise InvalidProject(f"the flavor {name} must be a mapping", place=document.place("flavors", name))
        found[str(name)] = _as_json(options or {})
    return found


def _signature(document: yaml_document.Document, notices: list[Notice]) -> Signature | None:
    try:
        return signature.parse(_as_json(document.value.get("signature")))
    except MalformedSignature as error:
        hint = "the model is asked without one: what it is given is not checked"
        notices.append(
            Notice(f"the signature cannot be read: {error}", document.place("signature"), hint, is_error=True)
        )
        return None


def _created(document: yaml_document.Document, notices: list[Notice]) -> datetime | None:
    written = document.value.get("utc_time_created")
    if written is None:
        return None
    try:
        moment = written if isinstance(written, datetime) else datetime.fromisoformat(str(written))
    except ValueError:
        notices.append(Notice(f"{str(written)[:40]!r} is no time", document.place("utc_time_created")))
        return None
    return moment.replace(tzinfo=timezone.utc) if moment.tzinfo is None else moment.astimezone(timezone.utc)


def _as_json(value: Any) -> Any:
    """*value* as JSON has it: dates as texts, keys as texts; NaN stays, as Python's own JSON takes it."""
    if isinstance(value, dict):
        return {key if isinstance(key, str) else str(key): _as_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_as_json(item) for item in value]
    if isinstance(value, date):  # a datetime is one, too
        return value.isoformat(" ") if isinstance(value, datetime) else value.isoformat()
    return value if isinstance(value, str | int | float | bool | type(None)) else str(value)
