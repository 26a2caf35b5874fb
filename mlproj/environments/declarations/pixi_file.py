"""pixi.toml, and ``[tool.pixi]`` of a pyproject.toml: what the environment ``default`` asks of conda and of PyPI.

https://pixi.sh/latest/reference/pixi_manifest/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

from mlproj.environments.declarations import pip_requirement, pyproject_file, text_file, toml_text
from mlproj.environments.declarations.draft import Draft
from mlproj.environments.package_name import canonical
from mlproj.foundation import platforms
from mlproj.foundation.dataclass import dataclass
from mlproj.foundation.errors import InvalidProject, Place

NAME = "pixi.toml"
_IN_PYPROJECT = ("tool", "pixi")
_CONDA, _PYPI = ("host-dependencies", "dependencies"), "pypi-dependencies"


class CondaReader(Protocol):
    """What takes conda's packages one by one."""

    def conda(self, text: str, place: Place) -> None:
        """A package in conda's words."""

    def finish(self) -> None:
        """All are read."""


@dataclass(frozen=True)
class Manifest:
    """A file, its text, pixi's part of its content, and the tables of that which count here, the common one first."""

    path: Path
    text: str
    pixi: Mapping[str, Any]
    tables: tuple[Mapping[str, Any], ...]

    def place(self, fragment: str) -> Place:
        """Where the file has *fragment*."""
        return toml_text.place_of(self.path, self.text, fragment)


def is_one(path: Path) -> bool:
    """Whether *path* names packages for pixi. Raises InvalidProject for a pyproject.toml that cannot be read."""
    if path.name != "pyproject.toml":
        return path.suffix.lower() == ".toml"
    pixi = _table(toml_text.load(path), *_IN_PYPROJECT)
    return any(key in pixi for key in ("dependencies", "pypi-dependencies", "feature", "target"))


def names_packages(path: Path) -> bool:
    """Whether what *path* says of the environment is for pixi; many have it start their tasks only. Raises
    InvalidProject for a file that cannot be read."""
    return any(_table(table, kind) for table in load(path).tables for kind in (*_CONDA, _PYPI))


def load(path: Path) -> Manifest:
    """The manifest at *path*. Raises InvalidProject."""
    text = text_file.load(path)
    data = toml_text.parse(text, str(path))
    pixi = _table(data, *_IN_PYPROJECT) if path.name == "pyproject.toml" else data
    environments = _table(pixi, "environments").get("default")
    features = environments.get("features") if isinstance(environments, dict) else environments
    named = [one for one in features if isinstance(one, str)] if isinstance(features, list) else []
    parts = [pixi, *(_table(pixi, "feature", name) for name in named)]
    tables = (table for part in parts for table in (part, *(_table(part, "target", name) for name in _targets())))
    return Manifest(path, text, pixi, tuple(table for table in tables if table))


def channels(manifest: Manifest) -> Iterator[tuple[str, Place]]:
    """The channels, the first one preferred, each with its place."""
    workspace = _table(manifest.pixi, "workspace") or _table(manifest.pixi, "project")
    for one in _list(manifest, workspace, "channels"):
        name = one.get("channel") if isinstance(one, dict) else one
        if not isinstance(name, str) or not name.strip():
            raise InvalidProject("a channel must be a name or an address", place=manifest.place("channels"))
        yield name.strip(), manifest.place(name)


def read_into(draft: Draft, manifest: Manifest, reader: CondaReader) -> None:
    """Hand conda's packages to *reader*, and add those of PyPI to *draft*. Raises InvalidProject."""
    draft.add_file(manifest.path)
    asked: dict[str, Any] = {}
    from_pypi: dict[str, Any] = {}
    for table in manifest.tables:
        for kind in _CONDA:
            asked.update(_table(table, kind))
        from_pypi.update(_table(table, _PYPI))
        draft.variables.update({name: str(value) for name, value in _table(table, "activation", "env").items()})
        _indexes(draft, manifest, _table(table, "pypi-options"))
    if manifest.path.name == "pyproject.toml" and "python" not in asked:
        python = _table(toml_text.parse(manifest.text, str(manifest.path)), "project").get("requires-python") or "*"
        reader.conda(_conda("python", python, place := manifest.place("requires-python")), place)
    for name, value in asked.items():
        place = _place(manifest, name)
        reader.conda(_conda(name, value, place), place)
    if manifest.path.name == "pyproject.toml":
        pyproject_file.read_dependencies_into(draft, manifest.path)
    for name, value in from_pypi.items():
        _from_pypi(draft, manifest, name, value)
    others = sorted({*_table(manifest.pixi, "environments")} - {"default"})
    if others:
        draft.note(f"of pixi's environments only 'default' is made, not {', '.join(others)}")
    reader.finish()


