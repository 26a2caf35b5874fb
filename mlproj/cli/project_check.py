"""What is looked at in a project: what is wrong, and what is doubtful, as its author may have meant it otherwise."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from mlproj import projects
from mlproj.cli.inspection import decide, environment_request
from mlproj.environments.base import Declaration, Request
from mlproj.environments.declarations import declaration as declarations
from mlproj.environments.declarations import imports
from mlproj.foundation.errors import InvalidProject, MlprojError, Notice, Place
from mlproj.foundation.progress import Progress, WithoutWarnings
from mlproj.foundation.shown_path import from_here
from mlproj.projects import nested_code, template
from mlproj.projects.base import EntryPoint, Parameter, Project
from mlproj.projects.harmless import HARMLESS
from mlproj.projects.script import missing_scripts
from mlproj.running.opened_project import OpenedProject
from mlproj.sources.base import Checkout

_LEAVE_OUT = "leave the line out: whoever runs the project says where runs are recorded"
_HINTS = {
    True: _LEAVE_OUT,
    False: f"{_LEAVE_OUT}; mlproj run answers at http:// addresses that nobody serves, and not at https:// ones",
}


@dataclass(frozen=True)
class Check:
    """One thing that was looked at: what is wrong with it, what is doubtful, and how long it took in seconds."""

    name: str
    errors: Sequence[MlprojError]
    warnings: Sequence[MlprojError]
    seconds: float

    def is_passed(self, strict: bool) -> bool:
        """Whether nothing is wrong, and with *strict* nothing doubtful."""
        return not self.errors and not (strict and self.warnings)


def checks(found: OpenedProject, progress: Progress) -> Iterator[Check]:
    """Every check of a project, each when it was made. Files that cannot be read as a project end them."""
    steps = _steps(found, progress)
    while True:
        began = time.monotonic()
        step = next(steps, None)
        if step is None:
            return
        yield Check(*step, time.monotonic() - began)


def _steps(found: OpenedProject, progress: Progress) -> Iterator[tuple[str, list[MlprojError], list[MlprojError]]]:
    try:
        project = found.load()
    except InvalidProject as error:
        yield "project", [error], []
        return
    yield "project", *_divided(project.warnings)
    for point in project.entry_points.values():
        wrong, odd = projects.problems(point)
        yield (
            f"entry point {point.name}",
            list(wrong),
            [*map(as_error, odd), *(() if point.trouble else doubts(point, project))],
        )
    environment, trouble = decide(found, project, WithoutWarnings(progress))
    notices = (*environment.declaration.findings, *environment.warnings) if environment else ()
    errors, warnings = _divided([_from_here(one, found.checkout) for one in notices])
    if trouble:
        (errors if isinstance(trouble, InvalidProject) else warnings).append(trouble)
    yield "environment", errors, warnings
    offline = found.request.offline
    yield "what the code needs", [], [*map(as_error, _outside_needs(project, found.checkout, offline=offline))]
    if environment:
        request = environment_request(found, project)
        yield "imports", [], [*undeclared_imports(found.checkout, environment.declaration, request)]


def _outside_needs(project: Project, checkout: Checkout, *, offline: bool) -> Iterator[Notice]:
    """What others lack who run the project: servers, accounts, files, models."""
    from mlproj.cli.registered_check import Registry
    from mlproj.projects import outside_needs, server_addresses

    folder = checkout.project_dir
    commands = "\n".join(point.command for point in project.entry_points.values())
    for address in server_addresses.find(folder, command=commands):
        message = f"a tracking server at {address.url} is named, which runs on its author's machine only"
        place = Place(_shown(address.file, checkout), address.line) if address.file and address.line else None
        yield Notice(message, place, _HINTS[address.is_answerable])
    with Registry(offline=offline) as registry:
        needs = outside_needs.find(folder, registry.lacks)
    for need in needs:
        yield _from_here(need, checkout)


def _from_here(notice: Notice, checkout: Checkout) -> Notice:
    place = notice.place
    return notice if place is None else replace(notice, place=replace(place, file=_shown(place.file, checkout)))


def _shown(file: str, checkout: Checkout) -> str:
    """What the *file* of a project, as it is called there, is called in a message."""
    return from_here(checkout.project_dir / file, checkout.root)


def doubts(point: EntryPoint, project: Project) -> list[InvalidProject]:
    """What the author of *point* may have meant otherwise.

    Parameters that its command does not use, values that another interpreter reads as code, and scripts that are not
    there.
    """
    return [
        *_unused_parameters(point),
        *_values_in_code(point),
        *map(as_error, missing_scripts(point, project.directory)),
    ]


def undeclared_imports(checkout: Checkout, declaration: Declaration, request: Request) -> Iterator[InvalidProject]:
    """What the code imports and the files that *declaration* stands for do not ask for.

    A lock names everything, and the system is what it is: there is nothing to compare with.
    """
    if declaration.kind == "imports":
        yield InvalidProject(
            "no file says which packages the project needs", hint="name them in a requirements.txt or a python_env.yaml"
        )
        return
    if declaration.file is None or declaration.kind in {"uv_lock", "pylock", "renv_lock", "docker_env"}:
        return
    for found in imports.undeclared(checkout.project_dir, declarations.read(declaration, request)):
        yield InvalidProject(
            f"the code imports {found.module}, and {declaration.file.name} does not name {found.package}",
            hint=f"add {found.package} to {declaration.file.name}: another package may bring it today and not tomorrow",
            place=replace(found.place, file=_shown(found.place.file, checkout)),
        )


def as_error(finding: Notice) -> InvalidProject:
    """*finding* in the form in which errors and warnings of a check are shown."""
    return InvalidProject(finding.text, hint=finding.hint, place=finding.place)


def _divided(findings: Sequence[Notice]) -> tuple[list[MlprojError], list[MlprojError]]:
    """What is wrong, and what is only doubtful."""
    return [as_error(one) for one in findings if one.is_error], [as_error(one) for one in findings if not one.is_error]


def _values_in_code(point: EntryPoint) -> Iterator[InvalidProject]:
    pieces = [
        piece for piece in template.parse(point.command, point.parameters) if isinstance(piece, (str, template.Field))
    ]
    seen: set[str] = set()
    for index, program in sorted(nested_code.fields_in_code(pieces).items()):
        piece = pieces[index]
        if isinstance(piece, str) or piece.name in seen or _is_always_harmless(point.parameters[piece.name]):
            continue
        seen.add(piece.name)
        yield InvalidProject(
            f"the value of {piece.name!r} becomes part of a program text that {program} reads: "
            f"one with other characters than {HARMLESS} is refused",
            hint=nested_code.advice(program, piece.name),
            place=point.find(piece.token) or point.place,
        )


def _is_always_harmless(parameter: Parameter) -> bool:
    return parameter.type in ("int", "float", "bool") or bool(parameter.choices)


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
