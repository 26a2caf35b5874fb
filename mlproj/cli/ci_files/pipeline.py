"""What is to be run by a service for continuous integration, and by which lines of a shell; the same for all of them.

Everything is written below ``.mlproj/`` in the checkout, as a service keeps nothing else, and Git is told to pass it
over: a run shall not count the records of another as uncommitted changes. The newest run of the base branch lies in
``MLPROJ_HOME`` when a job begins, if there is one, and is removed at its end.
"""

from __future__ import annotations

import re
import shlex
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mlproj import __version__, environments, projects
from mlproj.cli.inspection import environment_request
from mlproj.environments.base import Declaration
from mlproj.foundation.errors import UsageError
from mlproj.projects.base import REQUIRED, EntryPoint, Project
from mlproj.running.opened_project import OpenedProject

HOME, CACHE, REPORTS = ".mlproj/home", ".mlproj/cache", ".mlproj/reports"
SUMMARY = f"{REPORTS}/summary.md"
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"

_NEWEST = "mlproj runs list --last 1 {}--csv --columns status | tail -n +2 | cut -d , -f 1"
PREPARE = f"mkdir -p {REPORTS} .git/info && echo /.mlproj/ >> .git/info/exclude"
REMEMBER = f"{_NEWEST.format('--status finished ')} > .mlproj/base"
COMPARE = f"""\
base=$(cat .mlproj/base)
newest=$({_NEWEST.format("")})
if [ -n "$base" ] && [ "$newest" != "$base" ]; then
  printf '\\n### Compared with the base branch\\n\\n' > {REPORTS}/comparison.md
  mlproj runs diff "$base" "$newest" | sed 's/^/    /' >> {REPORTS}/comparison.md
  mlproj runs delete "$base"
  mlproj gc
fi
"""


@dataclass(frozen=True)
class Pipeline:
    """The project at *place* below the top of its repository, the names of entry points, and the files that its
    environment follows.

    ``key_files`` are at most two: GitLab takes no more.
    """

    place: str
    entry_points: tuple[str, ...]
    key_files: tuple[str, ...]
    kind: str

    @property
    def install(self) -> str:
        """The line that installs mlproj, with what the project's environment needs."""
        extra = "[conda]" if self.kind == "conda_env" else ""
        return f"python -m pip install 'mlproj{extra}>={__version__}'"

    @property
    def uri(self) -> str:
        """The project as it is named to mlproj in the top folder, quoted for the shell."""
        return shlex.quote(f"./{self.place}" if self.place else ".")

    def check(self, summary: str) -> str:
        """The line that checks the project."""
        return f"mlproj check {self.uri} --junit-xml {REPORTS}/check.xml --summary {summary}"

    def run(self, entry_point: str, summary: str) -> str:
        """The line that runs *entry_point*, which is quoted for the shell already."""
        return f"mlproj run {self.uri} --entry-point={entry_point} --junit-xml {REPORTS}/run.xml --summary {summary}"


def decide(found: OpenedProject, top: Path, chosen: Sequence[str]) -> Pipeline:
    """What to run of the project *found* in the repository at *top*. Raises UsageError and InvalidProject.

    *chosen* are names of entry points; none: those that can be run without a value being given.
    """
    project = found.load()
    points = [projects.resolve_entry_point(project, name) for name in dict.fromkeys(chosen)]
    for point in points:
        if missing := _needed(point):
            raise UsageError(
                f"the entry point {point.name!r} cannot be run without a value for {', '.join(missing)}",
                hint="give the parameter a default in MLproject",
            )
    points = points or [point for point in project.entry_points.values() if _is_plain(point)]
    if not points:
        raise UsageError(
            "there is no entry point that can be run without parameters",
            hint="give its parameters defaults in MLproject, or name a script: --entry-point train.py",
        )
    declaration = environments.declared(environment_request(found, project))
    names = tuple(point.name for point in points)
    place = found.checkout.project_dir.resolve().relative_to(top.resolve()).as_posix()
    return Pipeline("" if place == "." else place, names, _key_files(project, declaration, top), declaration.kind)


def _is_plain(point: EntryPoint) -> bool:
    """Whether *point* can be run by its name alone; no command line takes a NUL."""
    return bool(point.command) and "\0" not in point.name and not _needed(point)


def _needed(point: EntryPoint) -> list[str]:
    return [
        parameter.name
        for parameter in point.parameters.values()
        if parameter.default is REQUIRED and not parameter.optional
    ]


def _key_files(project: Project, declaration: Declaration, top: Path) -> tuple[str, ...]:
    """The files whose change makes another environment: MLproject and what it declares; without any the code itself."""
    files = [file.resolve() for file in (project.file, declaration.file) if file is not None]
    below = [file.relative_to(top.resolve()).as_posix() for file in files if file.is_relative_to(top.resolve())]
    # Services read patterns and expressions here, and quote none.
    plain = [name for name in dict.fromkeys(below) if re.fullmatch(r"[\w./-]+", name, re.ASCII)]
    return tuple(plain if declaration.file and plain else [*plain, "**/*.py"])
