"""Our own bare copy of a repository: as shallow as the runs so far needed, added to but never pruned.

Commits are fetched one at a time without their history; branches and tags are noted as last seen, for ``--offline``.
Changes are made under a lock file beside it; reading needs none, as nothing is ever taken away save when the copy
proves damaged.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TypeVar

from mlproj.foundation import file_lock, paths
from mlproj.foundation.errors import SourceError
from mlproj.foundation.process import Completed
from mlproj.sources import git_command, git_remote
from mlproj.sources.git_failure import MirrorError, git_message, is_corruption, remote_failure
from mlproj.sources.git_url import GitUrl
from mlproj.sources.work_tree import parse_date
from mlproj.sources.workspace import remove

T = TypeVar("T")
UNBRANCHED = "refs/mlproj/head"  # what HEAD names when the remote's names no branch, or it is not known which
FULL_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True)
class Commit:
    """A commit that is here: its full name and its committer date (UTC)."""

    name: str
    date: datetime | None


class Mirror:
    """The copy of the repository at *url*. Every method raises :class:`SourceError`; :class:`MirrorError` for our own
    damage."""

    def __init__(self, url: GitUrl) -> None:
        self.url = url
        self.path = paths.git_mirrors() / url.key
        self._lock = self.path.with_name(self.path.name + ".lock")

    @property
    def exists(self) -> bool:
        """Whether anything was ever fetched."""
        return (self.path / "HEAD").exists()

    def commit(self, name: str) -> Commit | None:
        """The commit that *name* (a ref or a full commit) stands for here; None when it is not here."""
        if not self.exists:
            return None
        result = git_command.run(
            "rev-list", "--max-count=1", "--timestamp", name + "^{commit}", "--", git_dir=self.path
        )
        if result.returncode == 0 and result.stdout:
            return Commit(result.text.split()[1], parse_date(result.stdout))
        if is_corruption(result) and "bad object" not in result.error_text:
            raise MirrorError(f"{self.path} is damaged ({git_message(result)})")
        return None

    def default_branch(self) -> str | None:
        """The branch that the remote's HEAD named when last seen."""
        try:
            head = (self.path / "HEAD").read_text("utf-8").strip()
        except OSError:
            return None
        return head.removeprefix("ref: refs/heads/") if head.startswith("ref: refs/heads/") else None

    def create_by_clone(self, branch_or_tag: str | None) -> bool:
        """Make the mirror in one conversation with the remote. False when there is no such branch or tag, or it was
        made meanwhile."""
        with file_lock.locked(self._lock):
            if self.exists:
                return False
            chosen = [f"--branch={branch_or_tag}"] if branch_or_tag else []
            new = self._cleared_new()
            result = git_remote.run(
                self.url,
                "clone",
                "--quiet",
                "--bare",
                "--depth=1",
                "--no-tags",
                "--template=",
                *chosen,
                "--",
                self.url.url,
                str(new),
            )
            if result.returncode == 0:
                new.chmod(0o700)
                if branch_or_tag:  # clone makes it the default; which one the remote's is was not asked
                    self._point_head(new, UNBRANCHED)
                new.rename(self.path)
                return True
            remove(new)
            if "dumb http transport" in result.error_text or re.search(
                r"Remote branch .* not found", result.error_text
            ):
                return False
            raise remote_failure(result, self.url)

    def fetch(self, wanted: str, ref: str) -> bool:
        """Bring the commit or tag *wanted* (a full name) here under *ref*. False when the remote does not hand it out
        so."""
        with file_lock.locked(self._lock):
            self._initialise(len(wanted))
            result = self._fetch("--depth=1", f"+{wanted}:{ref}")
            if result.returncode == 0:
                return True
            if "dumb http transport" in result.error_text:
                result = self._fetch("+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
                return self._judged(result) and self.commit(wanted) is not None
            if re.search(
                r"not our ref|unadvertised object|couldn't find remote ref|no such remote ref",
                result.error_text,
                re.IGNORECASE,
            ):
                return False
            return self._judged(result)

    def fetch_everything(self) -> None:
        """Bring every branch and tag here with all of their history: for remotes that hand out nothing else."""
        with file_lock.locked(self._lock):
            self._initialise(40)
            shallow = ["--unshallow"] if (self.path / "shallow").exists() else []
            self._judged(
                self._fetch(*shallow, "--update-shallow", "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*")
            )

    def note_head(self, branch: str | None) -> None:
        """Remember what the remote's HEAD names now."""
        if branch is None or branch != self.default_branch():
            self._point_head(self.path, f"refs/heads/{branch}" if branch else UNBRANCHED)

    def note_ref(self, ref: str, name: str) -> None:
        """Remember that *ref* names the commit or tag *name*, which is here."""
        git_command.run("update-ref", ref, name, git_dir=self.path)

    def discard(self) -> None:
        """Put a damaged mirror away, so that the next fetch makes it anew."""
        with file_lock.locked(self._lock):
            dead = self.path.with_name(f"{self.path.name}.dead")
            remove(dead)
            if self.path.exists():
                self.path.rename(dead)
            remove(dead)

    def _point_head(self, repository: Path, ref: str) -> None:
        git_command.run("symbolic-ref", "HEAD", ref, git_dir=repository)

    def _cleared_new(self) -> Path:
        """Where a mirror is made before it is renamed; only the lock's holder uses it, so what is there was left by a
        killed one."""
        new = self.path.with_name(self.path.name + ".new")
        remove(new)
        return new

    def _initialise(self, digits: int) -> None:
        if self.exists:
            return
        new = self._cleared_new()
        hashing = ["--object-format=sha256"] if digits == 64 else []
        result = git_command.run("init", "--quiet", "--bare", "--template=", *hashing, str(new))
        if result.returncode != 0:
            raise SourceError(f"no mirror could be made at {new} ({git_message(result)})")
        new.chmod(0o700)
        self._point_head(new, UNBRANCHED)
        remove(self.path)
        new.rename(self.path)

    def _fetch(self, *what: str) -> Completed:
        options = [each for each in what if each.startswith("--")]
        refs = [each for each in what if not each.startswith("--")]
        return git_remote.run(
            self.url, "fetch", "--quiet", "--no-tags", "--force", *options, "--", self.url.url, *refs, git_dir=self.path
        )

    def _judged(self, result: Completed) -> bool:
        if result.returncode == 0:
            return True
        if is_corruption(result) and not re.search(r"not found|does not appear", result.error_text):
            raise MirrorError(f"{self.path} is damaged ({git_message(result)})")
        raise remote_failure(result, self.url)


def repaired(mirror: Mirror, action: Callable[[], T], offline: bool) -> T:
    """Do *action*; when the mirror proves damaged, make it anew and try once more. Raises :class:`SourceError`."""
    try:
        return action()
    except MirrorError as error:
        if offline:
            raise SourceError(error.message, hint="run once without --offline: it is then made anew") from error
    mirror.discard()
    try:
        return action()
    except MirrorError as error:
        raise SourceError(
            f"{error.message}, also when made anew", hint="is the repository itself sound? try: git fsck"
        ) from error
