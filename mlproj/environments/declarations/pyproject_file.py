"""pyproject.toml (PEP 621, Poetry's tables) and setuptools' setup.py and setup.cfg, read without running anything."""

from __future__ import annotations

import ast
import configparser
from pathlib import Path
from typing import Any

from mlproj.environments.declarations import (
    declared_indexes,
    hatch_env,
    pip_requirement,
    poetry_package,
    poetry_version,
    project_folder,
    python_source,
    text_file,
    toml_text,
    uv_sources,
)
from mlproj.environments.declarations.draft import Draft
from mlproj.environments.declarations.python_env_file import python_version
from mlproj.foundation import presence
from mlproj.foundation.errors import InvalidProject, Place


def declares(path: Path) -> bool:
    """Whether the pyproject.toml *path* says what the project needs, and not only how tools behave. Raises
    InvalidProject."""
    data = toml_text.load(path)
    if isinstance(data.get("project"), dict) or _table(data, "tool", "poetry", "dependencies"):
        return True
    return hatch_env.declares(path, data)


def builds(path: Path) -> bool:
    """Whether the pyproject.toml *path* describes something that is installed itself, and not only what it needs."""
    return presence.is_file(path) and _own_package(path, toml_text.load(path)) is None


def read_into(draft: Draft, path: Path) -> None:
    """Add what *path* asks for; the project itself is installed in place when it has a build system. Raises
    InvalidProject."""
    text = text_file.load(path)
    data = toml_text.parse(text, str(path))
    draft.add_file(path)
    project = _table(data, "project")
    poetry = _table(data, "tool", "poetry")
    hatch_env.read_into(draft, path, data)
    if project:
        _project(draft, project, path, text)
    dependencies = _table(poetry, "dependencies")
    if dependencies and "dependencies" not in project:
        _poetry(draft, dependencies, path, text)
    uv_sources.read_into(draft, path, _table(data, "tool", "uv"), text)
    declared_indexes.read_into(draft, path, data, text)
    install_itself(draft, path, data)


def read_dependencies_into(draft: Draft, path: Path) -> None:
    """Add what ``[project]`` of *path* asks for, where another tool installs the project itself. Raises
    InvalidProject."""
    text = text_file.load(path)
    data = toml_text.parse(text, str(path))
    if project := _table(data, "project"):
        _project(draft, project, path, text)
    uv_sources.read_into(draft, path, _table(data, "tool", "uv"), text)


def install_itself(draft: Draft, path: Path, data: dict[str, Any]) -> None:
    """Install the project of the pyproject.toml *path* in place, or say why only its dependencies are."""
    reason = _own_package(path, data)
    if reason is None:
        draft.editables.append(str(path.parent))
    elif reason:
        draft.note(f"only the dependencies of {path.parent.name} are installed, not itself: {reason}")


def _own_package(path: Path, data: dict[str, Any]) -> str | None:
    """None for a project that is a package; else the reason why not, empty where it names no build system and so never
    said it was."""
    is_package = _table(data, "tool", "uv").get("package")
    if is_package is False:
        return f"{path.name} says package = false in [tool.uv]"
    if not _table(data, "build-system"):
        return None if is_package is True and "project" in data else ""
    if reason := hatch_env.leaves_out_project(path, data):
        return reason
    poetry = _table(data, "tool", "poetry")
    if poetry.get("package-mode") is False:
        return f"{path.name} says package-mode = false in [tool.poetry]"
    return (
        poetry_package.missing(path.parent, data)
        if "poetry" in str(_table(data, "build-system").get("build-backend"))
        else None
    )


def _project(draft: Draft, project: dict[str, Any], path: Path, text: str) -> None:
    python = project.get("requires-python")
    if python is not None:
        place = toml_text.place_of(path, text, "requires-python")
        if not isinstance(python, str):
            raise InvalidProject(
                "'requires-python' must be a text", place=place, hint='write requires-python = ">=3.10"'
            )
        draft.choose_python(python_version(python, place), f"requires-python in {path.name}")
    dependencies = project.get("dependencies", [])
    if not isinstance(dependencies, list) or not all(isinstance(one, str) for one in dependencies):
        raise InvalidProject(
            "'dependencies' must be a list of texts", place=toml_text.place_of(path, text, "dependencies")
        )
    for one in dependencies:
        asked = project_folder.placed(one, path.parent)
        pip_requirement.add(draft, asked, path.parent, toml_text.place_of(path, text, one))


def _poetry(draft: Draft, dependencies: dict[str, Any], path: Path, text: str) -> None:
    for name, value in dependencies.items():
        place = toml_text.place_of(path, text, name)
        if name.lower() == "python" and isinstance(value, str):
            wanted = _poetry_version(value, place)
            if wanted:
                draft.choose_python(python_version(wanted, place), f"'python' in {path.name}")
        elif isinstance(value, dict) and value.get("optional") is True:
            continue
        else:
            # Several constraints for one package differ by marker or Python; each is a requirement of its own.
            for one in value if isinstance(value, list) else [value]:
                pip_requirement.add(draft, _poetry_requirement(name, one, path, place), path.parent, place)
            declared_indexes.bind_poetry(draft, name, value)


