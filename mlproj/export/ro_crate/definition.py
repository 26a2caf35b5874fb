"""What was run, as the run's record keeps it: the project's definition, or the plan where there is none."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mlproj.foundation import paths
from mlproj.foundation.dataclass import dataclass, field
from mlproj.foundation.errors import InvalidProject
from mlproj.projects import discovery
from mlproj.projects.base import Parameter
from mlproj.projects.entry_point import read_entry_points
from mlproj.projects.reading import Reader
from mlproj.run_folder import record
from mlproj.tracking.base import Run
from mlproj.yaml_document import parse

_LARGEST = 10_000_000  # bytes of a definition or plan that is read


@dataclass(frozen=True)
class Definition:
    """The file of the record that says what was run (None: the run was recorded by a program of its own), and what is
    in it.

    ``parameters`` are those of the entry point. ``recorded_by`` is the version of mlproj that ran it, where that is
    known.
    """

    file: str | None
    project: str | None = None
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    recorded_by: str | None = None


def read_definition(run: Run) -> Definition:
    """What the record of *run* says of its project; a file that makes no sense says nothing."""
    document = _plan(run)
    plan = _mapping(document.get("plan"))
    version = document.get("mlproj")
    known = {
        "project": _mapping(plan.get("project")).get("name") or None,
        "recorded_by": version if isinstance(version, str) else None,
    }
    text = _text(run, paths.DEFINITION)
    if text is not None:
        return Definition(paths.DEFINITION, parameters=_declared(text, run.entry_point), **known)
    if plan:
        return Definition(paths.PLAN, parameters={name: Parameter(name) for name in run.params}, **known)
    return Definition(None)


def _plan(run: Run) -> dict[str, Any]:
    try:
        return _mapping(json.loads(_text(run, paths.PLAN) or "{}"))
    except (ValueError, RecursionError):
        return {}


def _declared(text: str, entry_point: str | None) -> Mapping[str, Parameter]:
    try:
        reader = Reader(parse(text, discovery.NAME))
        points = read_entry_points(reader, _mapping(reader.document.value))
    except InvalidProject:
        return {}
    return points[entry_point].parameters if entry_point in points else {}


def _text(run: Run, name: str) -> str | None:
    stream = record.open(run.run_id, run.artifact_uri, name)
    if stream is None:
        return None
    with stream:
        return stream.read(_LARGEST).decode("utf-8", "replace")


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
