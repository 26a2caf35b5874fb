"""The workspace of uv that a project belongs to: its root, what that says for all, and its members.

https://docs.astral.sh/uv/concepts/projects/workspaces/
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlproj.environments.declarations import toml_text
from mlproj.environments.package_name import canonical
from mlproj.foundation import presence
from mlproj.foundation.dataclass import dataclass
from mlproj.foundation.errors import MlprojError


@dataclass(frozen=True)
class Member:
    """A project of a workspace; one that is no package has only dependencies."""

    folder: Path
    is_package: bool


@dataclass(frozen=True)
class Workspace:
    """``uv`` is the table ``[tool.uv]`` of its root, ``members`` are its projects by normalised name."""

    root: Path
    uv: Mapping[str, Any]
    members: Mapping[str, Member]

    def has(self, folder: Path) -> bool:
        """Whether the project in *folder* belongs to it."""
        return folder == self.root or any(member.folder == folder for member in self.members.values())


def around(folder: Path, uv: Mapping[str, Any]) -> Workspace | None:
    """The workspace of the project in *folder*, whose own ``[tool.uv]`` is *uv*; None when it is in none."""
    if isinstance(uv.get("workspace"), dict):
        return _at(folder, uv)
    if uv.get("managed") is False or presence.exists(folder / ".git"):
        return None
    for parent in folder.parents:
        found = _table(parent / "pyproject.toml")
        if found is not None and isinstance(found.get("workspace"), dict):
            workspace = _at(parent, found)
            return workspace if workspace.has(folder) else None
        if presence.exists(parent / ".git"):
            break
    return None


def is_package(data: Mapping[str, Any]) -> bool:
    """Whether a pyproject.toml with this content is installed itself: it says so, or names a build system."""
    tool = data.get("tool")
    uv = tool.get("uv") if isinstance(tool, dict) else None
    declared = uv.get("package") if isinstance(uv, dict) else None
    return declared if isinstance(declared, bool) else isinstance(data.get("build-system"), dict)


def _at(root: Path, uv: Mapping[str, Any]) -> Workspace:
    named = uv["workspace"]
    excluded = {place for pattern in _patterns(named.get("exclude")) for place in root.glob(pattern)}
    folders = [root, *(place for pattern in _patterns(named.get("members")) for place in sorted(root.glob(pattern)))]
    members: dict[str, Member] = {}
    for folder in folders:
        data = _load(folder / "pyproject.toml") if folder not in excluded else None
        project = data.get("project") if data else None
        if data and isinstance(project, dict) and isinstance(project.get("name"), str):
            members.setdefault(
                canonical(project["name"]), Member(folder.resolve() if folder != root else root, is_package(data))
            )
    return Workspace(root, uv, members)


def _patterns(value: Any) -> list[str]:
    listed = value if isinstance(value, list) else []
    return [
        one.removeprefix("./")
        for one in listed
        if isinstance(one, str) and one and not one.startswith("/") and one.strip("./")
    ]


def _table(path: Path) -> dict[str, Any] | None:
    data = _load(path)
    tool = data.get("tool") if data else None
    uv = tool.get("uv") if isinstance(tool, dict) else None
    return uv if isinstance(uv, dict) else None


def _load(path: Path) -> dict[str, Any] | None:
    """What a pyproject.toml of somebody else around the project holds; one that cannot be read is not ours to judge."""
    try:
        return toml_text.load(path) if presence.is_file(path) else None
    except (MlprojError, OSError):
        return None
