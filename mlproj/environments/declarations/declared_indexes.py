"""The package indexes that Poetry, PDM and Rye let a project name, in uv's words, and the packages that come from one
of them only.

https://python-poetry.org/docs/repositories/, https://pdm-project.org/latest/reference/configuration/#tool-pdm,
https://rye.astral.sh/guide/sources/
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlproj.environments.declarations import toml_text
from mlproj.environments.declarations.draft import Draft
from mlproj.environments.package_name import canonical
from mlproj.foundation import presence
from mlproj.foundation.errors import InvalidProject

_PYPI = "https://pypi.org/simple"


def read_into(draft: Draft, path: Path, data: Mapping[str, Any], text: str) -> None:
    """Add the indexes that *data*, read from *path*, names for other tools than uv. Raises InvalidProject."""
    tool = data.get("tool")
    tables = tool if isinstance(tool, dict) else {}
    poetry, pdm, rye = (_table(tables.get(name)) for name in ("poetry", "pdm", "rye"))
    if "dependencies" in _table(data.get("project")):
        _enrich(draft, path, _table(poetry.get("dependencies")), text)
    found = [
        *_poetry(_tables(poetry.get("source"))),
        *_pdm(_tables(pdm.get("source"))),
        *_rye(_tables(rye.get("sources"))),
    ]
    if found:
        draft.settings["index"] = [*draft.settings.get("index", []), *found]
        if sum(not one.get("explicit") for one in found) > 1 or not any(one.get("default") for one in found):
            draft.settings.setdefault("index-strategy", "unsafe-best-match")  # these tools look at all indexes
    for source in _tables(pdm.get("source")):
        _bind_pdm(draft, source)
    _override(draft, _table(_table(pdm.get("resolution")).get("overrides")), path)
    _check_names(draft, path, text)


def bind_poetry(draft: Draft, name: str, value: Any) -> None:
    """Let the package *name* come from the index that its entry *value* in Poetry's table names, and from no other."""
    entries = []
    for one in value if isinstance(value, list) else [value]:
        if isinstance(one, dict) and isinstance(one.get("source"), str):
            marker = {"marker": one["markers"]} if isinstance(one.get("markers"), str) else {}
            entries.append({"index": _name(one["source"]), **marker})
    if entries:
        draft.sources[canonical(name)] = entries


def _enrich(draft: Draft, path: Path, dependencies: Mapping[str, Any], text: str) -> None:
    """Where Poetry's table says more about what ``[project]`` asks for: a folder, a repository, an address, an
    index."""
    asked = {_name_of(package) for package in draft.packages}
    for name, value in dependencies.items():
        if not isinstance(value, dict) or canonical(name) not in asked:
            continue
        if "path" in value:
            target = (path.parent / str(value["path"])).resolve()
            if not presence.exists(target):
                place = toml_text.place_of(path, text, str(value["path"]))
                raise InvalidProject(
                    f"nothing is at {value['path']!r}, which {name!r} is to be installed from", place=place
                )
            in_place = value.get("develop") is True and presence.is_folder(target)
            draft.sources[canonical(name)] = [{"path": str(target), "editable": in_place}]
            draft.editables.extend([str(target)] if in_place else [])
        elif "git" in value or "url" in value:
            kept = {key: value[key] for key in ("git", "url", "rev", "tag", "branch", "subdirectory") if key in value}
            draft.sources[canonical(name)] = [kept]
        else:
            bind_poetry(draft, name, value)


def _poetry(sources: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found: list[tuple[str, dict[str, Any]]] = []
    for one in sources:
        priority = str(one.get("priority") or ("default" if one.get("default") else "primary")).lower()
        found.append((priority, {"name": _name(one.get("name")), "url": _url(one)}))
    explicit = [{**index, "explicit": True} for priority, index in found if priority == "explicit"]
    primary = [index for priority, index in found if priority in ("primary", "default")]
    later = [index for priority, index in found if priority in ("supplemental", "secondary")]
    if primary:  # PyPI is one of them only where it is named
        primary[-1] = {**primary[-1], "default": True}
    return [*later, *primary, *explicit]


def _pdm(sources: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found = []
    for one in sources:
        index: dict[str, Any] = {"name": _name(one.get("name")), "url": _url(one)}
        if one.get("type") == "find_links":
            index["format"] = "flat"
        if index["name"].lower() == "pypi":
            index["default"] = True
        if _is_bound(one):
            index["explicit"] = True
        found.append(index)
    return found


def _rye(sources: list[dict[str, Any]]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = [{"name": _name(one.get("name")), "url": _url(one)} for one in sources]
    for one in found:
        if one["name"] == "default":
            one["default"] = True
    return found


def _is_bound(source: Mapping[str, Any]) -> bool:
    """Whether PDM asks this source for the packages that it includes, and for nothing else."""
    return bool(source.get("include_packages")) and "*" in (source.get("exclude_packages") or [])


def _bind_pdm(draft: Draft, source: Mapping[str, Any]) -> None:
    from fnmatch import fnmatch

    patterns = source.get("include_packages")
    for pattern in patterns if isinstance(patterns, list) else []:
        for package in draft.packages:
            name = _name_of(package)
            if name and "://" not in package and fnmatch(name, canonical(str(pattern))):
                draft.sources[name] = [{"index": _name(source.get("name"))}]


def _override(draft: Draft, overrides: Mapping[str, Any], path: Path) -> None:
    overrides_found = []
    for name, value in overrides.items():
        version = str(value).replace("file:///${PROJECT_ROOT}", path.parent.as_uri())
        overrides_found.append(
            f"{name} @ {version}"
            if "://" in version
            else name + (version if re.match(r"[=<>!~]", version) else f"=={version}")
        )
    if overrides_found:
        draft.settings["override-dependencies"] = [*draft.settings.get("override-dependencies", []), *overrides_found]


def _check_names(draft: Draft, path: Path, text: str) -> None:
    known = {one.get("name") for one in draft.settings.get("index", [])}
    for name, entries in list(draft.sources.items()):
        for entry in entries:
            if "index" not in entry or entry["index"] in known:
                continue
            if entry["index"].lower() != "pypi":
                place = toml_text.place_of(path, text, entry["index"])
                raise InvalidProject(
                    f"{name!r} comes from the source {entry['index']!r}, which {path.name} does not describe",
                    place=place,
                )
            known.add(entry["index"])
            here = {"name": entry["index"], "url": _usual(), "explicit": True}
            draft.settings["index"] = [*draft.settings.get("index", []), here]


def _usual() -> str:
    """PyPI, or what stands for it here."""
    return next(filter(None, map(os.environ.get, ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL"))), _PYPI)


def _url(source: Mapping[str, Any]) -> str:
    url = source.get("url") or (_usual() if str(source.get("name")).lower() == "pypi" else "")
    url = re.sub(r"\$\{(\w+)\}", lambda found: os.environ.get(found[1]) or found[0], str(url))
    if source.get("username") and "@" not in url:
        from urllib.parse import quote

        login = ":".join(quote(str(source[key]), safe="") for key in ("username", "password") if source.get(key))
        url = url.replace("://", f"://{login}@", 1)
    return url


def _name(name: Any) -> str:
    """A name that uv takes for an index."""
    return re.sub(r"[^A-Za-z0-9_.-]", "-", str(name))


def _name_of(package: str) -> str:
    return canonical(re.split(r"[^\w.-]", package, maxsplit=1)[0])


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _tables(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
