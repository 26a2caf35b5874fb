"""What is doubtful about a project whose files can be read: what its author may have meant otherwise."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from mlproj.environments import declaration as declarations
from mlproj.environments import imports
from mlproj.environments.base import Declaration, Request
from mlproj.errors import InvalidProject, Place
from mlproj.projects import template
from mlproj.projects.base import EntryPoint, Project
from mlproj.projects.script import missing_scripts


def doubts(project: Project) -> list[InvalidProject]:
    """Parameters that no command uses, and scripts that a command names and the folder lacks."""
    found: list[InvalidProject] = []
    for point in project.entry_points.values():
        found += _unused_parameters(point)
        found += missing_scripts(point, project.directory)
    return found


def undeclared_imports(project_dir: Path, declaration: Declaration, request: Request) -> Iterator[InvalidProject]:
    """What the code imports and the files that *declaration* stands for do not ask for.

    A lock names everything, and the system is what it is: there is nothing to compare with.
    """
    if declaration.kind == "imports":
        yield InvalidProject("no file says which packages the project needs", hint="name them in a requirements.txt or a python_env.yaml")
        return
    if declaration.file is None or declaration.kind in {"uv_lock", "pylock", "renv_lock", "docker_env"}:
        return
    for found in imports.undeclared(project_dir, declarations.read(declaration, request)):
        file = Path(found.place.file)
        where = str(file.relative_to(project_dir)) if file.is_relative_to(project_dir) else str(file)
        yield InvalidProject(
            f"the code imports {found.module}, and {declaration.file.name} does not name {found.package}",
            hint=f"add {found.package} to {declaration.file.name}: another package may bring it today and not tomorrow",
            place=replace(found.place, file=where),
        )


def located(warning: str) -> InvalidProject:
    """A warning of the form ``FILE:LINE:COLUMN: message`` with its place apart; another one as it is."""
    match = re.match(r"(?P<file>[^:\n]+):(?P<line>\d+)(?::(?P<column>\d+))?: ", warning)
    if not match:
        return InvalidProject(warning)
    column = int(match["column"]) if match["column"] else None
    return InvalidProject(warning[match.end() :], place=Place(match["file"], int(match["line"]), column))


def _unused_parameters(point: EntryPoint) -> Iterator[InvalidProject]:
    pieces = template.parse(point.command, point.parameters)
    used = {piece.name for piece in pieces if isinstance(piece, (template.Field, template.Doubled))}
    for parameter in point.parameters.values():
        if parameter.name not in used:
            yield InvalidProject(
                f"the command of {point.name!r} does not use its parameter {parameter.name!r}",
                hint=f"write {{{parameter.name}}} where its value belongs, or remove the parameter",
                place=parameter.place,
            )
