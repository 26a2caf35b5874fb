"""What a source is: something that can be pinned to a revision and fetched into a folder."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Protocol

from mlproj.foundation.dataclass import dataclass, field
from mlproj.foundation.locked import Given


@dataclass(frozen=True)
class Revision:
    """A source pinned: what it held at one moment, with where that came from. Nothing in it is secret.

    ``commit_date`` is the committer date in UTC. ``dirty`` is None where the question makes no sense (an archive).
    ``diff`` holds what makes a dirty folder differ from its commit, untracked files included, as a Git patch.
    """

    kind: str
    uri: str
    subdirectory: str = ""
    requested: str | None = None
    commit: str | None = None
    branch: str | None = None
    tag: str | None = None
    commit_date: datetime | None = None
    dirty: bool | None = None
    diff: bytes | None = field(default=None, repr=False)
    diff_note: str | None = None
    digest: str | None = None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Checkout:
    """A revision's files in a folder: ``root`` is the top of the source, ``project_dir`` the asked-for part of it.

    ``in_place`` tells that the folder is the user's own. ``last_changed`` gives the commit date (UTC) of the last
    change to one file at or before this revision, or None where there is no history. ``release`` gives the folder up:
    a checkout of ours is removed, the user's own folder is left as it is. ``given`` is what came with the files.
    """

    root: Path
    project_dir: Path
    in_place: bool
    last_changed: Callable[[Path], datetime | None] = field(repr=False)
    release: Callable[[], None] = field(repr=False)
    given: Given = Given()


class Source(Protocol):
    """A place that projects come from, opened from what the user typed."""

    def pin(self, version: str | None, *, offline: bool) -> Revision:
        """The revision that *version* (None: the default) names now. Raises SourceError, UsageError."""

    def fetch(self, revision: Revision, *, isolated: bool) -> Checkout:
        """The revision's files. With *isolated* even a local folder is copied first. Raises SourceError."""
