"""From a declaration to what it asks for: each kind has its reader, all speak :class:`Requirements` afterwards."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mlproj.environments.base import Declaration, Request
from mlproj.environments.declarations.draft import Draft
from mlproj.environments.declarations.requirements import Requirements
from mlproj.foundation import presence
from mlproj.foundation.errors import EnvironmentFailure, InvalidProject, Place

_PYTHON_VERSION = r"(?a)^\s*(?:python-?|cpython-?)?(\d+\.\d+(?:\.\d+)?)\s*$"


def read(declaration: Declaration, request: Request) -> Requirements:
    """What *declaration* asks for. ``Requirements.files`` are all files read, so that a change in any is seen.

    Raises InvalidProject when a file contradicts its format, EnvironmentFailure when it needs what PyPI cannot give.
    """
    if declaration.kind == "imports":
        from mlproj.environments.declarations import imports

        return imports.infer(request)
    draft = Draft(leaves_out=request.manager in ("virtualenv", "uv"))
    if declaration.file is not None:
        _READERS[declaration.kind](draft, declaration.file)
        _python_version_file(draft, declaration.file.parent)
        if declaration.kind in _BESIDE:
            add_sources_beside(draft, declaration.file.parent)
    return draft.finish()


def _yaml(draft: Draft, path: Path, kind: str) -> None:
    """A python_env or conda file, told apart by what stands in it: some projects name one as the other."""
    if path.suffix.lower() == ".txt":
        from mlproj.environments.declarations import requirements_file

        draft.warn(f"{path.name} is named as a {kind}, but is a requirements file; read as that")
        return requirements_file.read_into(draft, path)
    from mlproj import yaml_document

    document = yaml_document.load(path, remembered=True)
    draft.add_file(path)
    draft.tell(*document.findings)
    if not isinstance(document.value, dict):
        from mlproj.environments.declarations import text_file

        text_file.refuse_pointer(str(document.value), document.place())
        found = "a list" if isinstance(document.value, list) else "a single value"
        raise InvalidProject(f"found {found}, expected a mapping with 'dependencies'", place=document.place())
    actual = kind_of(document.value) or kind
    if actual != kind:
        draft.warn(f"{path.name} is named as a {kind}, but its content is that of a {actual}; read as that")
    # Only the one that is needed: translating from conda takes modules that cost more than the rest of a warm run.
    if actual == "conda_env":
        from mlproj.environments.declarations import conda_file

        return conda_file.read_into(draft, document, path)
    from mlproj.environments.declarations import python_env_file

    return python_env_file.read_into(draft, document, path)


def kind_of(data: dict[Any, Any]) -> str | None:
    """What only one of the two formats has; None when the keys fit both."""
    python_env = "python" in data or "build_dependencies" in data
    conda = "channels" in data or "prefix" in data or _names_python(data.get("dependencies"))
    return None if python_env == conda else "python_env" if python_env else "conda_env"


def _names_python(dependencies: Any) -> bool:
    lines = dependencies if isinstance(dependencies, list) else []
    return any(isinstance(line, str) and re.match(r"\s*(?:[\w-]+::)?python\s*(?:$|[=<>!~ ])", line) for line in lines)


def _conda(draft: Draft, path: Path) -> None:
    if path.name in ("conda-lock.yml", "conda-lock.yaml", "pixi.lock"):
        raise EnvironmentFailure(
            f"{path.name} lists conda's packages by their addresses, which are not translated to Python packages",
            hint=(
                "pip install 'mlproj[conda]' installs them without conda; or set MLPROJ_CONDA where conda is installed"
            ),
        )
    if path.suffix.lower() == ".toml":
        return _pixi(draft, path)
    return _yaml(draft, path, "conda_env")


def _pixi(draft: Draft, path: Path) -> None:
    from mlproj import yaml_document
    from mlproj.environments.declarations import conda_file, pixi_file

    if not pixi_file.is_one(path):
        return _pyproject(draft, path)
    reader = conda_file.Reader(draft, yaml_document.parse("{}", str(path)), path)
    return pixi_file.read_into(draft, pixi_file.load(path), reader)


def _python_env(draft: Draft, path: Path) -> None:
    if path.suffix.lower() == ".toml":
        return _pyproject(draft, path)
    return _yaml(draft, path, "python_env")


def _requirements(draft: Draft, path: Path) -> None:
    from mlproj.environments.declarations import requirements_file

    requirements_file.read_into(draft, path)


def _pyproject(draft: Draft, path: Path) -> None:
    from mlproj.environments.declarations import pyproject_file

    pyproject_file.read_into(draft, path)


def _setup(draft: Draft, path: Path) -> None:
    from mlproj.environments.declarations import pyproject_file

    pyproject_file.read_setup_into(draft, path)


def _versions_lock(draft: Draft, path: Path) -> None:
    from mlproj.environments.declarations import locked_versions

    locked_versions.read_into(draft, path)


def _pipfile(draft: Draft, path: Path) -> None:
    from mlproj.environments.declarations import pipfile

    pipfile.read_into(draft, path)


def _script(draft: Draft, path: Path) -> None:
    from mlproj.environments.declarations import script_metadata

    script_metadata.read_into(draft, path)


def _lock(draft: Draft, path: Path) -> None:
    """A lock is installed as it is; a project beside its uv.lock is installed in place when it can be built."""
    from mlproj.environments.declarations import pyproject_file, python_env_file, toml_text

    data = toml_text.load(path)
    draft.add_file(path)
    draft.lock_file = path
    python = data.get("requires-python")
    if isinstance(python, str):
        draft.choose_python(python_env_file.python_version(python, Place(str(path))), f"requires-python in {path.name}")
    project = path.parent / "pyproject.toml"
    if path.name == "uv.lock" and presence.is_file(project):
        draft.add_file(project)
        pyproject_file.install_itself(draft, project, toml_text.load(project))
        _members_in_place(draft, data, path.parent)


def _members_in_place(draft: Draft, data: dict[str, Any], root: Path) -> None:
    """The other projects that a uv.lock installs in place, as it does the members of a workspace."""
    entries = data.get("package")
    for entry in entries if isinstance(entries, list) else ():
        source = entry.get("source") if isinstance(entry, dict) else None
        folder = source.get("editable") if isinstance(source, dict) else None
        place = str((root / folder).resolve()) if isinstance(folder, str) else str(root)
        if place != str(root.resolve()) and place not in draft.editables:
            draft.editables.append(place)


_BESIDE = ("requirements", "python_env", "conda_env", "setup")
"""Declarations that a pyproject.toml with sources may stand beside."""


def add_sources_beside(draft: Draft, folder: Path) -> None:
    """What a pyproject.toml in *folder* says about where the names that *draft* asks for come from."""
    path = folder / "pyproject.toml"
    if path in draft.files or not presence.is_file(path):
        return
    from mlproj.environments.declarations import text_file

    if "tool.uv" in text_file.load(path):
        from mlproj.environments.declarations import uv_sources

        uv_sources.read_for_names(draft, path)


def _python_version_file(draft: Draft, folder: Path) -> None:
    """``.python-version``, as pyenv and uv keep it, where nothing else names a Python."""
    path = folder / ".python-version"
    if draft.python is not None or not presence.is_file(path):
        return
    from mlproj.environments.declarations import text_file

    found = re.match(_PYTHON_VERSION, text_file.load(path).partition("\n")[0])
    if found:
        draft.add_file(path)
        draft.choose_python(found[1], ".python-version names it")


_READERS: dict[str, Callable[[Draft, Path], None]] = {
    "python_env": _python_env,
    "conda_env": _conda,
    "requirements": _requirements,
    "pyproject": _pyproject,
    "setup": _setup,
    "script": _script,
    "versions_lock": _versions_lock,
    "pipfile": _pipfile,
    "uv_lock": _lock,
    "pylock": _lock,
}
