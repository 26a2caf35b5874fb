"""The submodules that a work tree names, as ``.gitmodules`` and the index have them."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from mlproj.sources import git_command


@dataclass(frozen=True)
class Submodule:
    """One entry of ``.gitmodules`` that the index has a commit for."""

    path: str
    url: str
    commit: str


def recorded(folder: Path) -> list[Submodule]:
    """The submodules of *folder* that its index has a commit for, but for those that are never fetched."""
    result = git_command.run(
        "config", "--file", ".gitmodules", "-z", "--get-regexp", r"^submodule\..*\.(path|url|update)$", folder=folder
    )
    entries: dict[str, dict[str, str]] = {}
    for entry in result.stdout.split(b"\0"):
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
    result = git_command.run("ls-files", "--stage", "-z", folder=folder)
    found = {}
    for line in result.stdout.split(b"\0"):
        if line.startswith(b"160000 "):
            facts, _, path = line.partition(b"\t")
            found[os.fsdecode(path)] = facts.split()[1].decode()
    return found
