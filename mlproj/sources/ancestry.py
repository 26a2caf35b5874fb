"""Which commits came after one and are part of another, who made them, and how they follow each other. No work tree is
touched."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from mlproj.foundation.errors import SourceError, UsageError
from mlproj.foundation.process import Completed
from mlproj.sources import git_command, history
from mlproj.sources.git_failure import git_message
from mlproj.sources.mirror import Mirror
from mlproj.sources.work_tree import parse_date

_RELATIVE = re.compile(r"(?P<base>[^~^]+)(?P<steps>(?:[~^][0-9]{0,6})+)")
# A line begins with NUL, which the lines that `rev-list` adds itself do not.
_FORMAT = "--format=%x00%H%x00%P%x00%at%x00%an%x00%s"


@dataclass(frozen=True)
class Step:
    """A commit of a history: full name, parents, author and author date (UTC), subject. What people wrote is as they
    wrote it."""

    name: str
    parents: tuple[str, ...]
    date: datetime | None
    author: str
    subject: str


class Ancestry:
    """The commits of the repository that *mirror* mirrors. Every method raises :class:`SourceError`."""

    def __init__(self, mirror: Mirror, *, offline: bool) -> None:
        self._mirror = mirror
        self._offline = offline

    def back(self, commit: str, steps: str) -> str:
        """The full name of the commit that is *steps* (``~3``, ``^2``) before *commit*."""
        result = self._ask([commit], "rev-parse", "--verify", "--quiet", f"{commit}{steps}^{{commit}}")
        if result.returncode != 0:
            raise SourceError(f"{self._mirror.url.url}: there is no commit {steps} before {commit[:12]}")
        return result.text.strip()

    def is_ancestor(self, older: str, newer: str) -> bool:
        """Whether *newer* came after *older*, directly or over others."""
        return self._ask([older, newer], "merge-base", "--is-ancestor", older, newer).returncode == 0

    def between(self, older: str, newer: str, *, first_parent: bool) -> tuple[Step, ...]:
        """*older* and all that came after it and are part of *newer*, parents before their children; *newer* is the
        last.

        With *first_parent* only those on the line of first parents from *newer*: what branches brought in counts as
        their merge.
        """
        first = self._steps([older], "--no-walk", older)
        found = self._steps([older, newer], "--topo-order", "--reverse", "--ancestry-path", f"{older}..{newer}")
        if first_parent:
            by_name = {step.name: step for step in found}
            line = []
            while (step := by_name.get(newer)) is not None:
                line.append(step)
                newer = step.parents[0] if step.parents else ""
            found = line[::-1]
        return (*first, *found)

    def _steps(self, commits: list[str], *arguments: str) -> list[Step]:
        result = self._ask(commits, "rev-list", "--encoding=UTF-8", _FORMAT, *arguments, "--")
        if result.returncode != 0:
            raise SourceError(
                f"{self._mirror.url.url}: its history cannot be read ({git_message(result, self._mirror.url)})"
            )
        return [_step(line) for line in result.text.split("\n") if line.startswith("\0")]

    def _ask(self, commits: list[str], *command: str) -> Completed:
        place = history.place_of(self._mirror, commits, offline=self._offline)
        is_bare = (place / "HEAD").is_file()
        return git_command.run(
            *command,
            git_dir=place if is_bare else None,
            folder=None if is_bare else place,
            env={"GIT_NO_REPLACE_OBJECTS": "1"},
        )


def split(version: str) -> tuple[str, str]:
    """A version as its branch, tag or commit, and the steps back from there: ``main~3`` is ``main`` and ``~3``. Raises
    UsageError."""
    if "~" not in version and "^" not in version:
        return version, ""
    found = _RELATIVE.fullmatch(version)
    if found is None:
        raise UsageError(f"version {version!r} is no branch, tag or commit, with or without steps back such as ~3")
    return found["base"], found["steps"]


def _step(line: str) -> Step:
    _, name, parents, date, author, subject = line.split("\0", 5)
    return Step(name, tuple(parents.split()), parse_date(date.encode()), author, subject)
