"""``mlproj models check``: what is wrong with a model, told by an exit code."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from mlproj.cli import failure, options
from mlproj.cli.models import flags
from mlproj.cli.output import print_document, print_lines
from mlproj.cli.reporter import make_reporter
from mlproj.foundation.errors import InvalidProject

if TYPE_CHECKING:
    from mlproj.foundation.errors import Notice
    from mlproj.models.description import Described


@click.command("check")
@flags.model
@click.option("--strict", is_flag=True, help="Fail on warnings too.")
@flags.environment
@options.verbosity
@options.as_json
def command(
    model: str,
    strict: bool,
    manager: str,
    as_of: str,
    with_mlflow: bool,
    offline: bool,
    verbosity: int,
    as_json: bool,
) -> int:
    """Check a model without loading it. The exit code is 65 when something is wrong, or, with --strict, doubtful.

    Wrong: files that are missing, a pickle that imports what can run any program, paths of another machine, packages
    that nothing declares or that cannot be had. Doubtful: no signature, versions that are not pinned.
    """
    from mlproj.models import description
    from mlproj.models.environment import EnvironmentOptions
    from mlproj.models.opened import open_model
    from mlproj.running.interruption import listening

    reporter = make_reporter(verbosity, json=as_json)
    chosen = EnvironmentOptions(manager, as_of, offline, with_mlflow, plan_only=True)
    with listening(), open_model(model, reporter, offline=offline) as opened:
        described = description.describe(opened, chosen, reporter)
    found = [*_environment(described), *described.findings]
    is_passed = not any(strict or notice.is_error for notice in found)
    if as_json:
        document = [description.notice_document(one) for one in found]
        print_document({"valid": is_passed, "address": opened.address, "findings": document})
    else:
        _print(found)
    return 0 if is_passed else InvalidProject.exit_code


def _environment(described: Described) -> list[Notice]:
    from mlproj.foundation.errors import Notice

    trouble = described.environment_trouble
    if trouble is None:
        return list(described.environment.warnings) if described.environment else []
    message = f"its environment cannot be made here: {trouble.message}"
    return [Notice(message, trouble.place, trouble.hint, is_error=True)]


def _print(found: list[Notice]) -> None:
    sys.stdout.flush()
    for notice in found:
        error = InvalidProject(notice.text, place=notice.place, hint=notice.hint)
        sys.stderr.write(failure.render(error, "error" if notice.is_error else "warning"))
    counted = [
        f"{number} {word}{'' if number == 1 else 's'}"
        for word, number in (
            ("error", sum(one.is_error for one in found)),
            ("warning", sum(not one.is_error for one in found)),
        )
        if number
    ]
    print_lines(", ".join(counted) if counted else "nothing is wrong with the model")
    print_lines("looked at: its MLmodel, files, pickles, packages and environment; nothing was loaded or built")
