"""Submodules at the commits that the project recorded, each through a mirror of its own."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from mlproj.foundation.errors import MlprojError, SourceError
from mlproj.sources import git_command
from mlproj.sources.git_checkout import write_checkout
from mlproj.sources.git_url import GitUrl
from mlproj.sources.git_version import resolve
from mlproj.sources.mirror import Mirror, healed

_DEEPEST = 10  # a repository may name itself as its submodule


@dataclass(frozen=True)
class Submodule:
    """One entry of ``.gitmodules`` that the index has a commit for."""

    path: str
    url: str
    commit: str


def write_whole_checkout(mirror: Mirror, commit: str, folder: Path, *, offline: bool, depth: int = 0) -> None:
    """Fill the empty *folder* with the files of *commit*, which the mirror has, its submodules and LFS files included.

    Raises :class:`SourceError`; :class:`~mlproj.sources.git_failure.MirrorError` when the mirror lacks what it should
    have.
    """
    write_checkout(mirror, commit, folder, offline=offline)
    write_submodules(mirror.url, folder, offline=offline, depth=depth)


def write_submodules(url: GitUrl, folder: Path, *, offline: bool, depth: int = 0) -> None:
    """Check out the submodules of the checkout in *folder*, and theirs. Raises :class:`SourceError` naming the
    submodule."""
    listed = folder / ".gitmodules"
    if listed.is_symlink() or not listed.is_file():
        return
    if depth >= _DEEPEST:
        raise SourceError(f"{url.url}: submodules are nested deeper than {_DEEPEST}")
    for submodule in _submodules(folder):
        target = folder / submodule.path
        if target.resolve() != folder.resolve() / submodule.path or not target.is_dir():
            raise SourceError(
                f"{url.url}: the submodule {submodule.path!r} is not a folder of its own in the repository"
            )
        try:
            _write_one(url.related(submodule.url), submodule.commit, target, offline, depth)
        except MlprojError as error:
            raise SourceError(f"submodule {submodule.path}: {error.message}", hint=error.hint) from error


def _write_one(url: GitUrl, commit: str, target: Path, offline: bool, depth: int) -> None:
    mirror = Mirror(url)

    def write() -> None:
        resolve(mirror, commit, offline)
        write_whole_checkout(mirror, commit, target, offline=offline, depth=depth + 1)

    healed(mirror, write, offline)


def _submodules(folder: Path) -> list[Submodule]:
    said = git_command.run(
        "config", "--file", ".gitmodules", "-z", "--get-regexp", r"^submodule\..*\.(path|url|update)$", folder=folder
    )
    entries: dict[str, dict[str, str]] = {}
    for entry in said.stdout.split(b"\0"):
        key, _, value = os.fsdecode(entry).partition("\n")
        found = re.fullmatch(r"submodule\.(.*)\.(path|url|update)", key, re.DOTALL)
        if found:
            entries.setdefault(found[1], {})[found[2]] = value
    wanted = {
        each["path"]: each["url"]
        for each in entries.values()
        if {"path", "url"} <= each.keys() and each.get("update") != "none"
    }
    commits = _recorded_commits(folder) if wanted else {}
    return [Submodule(path, url, commits[path]) for path, url in wanted.items() if path in commits]


def _recorded_commits(folder: Path) -> dict[str, str]:
    """The commit that the index records for each submodule's path."""
    said = git_command.run("ls-files", "--stage", "-z", folder=folder)
    found = {}
    for line in said.stdout.split(b"\0"):
        if line.startswith(b"160000 "):
            facts, _, path = line.partition(b"\t")
            found[os.fsdecode(path)] = facts.split()[1].decode()
    return found
