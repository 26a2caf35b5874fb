"""The environment ``default`` of Hatch, in which ``hatch run`` starts a project's programs.

https://hatch.pypa.io/latest/config/environment/overview/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from mlproj.environments.declarations import pip_requirement, text_file, toml_text
from mlproj.environments.declarations.draft import Draft
from mlproj.environments.declarations.project_folder import placed
from mlproj.environments.declarations.python_env_file import python_version
from mlproj.foundation import presence

_LISTS = ("dependencies", "extra-dependencies")


def declares(path: Path, data: Mapping[str, Any]) -> bool:
    """Whether the environment of the project of the pyproject.toml *path*, whose content is *data*, names packages."""
    file, default = _default(path, data)
    return file == path and any(default.get(key) for key in _LISTS)


def read_into(draft: Draft, path: Path, data: Mapping[str, Any]) -> None:
    """Add what the environment asks for besides the project's own dependencies. Raises InvalidProject."""
    file, default = _default(path, data)
    if not default:
        return
    draft.add_file(file)
    text = text_file.load(file)
    if isinstance(default.get("python"), str) and default["python"][:1].isdigit():
        place = toml_text.place_of(file, text, default["python"])
        draft.choose_python(python_version(default["python"], place), f"Hatch's environment in {file.name}")
    asked = [*_texts(default, *_LISTS), *_of_features(default, data)]
    for one in asked:
        pip_requirement.add(draft, placed(one, path.parent), path.parent, toml_text.place_of(file, text, one))
    if asked:
        draft.note(f"the packages of Hatch's environment 'default' in {file.name} are installed, too")


def leaves_out_project(path: Path, data: Mapping[str, Any]) -> str | None:
    """Why the project itself is not installed in the environment; None when it is."""
    file, default = _default(path, data)
    setting = next((key for key in ("detached", "skip-install") if default.get(key) is True), None)
    return f"Hatch's environment 'default' in {file.name} says {setting} = true" if setting else None


def _default(path: Path, data: Mapping[str, Any]) -> tuple[Path, Mapping[str, Any]]:
    """The file that describes the environment, hatch.toml before pyproject.toml, and its table."""
    own = path.with_name("hatch.toml")
    if presence.is_file(own):
        return own, _table(toml_text.load(own), "envs", "default")
    return path, _table(data, "tool", "hatch", "envs", "default")


def _texts(table: Mapping[str, Any], *keys: str) -> Iterator[str]:
    for key in keys:
        value = table.get(key)
        yield from (one for one in value if isinstance(one, str)) if isinstance(value, list) else ()


def _of_features(default: Mapping[str, Any], data: Mapping[str, Any]) -> Iterator[str]:
    optional = _table(data, "project", "optional-dependencies")
    for feature in _texts(default, "features"):
        yield from _texts(optional, feature)


def _table(data: Any, *keys: str) -> Mapping[str, Any]:
    for key in keys:
        data = data.get(key) if isinstance(data, Mapping) else None
    return data if isinstance(data, Mapping) else {}
