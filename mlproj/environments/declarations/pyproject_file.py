"""pyproject.toml (PEP 621, Poetry's tables) and setuptools' setup.py and setup.cfg, read without running anything."""

from __future__ import annotations

import ast
import configparser
from pathlib import Path
from typing import Any

from mlproj.environments.declarations import pip_requirement, poetry_version, python_source, text_file, toml_text
from mlproj.environments.declarations.draft import Draft
from mlproj.environments.declarations.python_env_file import python_version
from mlproj.foundation import presence
from mlproj.foundation.errors import InvalidProject, Place


def declares(path: Path) -> bool:
    """Whether the pyproject.toml *path* says what the project needs, and not only how tools behave. Raises
    InvalidProject."""
    data = toml_text.load(path)
    return isinstance(data.get("project"), dict) or bool(_table(data, "tool", "poetry", "dependencies"))


def builds(path: Path) -> bool:
    """Whether the pyproject.toml *path* describes something that can be installed: it names a build system."""
    return presence.is_file(path) and bool(_table(toml_text.load(path), "build-system"))


def read_into(draft: Draft, path: Path) -> None:
    """Add what *path* asks for; the project itself is installed in place when it has a build system. Raises
    InvalidProject."""
    text = text_file.load(path)
    data = toml_text.parse(text, str(path))
    draft.add_file(path)
    project = _table(data, "project")
    poetry = _table(data, "tool", "poetry")
    if project:
        _project(draft, project, path, text)
    dependencies = _table(poetry, "dependencies")
    if dependencies and "dependencies" not in project:
        _poetry(draft, dependencies, path, text)
    if _table(data, "build-system") and (project or poetry.get("package-mode", True) is not False):
        draft.editables.append(str(path.parent))


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
        pip_requirement.add(draft, one, path.parent, toml_text.place_of(path, text, one))


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
    """Install the folder of *path* (setup.py or setup.cfg) in place; its literal requirements are told beforehand.

    The file is not run here: requirements that are computed are known when the folder is built.
    """
    for name in ("setup.py", "setup.cfg", "pyproject.toml"):
        if presence.is_file(path.parent / name):
            draft.add_file(path.parent / name)
    requires, python = _setup_cfg(path.parent / "setup.cfg")
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
    draft.editables.append(str(path.parent))


def _setup_cfg(path: Path) -> tuple[list[str], str | None]:
    if not presence.is_file(path):
        return [], None
    parser = configparser.ConfigParser(interpolation=None, strict=False)
    try:
        parser.read_string(text_file.load(path), str(path))
    except configparser.Error as error:
        message = str(error).partition("\n")[0]
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
