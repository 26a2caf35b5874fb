"""Choosing an entry point: a declared one, or a script by its name."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

from mlproj.foundation.errors import Place, UsageError, did_you_mean
from mlproj.projects import discovery, file_system
from mlproj.projects.base import EntryPoint, Project

DEFAULT = "main"
SCRIPTS = (".py", ".sh", ".R")


def resolve_entry_point(project: Project, name: str | None = None) -> EntryPoint:
    """The entry point called *name*; without a name ``main``, else the only one there is. Raises UsageError.

    The name of a script in the project's folder is an entry point too, as in MLflow: ``x.py`` runs with python,
    ``x.sh`` with ``$SHELL`` or bash, ``x.R`` with Rscript.
    """
    declared = project.entry_points
    if name is None:
        if DEFAULT not in declared and len(declared) == 1:
            return next(iter(declared.values()))
        name = DEFAULT
    if name in declared:
        return declared[name]
    if Path(name).suffix in SCRIPTS:
        return _script(project, name)
    raise _unknown(project, name)


def _script(project: Project, name: str) -> EntryPoint:
    if Path(name).is_absolute() or ".." in Path(name).parts:
        raise UsageError(
            f"the script {name!r} is outside of the project", hint="name a script inside of the project's folder"
        )
    script = project.directory / name
    if not file_system.is_file(script):
        scripts = _scripts(project.directory)
        guess = did_you_mean(name, [*project.entry_points, *scripts])
        raise UsageError(
            f"there is no entry point and no script called {name!r}" + (f"; did you mean {guess!r}?" if guess else ""),
            hint=_known(project),
        )
    # The command is a template: a brace in the name of a script is text.
    quoted = shlex.quote(name).replace("{", "{{").replace("}", "}}")
    runner = {".py": "python", ".sh": os.environ.get("SHELL", "bash"), ".R": "Rscript"}[script.suffix]
    return EntryPoint(name, f"{runner} {quoted}", script=script)


def _unknown(project: Project, name: str) -> UsageError:
    place = Place(str(project.file)) if project.file else None
    if not project.entry_points:
        below = discovery.projects_below(project.directory)
        if below:
            what = "names no entry point" if project.file else "has no MLproject file"
            hint = f"there is a project in {', '.join(below[:5])}: add #{below[0]} to the source"
            return UsageError(f"the folder {what}, so there is no entry point {name!r}", hint=hint)
        return UsageError(
            f"the project declares no entry point, so there is no {name!r}", hint=_known(project), place=place
        )
    guess = did_you_mean(name, list(project.entry_points))
    message = f"there is no entry point called {name!r}" + (
        f"; did you mean {guess!r}?" if guess and name != DEFAULT else ""
    )
    return UsageError(message, hint=_known(project), place=place)


def _known(project: Project) -> str:
    if project.entry_points:
        names = list(project.entry_points)
        return f"declared: {', '.join(names)}; choose one with -e, such as -e {shlex.quote(names[0])}"
    scripts = _scripts(project.directory)
    if scripts:
        return f"scripts there: {', '.join(scripts[:10])}; run one with -e, such as -e {shlex.quote(scripts[0])}"
    return "run a script of the project with -e SCRIPT.py"


def _scripts(directory: Path) -> list[str]:
    return [
        name
        for name in file_system.names(directory)
        if Path(name).suffix in SCRIPTS and file_system.is_file(directory / name)
    ]