def _targets() -> tuple[str, ...]:
    """The names of this platform, the more general ones first."""
    here = platforms.here()
    return ("unix", here.partition("-")[0], here)


def _place(manifest: Manifest, name: str) -> Place:
    line = re.search(rf"""(?m)^[ \t]*["']?{re.escape(name)}["']?\s*=.*$""", manifest.text)
    return manifest.place(line[0].strip()) if line else Place(str(manifest.path))


def _conda(name: str, value: Any, place: Place) -> str:
    """A dependency in conda's words: ``pytorch::torch >=2 *cuda*``."""
    entry = {"version": value} if isinstance(value, str) else value
    if not isinstance(entry, dict) or "git" in entry or "path" in entry or "url" in entry:
        hint = "name a version, or put what is built from source under pypi-dependencies"
        raise InvalidProject(f"the package {name!r} is none of a channel", place=place, hint=hint)
    channel = f"{entry['channel']}::" if entry.get("channel") else ""
    version = str(entry.get("version") or "*").replace(" ", "")
    build = f" {entry['build']}" if entry.get("build") else ""
    return f"{channel}{name}" + ("" if version == "*" and not build else f" {version}{build}")


def _from_pypi(draft: Draft, manifest: Manifest, name: str, value: Any) -> None:
    place = _place(manifest, name)
    entry = {"version": value} if isinstance(value, str) else value
    if not isinstance(entry, dict):
        raise InvalidProject(f"the package {name!r} must have a version or a table", place=place)
    if "index" in entry:
        draft.sources[canonical(name)] = [{"index": _index(draft, str(entry["index"]))}]
    extras = f"[{','.join(map(str, entry['extras']))}]" if isinstance(entry.get("extras"), list) else ""
    if "path" in entry:
        found = pip_requirement.local_path(f"{entry['path']}{extras}", manifest.path.parent, place)
        (draft.editables if entry.get("editable") and not extras else draft.packages).append(found)
        return
    if "git" in entry:
        revision = next((f"@{entry[key]}" for key in ("rev", "tag", "branch") if entry.get(key)), "")
        folder = f"#subdirectory={entry['subdirectory']}" if entry.get("subdirectory") else ""
        where = f" @ git+{entry['git']}{revision}{folder}"
    elif "url" in entry:
        where = f" @ {entry['url']}"
    else:
        version = str(entry.get("version") or "*")
        where = "" if version == "*" else version
    pip_requirement.add(draft, f"{name}{extras}{where}", manifest.path.parent, place)


def _indexes(draft: Draft, manifest: Manifest, options: Mapping[str, Any]) -> None:
    if isinstance(options.get("index-url"), str):
        draft.add_option("--index-url", options["index-url"])
    for one in _list(manifest, options, "extra-index-urls"):
        draft.add_option("--extra-index-url", str(one))


def _index(draft: Draft, url: str) -> str:
    """The name under which uv knows an index that packages are bound to."""
    known = draft.settings.setdefault("index", [])
    found = next((one["name"] for one in known if one.get("url") == url and one.get("name")), None)
    if found is None:
        found = f"pixi-{len(known) + 1}"
        known.append({"name": found, "url": url, "explicit": True})
    return str(found)


def _list(manifest: Manifest, table: Mapping[str, Any], name: str) -> list[Any]:
    found = table.get(name, [])
    if not isinstance(found, list):
        raise InvalidProject(f"{name!r} must be a list", place=manifest.place(name))
    return found


def _table(data: Any, *keys: str) -> Mapping[str, Any]:
    for key in keys:
        data = data.get(key) if isinstance(data, Mapping) else None
    return data if isinstance(data, Mapping) else {}
