"""Everything that is known of a model without loading it: for people, for ``--json``, and for checks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from mlproj.environments.base import Description
from mlproj.foundation import file_tree, presence
from mlproj.foundation.dataclass import dataclass
from mlproj.foundation.errors import MlprojError, Notice
from mlproj.foundation.progress import Progress, WithoutWarnings
from mlproj.models import environment
from mlproj.models.environment import EnvironmentOptions
from mlproj.models.findings import findings, pickle_imports
from mlproj.models.opened import OpenedModel
from mlproj.models.pickled import Imports
from mlproj.models.signature_document import signature_document
from mlproj.running.plan import environment_document


@dataclass(frozen=True)
class Described:
    """A model and what its files tell. ``files`` are their sizes in bytes by path; ``imports`` what unpickling each of
    them would import. ``environment`` is None where none can be made, and ``environment_trouble`` then says why."""

    opened: OpenedModel
    files: Mapping[str, int]
    imports: Mapping[str, Imports]
    findings: tuple[Notice, ...]
    environment: Description | None = None
    environment_trouble: MlprojError | None = None

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(self.files.values())


def describe(opened: OpenedModel, options: EnvironmentOptions, progress: Progress) -> Described:
    """What is known of *opened*. Raises OSError."""
    decided, trouble = None, None
    try:
        decided = environment.decide(opened, options, WithoutWarnings(progress)).description
    except MlprojError as error:
        trouble = error
    return Described(opened, _files(opened.folder), pickle_imports(opened), tuple(findings(opened)), decided, trouble)


def _files(folder: Path) -> dict[str, int]:
    found = {}
    for where, _folders, names in file_tree.walk(folder):
        for name in names:
            path = Path(where, name)
            if presence.is_file(path):
                found[path.relative_to(folder).as_posix()] = path.stat().st_size
    return dict(sorted(found.items()))


def to_json(described: Described) -> dict[str, Any]:
    """``model`` of ``mlproj models show --json`` (schema 1): sizes in bytes, times in UTC as ISO 8601."""
    opened, file = described.opened, described.opened.file
    return {
        "address": opened.address,
        "folder": str(opened.folder),
        "name": opened.name,
        "flavors": {name: dict(options) for name, options in file.flavors.items()},
        "mlflow_version": file.mlflow_version,
        "created": _iso(file.created),
        "model_id": file.model_id,
        "model_uuid": file.model_uuid,
        "signature": signature_document(file.signature),
        "size": described.size,
        "files": dict(described.files),
        "imports": {
            name: {"names": list(found.names), "complete": found.complete} for name, found in described.imports.items()
        },
        "run": _run(opened),
        "version": None
        if opened.version is None
        else {
            "name": opened.version.name,
            "version": opened.version.version,
            "aliases": list(opened.version.aliases),
            "stage": opened.version.stage.value,
        },
        "environment": environment_document(described.environment) if described.environment else None,
        "environment_error": str(described.environment_trouble) if described.environment_trouble else None,
        "findings": [notice_document(one) for one in described.findings],
    }


def notice_document(notice: Notice) -> dict[str, Any]:
    """A finding as plain data; ``level`` is ``error`` or ``warning``."""
    place = notice.place
    return {
        "level": "error" if notice.is_error else "warning",
        "message": notice.text,
        "hint": notice.hint,
        "file": place.file if place else None,
        "line": place.line if place else None,
    }


def _run(opened: OpenedModel) -> dict[str, Any] | None:
    run = opened.run
    if run is None:
        known = opened.file.run_id
        return {"run_id": known, "run_name": None, "source": None, "commit": None} if known else None
    source = run.source or {}
    return {
        "run_id": run.run_id,
        "run_name": run.run_name,
        "source": source.get("uri") or run.tags.get("mlflow.source.name"),
        "commit": source.get("commit") or run.tags.get("mlflow.source.git.commit"),
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.isoformat().replace("+00:00", "Z") if moment else None
