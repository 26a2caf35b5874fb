"""A repository's past without its files: asked for only when a date or a short commit needs it.

Mirrors are shallow, so that a first run is quick. What history answers is fetched, on the first question, into a
repository beside the mirror: commits and folders only (``--filter=blob:none``; a server that cannot filter sends
everything). Answers do not change, so they are kept, and a second run of the same commit asks nobody.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

from mlproj.foundation import file_lock, paths
from mlproj.foundation.errors import MlprojError, SourceError
from mlproj.foundation.process import Completed
from mlproj.sources import git_command, git_remote
from mlproj.sources.git_failure import git_message, remote_failure
from mlproj.sources.mirror import Mirror
from mlproj.sources.work_tree import parse_date
from mlproj.sources.workspace import remove

_PATIENCE = 120.0  # seconds; a date is not worth more
_CONFIG = """
[core]
\trepositoryformatversion = 1
\tbare = true
[extensions]
\tpartialClone = origin
[remote "origin"]
\turl = {url}
\tpromisor = true
\tpartialclonefilter = blob:none
"""


class History:
    """The past of one commit. Whatever cannot be had is answered by the commit's own date: a date too late, never too
    early."""

    def __init__(self, mirror: Mirror, commit: str, *, offline: bool) -> None:
        self._mirror = mirror
        self._commit = commit
        self._offline = offline
        self._here: bool | None = None

    def last_changed(self, below: str | None) -> datetime | None:
        """Date (UTC) of the last commit, at or before this one, that changed the file *below* the top; None outside of
        it."""
        if below is None:
            return None
        answers = self._answers()
        if below not in answers:
            date = self._ask(below)
            if date is None:
                commit = self._mirror.commit(self._commit)
                return commit.date if commit else None
            answers[below] = int(date.timestamp())
            paths.write_atomic(self._answers_file, json.dumps(answers))
        return datetime.fromtimestamp(answers[below], timezone.utc)

    @property
    def _answers_file(self) -> Path:
        return self._mirror.path / "last-changed" / f"{self._commit}.json"

    def _answers(self) -> dict[str, int]:
        try:
            known = json.loads(self._answers_file.read_bytes())
        except (OSError, ValueError):
            return {}
        return known if isinstance(known, dict) else {}

    def _ask(self, below: str) -> datetime | None:
        if self._here is None:
            self._here = self._fetch_history()
        if not self._here:
            return None
        result = git_command.run(
            "rev-list", "--max-count=1", "--timestamp", self._commit, "--", below,
            git_dir=_place(self._mirror), env={"GIT_LITERAL_PATHSPECS": "1"},
        )  # fmt: skip
        return parse_date(result.stdout) if result.returncode == 0 else None

    def _fetch_history(self) -> bool:
        """Whether the commit's past is here, fetched if need be."""
        place = _place(self._mirror)
        if place.exists() and _has(place, self._commit):
            return True
        if self._offline:
            return False
        try:
            return _fetch(self._mirror, f"+{self._commit}:refs/mlproj/{self._commit}").returncode == 0
        except MlprojError:
            return False


def full_name(mirror: Mirror, short: str) -> str | None:
    """The full name of the commit that *short* begins, asked of the remote's history; None when there is none.

    Raises :class:`SourceError` when several commits begin so, or the remote cannot be asked.
    """
    if mirror.url.is_local:
        place = mirror.url.path
        result = git_command.run("rev-parse", "--verify", f"{short}^{{commit}}", folder=place)
    else:
        fetched = _fetch(mirror, "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
        if fetched.returncode != 0:
            raise remote_failure(fetched, mirror.url)
        result = git_command.run("rev-parse", "--verify", f"{short}^{{commit}}", git_dir=_place(mirror))
    if result.returncode == 0:
        name = result.text.strip()
        return name if name.startswith(short) else None
    if "ambiguous" in result.error_text:
        raise SourceError(
            f"{mirror.url.url} has several commits that begin with {short}", hint="give more of its digits"
        )
    return None


def place_of(mirror: Mirror, commits: Sequence[str], *, offline: bool) -> Path:
    """A repository on this machine with *commits* and all that came before them; its files may be missing.

    A repository of this machine is that itself. Raises :class:`SourceError`.
    """
    if mirror.url.is_local:
        return mirror.url.path
    place = _place(mirror)
    if place.exists() and all(_has(place, commit) for commit in commits):
        return place
    if offline:
        raise SourceError(
            f"the history of {mirror.url.url} was never fetched, and --offline forbids to ask",
            hint="leave --offline out once",
        )
    result = _fetch(mirror, *(f"+{commit}:refs/mlproj/{commit}" for commit in commits), patience=None)
    if result.returncode != 0:  # a server that hands out branches and tags only
        result = _fetch(mirror, "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*", patience=None)
    if result.returncode != 0:
        raise remote_failure(result, mirror.url)
    return place


def _has(place: Path, commit: str) -> bool:
    return git_command.run("cat-file", "-e", commit, git_dir=place).returncode == 0


def _place(mirror: Mirror) -> Path:
    return mirror.path.with_name(mirror.path.name + ".history")


def _fetch(mirror: Mirror, *refs: str, patience: float | None = _PATIENCE) -> Completed:
    place = _place(mirror)
    with file_lock.locked(place.with_name(place.name + ".lock")):
        _initialise(mirror, place, sha256=any(len(ref.split(":")[0]) == 65 for ref in refs))
        return git_remote.run(
            mirror.url,
            "fetch",
            "--quiet",
            "--no-tags",
            "--force",
            "--filter=blob:none",
            "origin",
            *refs,
            git_dir=place,
            timeout=patience,
        )


def _initialise(mirror: Mirror, place: Path, sha256: bool) -> None:
    if (place / "HEAD").exists():
        return
    new = place.with_name(place.name + ".new")
    remove(new)
    hashing = ["--object-format=sha256"] if sha256 else []
    result = git_command.run("init", "--quiet", "--bare", "--template=", *hashing, str(new))
    if result.returncode != 0:
        raise SourceError(f"no history could be kept at {new} ({git_message(result)})")
    new.chmod(0o700)
    with (new / "config").open("a", encoding="utf-8") as config:
        config.write(_CONFIG.format(url=git_command.quoted(mirror.url.url)))
    remove(place)
    new.rename(place)
