"""``mlproj check``: is this project sound? For its author, and for CI."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from mlproj.cli import complete, failure, options, terminal
from mlproj.cli.output import print_document, print_lines
from mlproj.cli.reporter import make_reporter
from mlproj.errors import InvalidProject

if TYPE_CHECKING:
    from mlproj.cli.inspection import Opened
    from mlproj.errors import MlprojError
    from mlproj.progress import Progress

_INVALID = InvalidProject.exit_code


@click.command("check")
@click.argument("uri", default=".", shell_complete=complete.projects)
@options.revision
@click.option("--strict", is_flag=True, help="Fail on warnings too.")
@options.offline
@options.verbosity
@options.as_json
def command(uri: str, version: str | None, strict: bool, offline: bool, verbosity: int, as_json: bool) -> int:
    """Check that a project is valid. Nothing is built or run.

    The exit code is 65 when something is wrong, or, with --strict, when anything is doubtful: an unused parameter, a
    default that contradicts its type, a command that names a script that is not there, an import that no file declares.
    """
    from mlproj.cli import inspection
    from mlproj.plan import RunRequest

    reporter = make_reporter(verbosity, json=as_json)
    # As of today: what a check says shall not depend on what an index answers.
    request = RunRequest(uri, version=version, offline=offline, as_of="today")
    with inspection.opened(request, reporter) as found:
        errors, warnings = _look(found, reporter)
    sound = not errors and not (strict and warnings)
    if as_json:
        described = {
            "errors": [failure.describe(error) for error in errors],
            "warnings": [failure.describe(warning) for warning in warnings],
        }
        print_document({"valid": not errors, **_without_exit_codes(described)})
    else:
        _print(errors, warnings)
    return 0 if sound else _INVALID


def _look(found: Opened, progress: Progress) -> tuple[list[MlprojError], list[MlprojError]]:
    """What is wrong and what is doubtful. A file that cannot be read as a project ends the search."""
    from mlproj import projects
    from mlproj.cli import project_check

    try:
        project = found.load()
    except InvalidProject as error:
        return [error], []
    errors: list[MlprojError] = []
    warnings: list[MlprojError] = [*map(project_check.located, project.warnings)]
    for point in project.entry_points.values():
        wrong, odd = projects.problems(point)
        errors += wrong
        warnings += map(project_check.located, odd)
    warnings += project_check.doubts(project)
    environment, trouble = found.decide(project, progress)
    if trouble:
        (errors if isinstance(trouble, InvalidProject) else warnings).append(trouble)
    if environment:
        request = found.environment_request(project)
        warnings += project_check.undeclared_imports(found.checkout.project_dir, environment.declaration, request)
    return errors, warnings


def _without_exit_codes(findings: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    return {name: [{key: value for key, value in one.items() if key != "exit_code"} for one in found] for name, found in findings.items()}


def _print(errors: Sequence[MlprojError], warnings: Sequence[MlprojError]) -> None:
    sys.stdout.flush()
    for warning in warnings:
        sys.stderr.write(failure.render(warning, "warning"))
    for error in errors:
        sys.stderr.write(failure.render(error))
    told = [f"{len(found)} {word}{'' if len(found) == 1 else 's'}" for word, found in (("error", errors), ("warning", warnings)) if found]
    print_lines(terminal.printable(", ".join(told)) if told else "the project is valid")
