"""``mlproj show``: what a project offers and needs, and where it says so. Nothing is built."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mlproj.cli import complete, lost_folder, options
from mlproj.cli.output import print_document, print_fields, print_heading, print_lines, print_prose, print_table
from mlproj.cli.reporter import make_reporter
from mlproj.cli.table import Column

if TYPE_CHECKING:
    from mlproj.environments.base import Description
    from mlproj.foundation.errors import MlprojError, Place
    from mlproj.projects.base import EntryPoint, Parameter, Project
    from mlproj.running.opened_project import OpenedProject

_COLUMNS = (
    Column("PARAMETER"),
    Column("TYPE"),
    Column("DEFAULT", narrowest=10),
    Column("ALLOWED", narrowest=10, dispensable=2),
    Column("MEANING", narrowest=16, dispensable=3),
    Column("WHERE", dispensable=1),
)


@click.command("show")
@click.argument("uri", default=".", shell_complete=complete.projects)
@options.revision
@options.offline
@options.verbosity
@options.as_json
def command(uri: str, version: str | None, offline: bool, verbosity: int, as_json: bool) -> None:
    """Show a project's entry points, parameters and environment, and where each comes from. Nothing is built.

    URI is what "mlproj run" takes: a folder, a Git repository or an archive, with #sub/folder for a project inside it.
    Default: the current folder.
    """
    from mlproj.cli import inspection
    from mlproj.running.plan import RunRequest

    lost_folder.leave(uri)
    reporter = make_reporter(verbosity, json=as_json)
    with inspection.opened(RunRequest(uri, version=version, offline=offline), reporter) as found:
        project = found.load()
        environment, trouble = inspection.decide(found, project, reporter)
        if as_json:
            print_document({"project": _document(found, project, environment, trouble)})
        else:
            _print(found, project, environment, trouble)
        for warning in project.warnings:
            reporter.warn(str(warning))


def _document(
    found: OpenedProject, project: Project, environment: Description | None, trouble: MlprojError | None
) -> dict[str, Any]:
    from mlproj.cli.failure import describe
    from mlproj.running.plan import environment_document, source_document

    return {
        "name": project.name,
        "description": project.description,
        "file": _relative(found, project.file),
        "source": source_document(found.revision),
        "entry_points": [_point_document(found, point) for point in project.entry_points.values()],
        "environment": environment_document(environment) if environment else None,
        "environment_error": describe(trouble) if trouble else None,
        "warnings": [str(warning) for warning in project.warnings],
    }


def _point_document(found: OpenedProject, point: EntryPoint) -> dict[str, Any]:
    return {
        "name": point.name,
        "description": point.description,
        "command": point.command,
        "place": _place(found, point.place),
        "error": str(point.trouble) if point.trouble else None,
        "parameters": [_parameter_document(found, parameter) for parameter in point.parameters.values()],
    }


def _parameter_document(found: OpenedProject, parameter: Parameter) -> dict[str, Any]:
    """One parameter; ``required`` tells that it has no default, which ``default: null`` alone would not."""
    required = _is_required(parameter)
    return {
        "name": parameter.name,
        "type": parameter.type,
        "required": required,
        "default": None if required or parameter.optional else parameter.default,
        "optional": parameter.optional,
        "choices": list(parameter.choices) if parameter.choices else None,
        "min": parameter.minimum,
        "max": parameter.maximum,
        "description": parameter.description,
        "place": _place(found, parameter.place),
    }


def _print(
    found: OpenedProject, project: Project, environment: Description | None, trouble: MlprojError | None
) -> None:
    from mlproj.running.plan import environment_line, source_line

    file = _relative(found, project.file) or "no MLproject file: -e names a script, as in mlproj run . -e train.py"
    fields = {"project": project.name or "(no name)", "description": project.description or "", "described by": file}
    print_fields({name: value for name, value in fields.items() if value})
    print_prose(source_line(found.revision), hanging=2)
    for line in (environment_line(environment), *environment.notes) if environment else ():
        print_prose(line, hanging=2)
    if trouble:
        print_prose(f"environment: none can be made: {trouble}", hanging=2)
    for point in project.entry_points.values():
        _print_point(point)


def _print_point(point: EntryPoint) -> None:
    where = _line(point.place)
    print_heading(f"entry point {point.name}" + (f"  ({where})" if where else ""))
    if point.description:
        print_lines(f"  {point.description}")
    if point.trouble:
        return print_lines(f"  cannot be run: {point.trouble}")
    print_fields({"command": point.command.strip()}, indent=2)
    if point.parameters:
        rows = [_row(parameter) for parameter in point.parameters.values()]
        # A column in which nothing stands only takes room.
        used = [index for index in range(len(_COLUMNS)) if index < 3 or any(row[index] for row in rows)]
        print_table([_COLUMNS[index] for index in used], [[row[index] for index in used] for row in rows], indent=2)
    return None


def _row(parameter: Parameter) -> list[str]:
    default = (
        "required"
        if _is_required(parameter)
        else "optional"
        if parameter.default is None
        else str(parameter.default) or "''"
    )
    return [
        parameter.name,
        parameter.type,
        default,
        _allowed(parameter),
        parameter.description or "",
        _line(parameter.place),
    ]


def _allowed(parameter: Parameter) -> str:
    if parameter.choices:
        return ", ".join(map(str, parameter.choices))
    low = f"≥ {parameter.minimum:g}" if parameter.minimum is not None else ""
    high = f"≤ {parameter.maximum:g}" if parameter.maximum is not None else ""
    return ", ".join(part for part in (low, high) if part)


def _is_required(parameter: Parameter) -> bool:
    from mlproj.projects.base import REQUIRED

    return parameter.default is REQUIRED and not parameter.optional


def _place(found: OpenedProject, place: Place | None) -> dict[str, Any] | None:
    """*place* as data: the file as it is called inside the source, the line and the column."""
    return {"file": _relative(found, place.file), "line": place.line, "column": place.column} if place else None


def _line(place: Place | None) -> str:
    """``MLproject:4``."""
    return f"{Path(place.file).name}:{place.line}" if place and place.line else ""


def _relative(found: OpenedProject, file: str | Path | None) -> str | None:
    """*file* as it is called inside the source; a file elsewhere (a shared environment file) by its whole path."""
    if file is None:
        return None
    path = Path(os.path.abspath(file))  # noqa: PTH100  # without the ".." of a path from here
    return str(path.relative_to(found.checkout.root)) if path.is_relative_to(found.checkout.root) else str(file)