def _poetry_requirement(name: str, value: Any, path: Path, place: Place) -> str:
    if isinstance(value, str):
        return name + _poetry_version(value, place)
    if not isinstance(value, dict):
        raise InvalidProject(f"the dependency {name!r} must be a version or a table", place=place)
    extras = value.get("extras")
    named = f"{name}[{','.join(map(str, extras))}]" if isinstance(extras, list) and extras else name
    marker = f" ; {value['markers']}" if isinstance(value.get("markers"), str) else ""
    if "git" in value:
        revision = next((f"@{value[key]}" for key in ("rev", "tag", "branch") if value.get(key)), "")
        return f"{named} @ git+{value['git']}{revision}{marker}"
    if "path" in value:
        return pip_requirement.local_path(str(value["path"]), path.parent, place)
    if "url" in value:
        return f"{named} @ {value['url']}{marker}"
    return f"{named}{_poetry_version(str(value.get('version', '*')), place)}{marker}"


def _poetry_version(text: str, place: Place) -> str:
    try:
        return poetry_version.specifier(text)
    except ValueError as error:
        raise InvalidProject(str(error), place=place, hint="expected ^1.2, ~1.2, 1.2.* or >=1,<2") from None


def read_setup_into(draft: Draft, path: Path) -> None:
    """Install the folder of *path* (setup.py or setup.cfg) in place; its literal requirements are listed beforehand.

    The file is not run here: requirements that are computed are known when the folder is built.
    """
    for name in ("setup.py", "setup.cfg", "pyproject.toml"):
        if presence.is_file(path.parent / name):
            draft.add_file(path.parent / name)
    requires, python = _requires_in_setup_cfg(draft, path)
    if presence.is_file(path.parent / "setup.py"):
        literal = _setup_py(path.parent / "setup.py")
        requires, python = literal[0] or requires, literal[1] or python
    if python:
        draft.choose_python(
            python_version(python, Place(str(path))), f"python_requires in {path.parent.name}/{path.name}"
        )
    for one in requires:
        if one.strip():
            pip_requirement.add(draft, one, path.parent, toml_text.place_of(path, text_file.load(path), one))
    if any(presence.is_file(path.parent / name) for name in ("setup.py", "pyproject.toml")):
        draft.editables.append(str(path.parent))
    else:  # https://setuptools.pypa.io/en/latest/userguide/declarative_config.html: it needs one of the two
        draft.note(
            "only what setup.cfg requires is installed, not the project itself: installers build nothing of a setup.cfg"
            " alone"
        )


def _requires_in_setup_cfg(draft: Draft, path: Path) -> tuple[list[str], str | None]:
    """What the setup.cfg at or beside *path* requires. Beside a setup.py a broken one is told, and left to the build:
    what is installed is said there."""
    try:
        return _setup_cfg(path.parent / "setup.cfg")
    except InvalidProject as error:
        if path.name == "setup.cfg":
            raise
        draft.warn(error.message, error.place, "the installer reads it when it builds the project", is_error=True)
        return [], None


def _setup_cfg(path: Path) -> tuple[list[str], str | None]:
    if not presence.is_file(path):
        return [], None
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(text_file.load(path), str(path))
    except configparser.Error as error:
        message = str(error).partition("\n")[0].rstrip(".")
        raise InvalidProject(
            f"setup.cfg cannot be read: {message}", place=Place(str(path), getattr(error, "lineno", None))
        ) from None
    lines = parser.get("options", "install_requires", fallback="")
    if lines.strip().startswith("file:"):  # resolved by setuptools when it builds the folder
        lines = ""
    requires = [
        line.partition(" #")[0].strip()
        for line in lines.replace(";\n", "\n").splitlines()
        if not line.strip().startswith("#")
    ]
    return [line for line in requires if line], parser.get("options", "python_requires", fallback=None)


def _setup_py(path: Path) -> tuple[list[str], str | None]:
    """``install_requires`` and ``python_requires`` of the call of ``setup()`` where they are written out."""
    try:
        tree = python_source.parse(path)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return [], None
    constants = {
        node.targets[0].id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and getattr(node.func, "id", getattr(node.func, "attr", None)) == "setup":
            given = {keyword.arg: _literal(keyword.value, constants) for keyword in node.keywords}
            requires, python = given.get("install_requires"), given.get("python_requires")
            requires = [requires] if isinstance(requires, str) else requires
            texts = [one for one in requires if isinstance(one, str)] if isinstance(requires, list | tuple) else []
            return texts, python if isinstance(python, str) else None
    return [], None


def _literal(node: ast.expr, constants: dict[str, ast.expr]) -> Any:
    if isinstance(node, ast.Name):
        node = constants.get(node.id, node)
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError):
        return None


def _table(data: Any, *keys: str) -> dict[str, Any]:
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else {}
