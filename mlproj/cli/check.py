"""``mlproj check``: is this project sound? For its author, and for CI."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mlproj.cli import complete, failure, lost_folder, options, terminal
from mlproj.cli.output import print_document, print_lines
from mlproj.cli.reporter import make_reporter
from mlproj.foundation.errors import InvalidProject

if TYPE_CHECKING:
    from mlproj.cli.project_check import Check
    from mlproj.foundation.errors import MlprojError
    from mlproj.foundation.progress import Progress

_INVALID = InvalidProject.exit_code
_MOST_SHOWN = 100


@click.command("check")
@click.argument("uri", default=".", shell_complete=complete.projects)
@options.revision
@click.option("--strict", is_flag=True, help="Fail on warnings too.")
@options.report_files
@options.offline
@options.verbosity
@options.as_json
def command(
    uri: str,
    version: str | None,
    strict: bool,
    junit_xml: Path | None,
    summary: Path | None,
    offline: bool,
    verbosity: int,
    as_json: bool,
) -> int:
    """Check that a project is valid. Nothing is built or run.

    The exit code is 65 when something is wrong, or, with --strict, when anything is doubtful: an unused parameter, a
    default that contradicts its type, a command that names a script that is not there, an import that no file declares,
    and what the code may lack on another machine: a tracking server, an account, a file, a registered model.
    """
    lost_folder.leave(uri, junit_xml, summary)
    with _report_files(uri, junit_xml, summary) as report:
        checks = _look(uri, version, offline, make_reporter(verbosity, json=as_json))
        errors = [error for check in checks for error in check.errors]
        warnings = [warning for check in checks for warning in check.warnings]
        if not as_json:
            _print(errors, warnings, [check.name for check in checks])
        report(checks, strict)
    if as_json:
        described = {
            "errors": [failure.describe(error) for error in errors],
            "warnings": [failure.describe(warning) for warning in warnings],
        }
        print_document(
            {"valid": not errors, **_without_exit_codes(described), "checked": [check.name for check in checks]}
        )
    return 0 if all(check.is_passed(strict) for check in checks) else _INVALID


def _report_files(
    uri: str, junit_xml: Path | None, summary: Path | None
) -> AbstractContextManager[Callable[[list[Check], bool], None]]:
    """What writes the files that tell of the checks, if any are asked for."""
    if junit_xml is None and summary is None:
        return nullcontext(lambda _checks, _strict: None)
    from mlproj.cli.report_files import check_report

    return check_report.of_flags(uri, junit_xml, summary)


def _look(uri: str, version: str | None, offline: bool, reporter: Progress) -> list[Check]:
    from mlproj.cli import inspection, project_check
    from mlproj.running.plan import RunRequest

    # As of today: what a check says shall not depend on what an index answers.
    with inspection.opened(RunRequest(uri, version=version, offline=offline, as_of="today"), reporter) as found:
        return list(project_check.checks(found, reporter))


def _without_exit_codes(findings: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    return {
        name: [{key: value for key, value in one.items() if key != "exit_code"} for one in found]
        for name, found in findings.items()
    }


def _print(errors: Sequence[MlprojError], warnings: Sequence[MlprojError], checked: Sequence[str]) -> None:
    sys.stdout.flush()
    for level, findings in (("warning", warnings), ("error", errors)):
        for one in findings[:_MOST_SHOWN]:
            sys.stderr.write(failure.render(one, level))
        if len(findings) > _MOST_SHOWN:
            sys.stderr.write(f"and {len(findings) - _MOST_SHOWN} {level}s more, all of which --json has\n")
    counts = [
        f"{len(found)} {word}{'' if len(found) == 1 else 's'}"
        for word, found in (("error", errors), ("warning", warnings))
        if found
    ]
    print_lines(terminal.printable(", ".join(counts)) if counts else "the project is valid")
    print_lines(f"looked at: {', '.join(checked)}; nothing was built or run")
