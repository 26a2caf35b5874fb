"""Which files differ between two commits, asked of the copies of the repository on this machine; the network is not
used."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from mlproj.foundation import paths, presence
from mlproj.foundation.errors import ServiceError, UsageError
from mlproj.sources import git_command, git_url
from mlproj.sources.mirror import FULL_COMMIT
from mlproj.sources.work_tree import WorkTree


@dataclass(frozen=True)
class ChangedFile:
    """A file that differs, with the numbers of lines that were added and removed; None for a binary file."""

    path: str
    added: int | None
    removed: int | None


def between(uris: Iterable[str], before: str, after: str) -> tuple[ChangedFile, ...] | None:
    """The files that differ between two commits of the repository at *uris* (folders and URLs, as runs record them).

    None when no copy of it that is here has both commits, or there is no Git.
    """
    if not (FULL_COMMIT.fullmatch(before) and FULL_COMMIT.fullmatch(after)):
        return None
    for place in dict.fromkeys(place for uri in uris for place in _copies(uri)):
        found = _ask(place, before, after)
        if found is not None:
            return found
    return None


def _copies(uri: str) -> Iterator[Path]:
    """Where commits of the repository at *uri* may be: the folder itself, the mirrors of that name, whoever's login
    they were made with."""
    try:
        url = git_url.parse(uri)
    except UsageError:  # such as an archive, or a folder whose name is no path any more
        return
    if url.is_local:
        yield url.path
    name = url.key.rpartition("-")[0]
    if presence.is_folder(paths.git_mirrors()):
        mirrors = (mirror for mirror in paths.git_mirrors().iterdir() if mirror.name.rpartition("-")[0] == name)
        yield from sorted(filter(presence.is_folder, mirrors))


def _ask(place: Path, before: str, after: str) -> tuple[ChangedFile, ...] | None:
    command = ("diff", "--numstat", "-z", "--no-renames", "--no-ext-diff", "--no-textconv", before, after, "--")
    try:
        if presence.is_file(place / "HEAD"):
            result = git_command.run(*command, git_dir=place)
        elif presence.is_folder(place) and (tree := WorkTree.around(place)):
            result = git_command.run(*command, folder=tree.top, settings=tree.settings)
        else:
            return None
    except ServiceError:
        return None
    return tuple(_file(line) for line in result.stdout.split(b"\0") if line) if result.returncode == 0 else None


def _file(line: bytes) -> ChangedFile:
    """One file of ``git diff --numstat -z``."""
    added, removed, path = line.split(b"\t", 2)
    return ChangedFile(os.fsdecode(path), *(None if number == b"-" else int(number) for number in (added, removed)))
