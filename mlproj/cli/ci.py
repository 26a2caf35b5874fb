"""``mlproj ci``: let a service for continuous integration run a project."""

from __future__ import annotations

import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import click

from mlproj.cli import complete, options
from mlproj.cli.ci_files import KINDS
from mlproj.cli.command_table import Group
from mlproj.cli.output import print_document, print_lines
from mlproj.foundation.errors import ServiceError, UsageError

_TOP = """\
# Written by "mlproj ci init {kind}", and yours to change. It checks the project, runs its entry points, keeps
# environments, records and reports, and compares each run with the newest one of the base branch.
"""


@click.group("ci", cls=Group)
def group() -> None:
    """Write the file by which GitHub or GitLab runs a project."""


@group.command("init")
@click.argument("kind", metavar="github|gitlab", type=click.Choice(list(KINDS)))
@click.argument("folder", default=".", shell_complete=complete.projects)
@click.option("--force", is_flag=True, help="Replace the file that is there.")
@click.option("--print", "only_print", is_flag=True, help="Write it to standard output instead.")
@click.option(
    "-e",
    "--entry-point",
    "entry_points",
    metavar="NAME",
    multiple=True,
    help="Run this one; repeatable. Default: all that can be run without parameters.",
)
@options.as_json
def init_command(
    kind: str, folder: str, force: bool, only_print: bool, entry_points: tuple[str, ...], as_json: bool
) -> None:
    """Write a workflow that runs the project in FOLDER.

    It is .github/workflows/mlproj.yml or .gitlab-ci.yml, at the top of the project's repository. It installs mlproj,
    checks the project, runs its entry points, keeps their environments between runs, uploads records and reports, and
    shows how each run differs from the newest one of the base branch. Default: the current folder.
    """
    from mlproj.cli import inspection
    from mlproj.cli.ci_files import pipeline
    from mlproj.cli.reporter import make_reporter
    from mlproj.running.plan import RunRequest

    if not Path(folder.partition("#")[0]).is_dir():
        raise UsageError(
            f"{folder} is no folder", hint="the file is written to the repository of a project: name its folder"
        )
    service: Any = import_module(KINDS[kind])
    with inspection.opened(RunRequest(folder, offline=True), make_reporter(json=as_json)) as found:
        top = _top(found.checkout.project_dir)
        decided = pipeline.decide(found, top, entry_points)
    text = _TOP.format(kind=kind) + _yaml(service.document(decided))
    file = top / service.FILE
    if not only_print:
        _write(file, text, force)
    if as_json:
        return print_document(
            {"file": str(file), "written": not only_print, "entry_points": list(decided.entry_points), "content": text}
        )
    if only_print:
        sys.stdout.write(text)
        return None
    return print_lines(f"written: {file}", f"it runs: {', '.join(map(repr, decided.entry_points))}")


def _top(folder: Path) -> Path:
    """The top of the repository that *folder* is in, where services look; *folder* itself outside of any."""
    from mlproj.sources.work_tree import WorkTree

    tree = WorkTree.around(folder)
    return tree.top if tree else folder


def _write(file: Path, text: str, force: bool) -> None:
    from mlproj.foundation import paths

    if file.exists() and not force:
        raise UsageError(f"{file} is there already", hint="--force replaces it, --print shows what would be written")
    try:
        paths.write_atomic(file, text)
    except OSError as error:
        raise ServiceError(f"{file} cannot be written: {error.strerror or error}") from error


def _yaml(document: dict[str, Any]) -> str:
    """*document* with the texts of several lines as blocks."""
    import yaml

    class Dumper(yaml.SafeDumper):
        """Leaves the library's own as it is."""

    def text(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
        return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if value.endswith("\n") else None)

    Dumper.add_representer(str, text)
    written: str = yaml.dump(document, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=1000)
    return written
