"""What a package has of a run: its entry point and parameters, the files that these name, and what was signed of it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mlproj.foundation import paths
from mlproj.foundation.dataclass import replace
from mlproj.foundation.locked import Given
from mlproj.foundation.redaction import MASK
from mlproj.package.content import Content
from mlproj.package.format.manifest import INPUTS, STATEMENT
from mlproj.projects.base import Command, EntryPoint, Parameter
from mlproj.reproduction.original import Original, check_inputs, hidden
from mlproj.run_folder import record
from mlproj.running.opened_project import OpenedProject
from mlproj.running.system_metrics import PREFIX as LOAD
from mlproj.tracking.record import number


def of_run(original: Original, opened: OpenedProject, point: EntryPoint, content: Content) -> dict[str, Any]:
    """The fields of the manifest that tell of the run *original*. Secret values are left out.

    Raises SourceError when one of its inputs is not what it was, UsageError for what no package can hold.
    """
    run, secret = original.run, sorted(hidden(original))
    values = {name: str(value) for name, value in original.plan["params"].items() if MASK not in str(value)}
    command = _command(original, opened, _untyped(point, secret))
    outside = {
        given.parameter: given.path for given in command.inputs if not given.path.is_relative_to(opened.checkout.root)
    }
    if statement := record.read(run.run_id, run.artifact_uri, paths.STATEMENT):
        content.add_bytes(STATEMENT, statement)
    metrics = {name: number(value) for name, value in run.metrics.items() if not name.startswith(LOAD)}
    return {
        "run": {"run_id": run.run_id, "run_name": run.run_name, "status": run.status.value, "metrics": metrics},
        "entry_point": point.name,
        "parameters": {name: value for name, value in values.items() if name not in outside or "://" in value},
        "defaults": sorted(name for name in original.plan["defaults"] if name in values),
        "secret": secret,
        "inputs": dict(_added(outside, content)),
    }


def of_given(given: Given, content: Content) -> dict[str, Any]:
    """As :func:`of_run` for a package that is packaged again: what it has."""
    return {
        "entry_point": given.entry_point,
        "parameters": {**given.defaults, **given.parameters},
        "defaults": sorted(given.defaults),
        "secret": sorted(given.secret),
        "inputs": dict(_added(given.inputs, content)),
    }


def _untyped(point: EntryPoint, names: list[str]) -> EntryPoint:
    """*point* with any text allowed for the parameters *names*, whose values are not known."""
    return replace(point, parameters={**point.parameters, **{name: Parameter(name) for name in names}})


def _command(original: Original, opened: OpenedProject, point: EntryPoint) -> Command:
    """The command of the run, whose inputs are as they were. Raises SourceError when one is not."""
    command = opened.command(point, opened.request.parameters)
    check_inputs(original, command)
    return command


def _added(named: Mapping[str, Path], content: Content) -> Iterator[tuple[str, str]]:
    """The files that parameters name, as members, by parameter."""
    for position, (parameter, path) in enumerate(named.items()):
        name = f"{INPUTS}/{position}/{path.name}"
        if path.is_dir():
            content.add_folder(path, name)
        else:
            content.add_file(name, path)
        yield parameter, name
