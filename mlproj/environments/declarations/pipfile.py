"""Pipfile and Pipfile.lock (https://pipenv.pypa.io/en/latest/pipfile.html): the packages of its default group, and its
indexes."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mlproj.environments.declarations import pip_requirement, text_file, toml_text
from mlproj.environments.declarations.draft import Draft
from mlproj.environments.declarations.python_env_file import python_version
from mlproj.environments.package_name import canonical
from mlproj.foundation import presence
from mlproj.foundation.errors import InvalidProject, Place

_IS_PYPI = re.compile(r"https?://pypi\.(?:python\.)?org/simple/?$")


def read_into(draft: Draft, path: Path) -> None:
    """Add what a Pipfile, or the lock of one, asks for. Raises InvalidProject."""
    if path.name != "Pipfile.lock":
        data = toml_text.load(path)
        _read(draft, path, data.get("source"), data.get("requires"), data.get("packages"))
        return
    try:
        data = json.loads(text_file.load(path))
    except (ValueError, RecursionError) as error:
        raise InvalidProject(f"this is no JSON: {error}", place=Place(str(path))) from None
    meta = data.get("_meta") if isinstance(data, dict) else None
    if not isinstance(meta, dict):
        raise InvalidProject("a lock of Pipenv has '_meta'", place=Place(str(path)), hint="pipenv lock makes it anew")
    _read(draft, path, meta.get("sources"), meta.get("requires"), data.get("default"))
    draft.note("Pipfile.lock names exact versions, with hashes")


def _read(draft: Draft, path: Path, sources: Any, requires: Any, packages: Any) -> None:
    draft.add_file(path)
    place = Place(str(path))
    wanted = _table(requires)
    python = wanted.get("python_full_version") or wanted.get("python_version")
    if isinstance(python, str):
        draft.choose_python(python_version(python, place), f"'requires' in {path.name}")
    indexes = [
        {"name": _name(one.get("name")), "url": _expanded(str(one.get("url")))}
        for one in _tables(sources)
        if one.get("url")
    ]
    # Every Pipfile names PyPI: it is the index that is used here, which may stand for it.
    others = [
        {**one, "default": True} if one is indexes[0] else one for one in indexes if not _IS_PYPI.match(one["url"])
    ]
    if others:
        draft.settings["index"] = others
    for name, value in _table(packages).items():
        _add(draft, name, value, path)


def _add(draft: Draft, name: str, value: Any, path: Path) -> None:
    text = text_file.load(path)
    place = toml_text.place_of(path, text, name)
    entry = {"version": value} if isinstance(value, str) else value
    if not isinstance(entry, dict):
        raise InvalidProject(f"the package {name!r} must have a version or a table", place=place)
    extras = entry.get("extras")
    named = f"{name}[{','.join(map(str, extras))}]" if isinstance(extras, list) and extras else name
    if "git" in entry:
        revision = f"@{entry['ref']}" if entry.get("ref") else ""
        address = re.sub(r"^(?!\w+\+)", "git+", str(entry["git"]))
        folder = f"#subdirectory={entry['subdirectory']}" if entry.get("subdirectory") else ""
        return pip_requirement.add(draft, f"{named} @ {address}{revision}{folder}{_marker(entry)}", path.parent, place)
    if "path" in entry or "file" in entry:
        return _local(draft, str(entry.get("path") or entry.get("file")), entry, path, place)
    version = str(entry.get("version") or "*")
    wanted = "" if version == "*" else version if re.match(r"[=<>!~]", version) else f"=={version}"
    pip_requirement.add(draft, f"{named}{wanted}{_marker(entry)}", path.parent, place, hashes=tuple(_hashes(entry)))
    # Pipenv has written "pypi" or the first index for every package since 2022; only another one says something.
    known = {one["name"]: one for one in draft.settings.get("index", [])}
    if (
        isinstance(entry.get("index"), str)
        and entry["index"].lower() != "pypi"
        and not known.get(_name(entry["index"]), {}).get("default")
    ):
        if _name(entry["index"]) not in known:
            raise InvalidProject(
                f"{name!r} comes from the index {entry['index']!r}, which no source describes", place=place
            )
        draft.sources[canonical(name)] = [{"index": _name(entry["index"])}]
    return None


def _local(draft: Draft, where: str, entry: Mapping[str, Any], path: Path, place: Place) -> None:
    if re.match(r"https?://", where):
        return pip_requirement.add(draft, where, path.parent, place)
    found = pip_requirement.local_path(where, path.parent, place)
    (draft.editables if entry.get("editable") and presence.is_folder(Path(found)) else draft.packages).append(found)
    return None


def _marker(entry: Mapping[str, Any]) -> str:
    parts = [entry["markers"]] if isinstance(entry.get("markers"), str) else []
    parts += [
        f"{key} {entry[key]}"
        for key in ("sys_platform", "python_version", "os_name", "platform_machine")
        if isinstance(entry.get(key), str)
    ]
    return f" ; {' and '.join(f'({part})' for part in parts)}" if parts else ""


def _hashes(entry: Mapping[str, Any]) -> Iterator[str]:
    listed = entry.get("hashes")
    yield from (f"--hash={one}" for one in listed if isinstance(one, str)) if isinstance(listed, list) else ()


def _expanded(url: str) -> str:
    return re.sub(r"\$\{(\w+)\}|\$(\w+)", lambda found: os.environ.get(found[1] or found[2]) or found[0], url)


def _name(name: Any) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]", "-", str(name))


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _tables(value: Any) -> list[dict[str, Any]]:
    return [one for one in value if isinstance(one, dict)] if isinstance(value, list) else []
