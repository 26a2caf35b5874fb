"""What is looked for: a metric of a project, between a commit where it was good and one where it is bad."""

from __future__ import annotations

import hashlib
import json
import stat
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from mlproj import projects, sources
from mlproj.foundation.dataclass import dataclass, replace
from mlproj.foundation.errors import UsageError
from mlproj.running.plan import RunRequest, options_document
from mlproj.sources import ancestry
from mlproj.sources.ancestry import Ancestry, Step
from mlproj.sources.base import Revision, Source
from mlproj.sources.folder import FolderSource
from mlproj.sources.git import GitSource

_MOST = 20_000  # commits; beyond it choosing the next one takes long
_TAG = "mlproj.bisect"


@dataclass(frozen=True)
class Question:
    """A question whose ends are known commits.

    ``request`` is how each commit is run, but for its version. ``steps`` are the commits in question in the order of
    history, the good end first and the bad one last. ``threshold`` and ``higher_is_better`` are what the user said, or
    None. A commit is run ``repeat`` times, and the median counts. ``max_builds`` environments at most are built, None:
    as many as it takes. ``identity`` is the same for the same metric of the same project, run the same way.
    """

    request: RunRequest
    source: Source
    revision: Revision
    metric: str
    steps: Sequence[Step]
    identity: str
    threshold: float | None = None
    higher_is_better: bool | None = None
    repeat: int = 1
    max_builds: int | None = None
    notes: tuple[str, ...] = ()

    @property
    def about(self) -> dict[str, Any]:
        """What the question is about, without secrets."""
        where = {"uri": self.revision.uri, "subdirectory": self.revision.subdirectory or None}
        return {"id": self.identity, "source": where, "metric": self.metric}

    @property
    def good(self) -> Step:
        """The good end."""
        return self.steps[0]

    @property
    def bad(self) -> Step:
        """The bad end."""
        return self.steps[-1]


def ask(
    request: RunRequest, metric: str, good: str, bad: str, *, first_parent: bool = False, **options: Any
) -> Question:
    """The question which commit between the revisions *good* and *bad* changed *metric*; *options* are other fields of
    it.

    Raises UsageError where the one did not come after the other or there is no history, SourceError where they are not
    there.
    """
    source, notes = _repository(request)
    history = source.ancestry(offline=request.offline)
    ends = {"good": good, "bad": bad}
    commits = {end: _commit(source, history, version, request.offline, f"--{end}") for end, version in ends.items()}
    _check_order(history, commits["good"], commits["bad"], ends)
    steps = history.between(commits["good"], commits["bad"], first_parent=first_parent)
    if len(steps) > _MOST:
        raise UsageError(
            f"there are {len(steps)} commits between --good and --bad",
            hint=f"name ends with at most {_MOST} between them",
        )
    revision = source.pin(commits["bad"], offline=request.offline)
    identity = _identity(request, revision, metric)
    request = replace(
        request,
        tags={**request.tags, _TAG: identity},
        experiment_name=request.experiment_name or _experiment(request, revision),
    )
    return Question(request, source, revision, metric, steps, identity, notes=notes, **options)


def _repository(request: RunRequest) -> tuple[GitSource, tuple[str, ...]]:
    """The repository, and what to tell about it."""
    source = sources.open(request.uri)
    if isinstance(source, FolderSource):
        is_dirty = source.pin(None, offline=request.offline).dirty
        reason = (
            ("commits are run as they were made: what is not committed in the folder is no part of this",)
            if is_dirty
            else ()
        )
        return source.repository("a change is looked for in commits"), reason
    if not isinstance(source, GitSource):
        raise UsageError(
            "a change is looked for in commits, and the source is no Git repository",
            hint="name a repository or a folder in one",
        )
    return source, ()


def _commit(source: GitSource, history: Ancestry, version: str, offline: bool, option: str) -> str:
    base, steps = ancestry.split(version)
    try:
        commit = source.pin(base, offline=offline).commit
    except UsageError as error:
        raise UsageError(f"{option}: {error.message}", hint=error.hint) from error
    assert commit is not None
    return history.back(commit, steps) if steps else commit


def _check_order(history: Ancestry, good: str, bad: str, ends: dict[str, str]) -> None:
    named = f"--good {ends['good']} ({good[:10]})", f"--bad {ends['bad']} ({bad[:10]})"
    if good == bad:
        raise UsageError(
            f"{' and '.join(named)} are the same commit", hint="name two commits, the good one before the bad one"
        )
    if history.is_ancestor(good, bad):
        return
    if history.is_ancestor(bad, good):
        raise UsageError(
            f"{named[0]} came after {named[1]}",
            hint="swap them; for a change to the better call the older one good as well",
        )
    raise UsageError(
        f"{named[1]} did not come after {named[0]}: they are on different branches, or their history is not all here",
        hint=(
            "for the good end take a commit that both have: git merge-base; git fetch --unshallow completes a shallow"
            " clone"
        ),
    )


def _identity(request: RunRequest, revision: Revision, metric: str) -> str:
    """16 hexadecimal digits of all that decides a commit's value. Thresholds and ends do not, so that others use what
    is known."""
    values = projects.merge(request.parameters_file, request.parameters)
    options = {name: value for name, value in options_document(request).items() if name != "cwd"}
    identity = {
        "source": [revision.uri, revision.subdirectory],
        "metric": metric,
        "entry_point": request.entry_point,
        "params": values,
        "files": _stamps(request.cwd or Path(), values),
        "environment": [request.env_manager, request.as_of, request.backend],
        "timeout": request.timeout,
        "options": options,
    }
    return hashlib.sha256(json.dumps(identity, sort_keys=True, default=str).encode()).hexdigest()[:16]


def _stamps(cwd: Path, values: Mapping[str, Any]) -> dict[str, list[int]]:
    """Size and time of the last change of files that parameters name: with other data, what was measured says
    nothing."""
    found = {}
    for name, value in values.items():
        with suppress(OSError, ValueError):
            status = (cwd / str(value)).stat()
            if stat.S_ISREG(status.st_mode):
                found[name] = [status.st_size, status.st_mtime_ns]
    return found


def _experiment(request: RunRequest, revision: Revision) -> str | None:
    """An experiment of the search's own, called after the project, unless the user chose one."""
    if request.experiment_id:
        return None
    place = (revision.subdirectory or revision.uri).rstrip("/").replace(":", "/").rpartition("/")[2]
    return f"bisect {place.removesuffix('.git')}"
