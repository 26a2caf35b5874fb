"""``[tool.uv]`` of a project or script without a ``uv.lock``: where its packages come from, and what bounds them.

The format: https://docs.astral.sh/uv/concepts/projects/dependencies/#dependency-sources. A name that the project says
is in a folder, a repository or one index is never asked of another index: it is handed to uv as it was written, or
refused with its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from mlproj.environments.declarations import text_file, toml_text, uv_workspace
from mlproj.environments.declarations.draft import Draft
from mlproj.environments.declarations.uv_workspace import Workspace
from mlproj.environments.package_name import canonical
from mlproj.foundation import presence
from mlproj.foundation.errors import InvalidProject, Place, did_you_mean

# What changes which packages are found or how they are built. What concerns the machine (caches, Pythons, threads) is
# its user's.
_SETTINGS_WORDS = """
index index-url extra-index-url find-links no-index index-strategy keyring-provider allow-insecure-host
override-dependencies constraint-dependencies build-constraint-dependencies exclude-dependencies dependency-metadata
prerelease prerelease-package resolution exclude-newer exclude-newer-package no-build no-build-package
no-binary no-binary-package config-settings config-settings-package extra-build-dependencies extra-build-variables
"""
_SETTINGS = tuple(_SETTINGS_WORDS.split())
_OF_PIP = ("index-url", "extra-index-url", "find-links", "no-index", "index-strategy", "torch-backend")
_PLACES = ("path", "git", "url", "index", "workspace")
_KEYS = (*_PLACES, "marker", "extra", "group", "editable", "package", "subdirectory", "rev", "tag", "branch", "lfs")
_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)")


def read_into(draft: Draft, path: Path, uv: Mapping[str, Any], text: str) -> None:
    """Add what the table *uv* of the file *path*, whose text is *text*, says about the packages in *draft*. Raises
    InvalidProject."""
    workspace = uv_workspace.around(path.parent, uv) if path.name == "pyproject.toml" else None
    root = workspace.uv if workspace and workspace.root != path.parent else {}
    if workspace and root:
        draft.add_file(workspace.root / "pyproject.toml")
        _read_settings(draft, root, workspace.root)
    _read_settings(draft, uv, path.parent)
    Reader(draft, workspace).follow(path, uv, set(map(_name_of, draft.packages)), text)
    _check_overrides(draft, path, text)


def read_for_names(draft: Draft, path: Path) -> None:
    """What the pyproject.toml *path* beside another declaration says about names that this one asks for; nothing else
    of it counts."""
    folder, text = path.parent, text_file.load(path)
    uv = table(toml_text.parse(text, str(path)), "tool", "uv")
    known = {canonical(str(name)) for name in table(uv, "sources")} & {_name_of(package) for package in draft.packages}
    if known:
        names = ", ".join(sorted(filter(None, known)))
        draft.note(
            f"{names} is taken from where [tool.uv.sources] of pyproject.toml says, as an index may have another of"
            " that name"
        )
        draft.add_file(path)
        workspace = uv_workspace.around(folder, uv)
        draft.settings["index"] = [{**one, "explicit": True} for one in _indexes(uv, folder)]
        Reader(draft, workspace).follow(path, uv, known, text)


def table(data: Any, *keys: str) -> dict[str, Any]:
    """The table at *keys*, empty when there is none."""
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else {}


class Reader:
    """Reads the sources of a project, and of the folders of packages that they lead to."""

    def __init__(self, draft: Draft, workspace: Workspace | None) -> None:
        self._draft = draft
        self._workspace = workspace
        self._seen: set[Path] = set()

    def follow(self, path: Path, uv: Mapping[str, Any], names: Iterable[str | None], text: str) -> None:
        """Add where *names* come from by the table *uv* of the file *path*. Raises InvalidProject."""
        self._seen.add(path.parent)
        inherited = self._workspace.uv if self._workspace and self._workspace.has(path.parent) else {}
        places = [(inherited, self._workspace.root if self._workspace else path.parent), (uv, path.parent)]
        own = {
            canonical(str(name)): (name, value, folder)
            for which, folder in places
            for name, value in table(which, "sources").items()
        }
        for name in sorted(filter(None, names)):
            if name in own and name not in self._draft.sources:
                written, value, folder = own[name]
                place = _place(path, text, written) if folder == path.parent else Place(str(folder / "pyproject.toml"))
                self._add(name, value, folder, place)
            elif (
                self._workspace
                and self._workspace.has(path.parent)
                and name in self._workspace.members
                and name not in own
            ):
                raise InvalidProject(
                    f"{name!r} is a member of the workspace, and [tool.uv.sources] does not say so",
                    place=toml_text.place_of(path, text, name),
                    hint=f"add {name} = {{ workspace = true }}: an index may have another package of that name",
                )

    def _add(self, name: str, value: Any, folder: Path, place: Place) -> None:
        listed = value if isinstance(value, list) else [value]
        entries = [entry for one in listed if (entry := self._entry(name, one, folder, place)) is not None]
        if len(entries) != 1 or "marker" in entries[0]:
            # What is installed in place is on the path of every run, whatever a marker says.
            entries = [{key: one for key, one in entry.items() if key != "editable"} for entry in entries]
        if not entries:
            return
        self._draft.sources[name] = entries
        for entry in entries:
            self._reach(entry)

    def _reach(self, entry: Mapping[str, Any]) -> None:
        """Look into a folder that a source leads to: what is installed in place, and whatever it needs from
        elsewhere."""
        target = Path(entry["path"]) if "path" in entry else None
        if target is None or not presence.is_folder(target):
            return
        if entry.get("editable") and str(target) not in self._draft.editables:
            self._draft.editables.append(str(target))
        project = target / "pyproject.toml"
        if target in self._seen or not presence.is_file(project):
            return
        self._draft.add_file(project)
        text = text_file.load(project)
        data = toml_text.parse(text, str(project))
        needs = table(data, "project").get("dependencies")
        names = [_name_of(one) for one in needs if isinstance(one, str)] if isinstance(needs, list) else []
        self.follow(project, table(data, "tool", "uv"), set(names), text)

    def _entry(self, name: str, value: Any, folder: Path, place: Place) -> dict[str, Any] | None:
        """One source with absolute paths, None for one that counts only with an extra or group, which a run does not
        ask for."""
        if not isinstance(value, dict) or sum(key in value for key in _PLACES) != 1:
            raise InvalidProject(
                f"the source of {name!r} must be a table with one of {', '.join(_PLACES)}", place=place
            )
        for key in value:
            if key not in _KEYS:
                close = did_you_mean(key, _KEYS)
                hint = f"did you mean {close}?" if close else None
                raise InvalidProject(f"the source of {name!r} has the unknown key {key!r}", place=place, hint=hint)
        if "extra" in value or "group" in value:
            return None
        if "workspace" in value:
            return self._member(name, value, place)
        if "path" in value:
            target = (folder / str(value["path"])).resolve()
            if not presence.exists(target):
                raise InvalidProject(
                    f"nothing is at {value['path']!r}, which {name!r} is to be installed from", place=place
                )
            return {**value, "path": str(target)}
        if "index" in value and value["index"] not in {
            one.get("name") for one in self._draft.settings.get("index", [])
        }:
            raise InvalidProject(
                f"{name!r} comes from the index {value['index']!r}, which no [[tool.uv.index]] names", place=place
            )
        return dict(value)

    def _member(self, name: str, value: Mapping[str, Any], place: Place) -> dict[str, Any]:
        member = self._workspace.members.get(name) if self._workspace else None
        if member is None:
            raise InvalidProject(
                f"{name!r} is said to be in the workspace, and no member of it has that name",
                place=place,
                hint="[tool.uv.workspace] of the workspace's root lists the folders of its members",
            )
        marker = {"marker": value["marker"]} if "marker" in value else {}
        if not member.is_package:
            return {"path": str(member.folder), "package": False, **marker}
        return {"path": str(member.folder), "editable": value.get("editable", True) is True, **marker}


def _place(path: Path, text: str, name: str) -> Place:
    """The line that gives the source of *name*."""
    line = re.search(rf"""^.*?(["']?){re.escape(name)}\1\s*=(?!=).*$""", text, re.MULTILINE)
    return toml_text.place_of(path, text, line[0] if line else name)


def _read_settings(draft: Draft, uv: Mapping[str, Any], folder: Path) -> None:
    """Add the settings of the table *uv*, with the paths in them absolute."""
    found = {name: uv[name] for name in _SETTINGS if name in uv and (name != "index" or isinstance(uv[name], list))}
    pip = {name: value for name, value in table(uv, "pip").items() if name in _OF_PIP}
    if pip:
        found["pip"] = pip
    for where in (found, pip):
        if isinstance(where.get("find-links"), list):
            where["find-links"] = [_absolute(str(one), folder) for one in where["find-links"]]
    for name, value in found.items():
        before = draft.settings.get(name)
        draft.settings[name] = [*value, *before] if isinstance(value, list) and isinstance(before, list) else value
    if "index" in found:
        draft.settings["index"] = _unique([*_indexes(uv, folder), *draft.settings["index"][len(found["index"]) :]])
    if uv.get("no-build-isolation") or uv.get("no-build-isolation-package"):
        draft.warn(
            f"{folder.name}/pyproject.toml: no-build-isolation has no effect here: packages are built apart from each"
            " other"
        )


def _indexes(uv: Mapping[str, Any], folder: Path) -> list[dict[str, Any]]:
    listed = uv.get("index", [])
    entries = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    return [{**one, "url": _absolute(str(one.get("url", "")), folder)} for one in entries]


def _unique(indexes: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of several of one name the first, as uv has it."""
    named: dict[Any, dict[str, Any]] = {}
    for one in indexes:
        named.setdefault(one.get("name") or one.get("url"), one)
    return list(named.values())


def _absolute(address: str, folder: Path) -> str:
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", address):
        return address
    return str((folder / address).resolve())


def _check_overrides(draft: Draft, path: Path, text: str) -> None:
    """Raise InvalidProject for an override of a name that has a source: uv would then ask an index for it."""
    for override in _texts(draft.settings.get("override-dependencies")):
        if _name_of(override) in draft.sources and "@" not in override:
            raise InvalidProject(
                f"override-dependencies and sources both name {_name_of(override)!r}, which without a uv.lock would"
                " come from an index",
                place=toml_text.place_of(path, text, "override-dependencies"),
                hint="uv lock beside the project writes down what uv makes of it, and the lock is then used",
            )


def _texts(value: Any) -> Iterator[str]:
    yield from (one for one in value if isinstance(one, str)) if isinstance(value, list) else ()


def _name_of(requirement: str) -> str | None:
    """The normalised name of a requirement that an index would be asked for, None for a path or URL."""
    found = _NAME.match(requirement)
    return canonical(found[1]) if found and "://" not in requirement else None
