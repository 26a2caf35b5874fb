"""What to add when a run fails because a module is missing: ``ModuleNotFoundError`` in its output, read for people."""

from __future__ import annotations

import os
import re
from itertools import islice
from pathlib import Path

from mlproj.environments.base import Description
from mlproj.foundation import file_tree, presence
from mlproj.running.failure_causes import MACHINE, PROJECT

_MISSING = re.compile(
    r"^(?:ModuleNotFoundError|ImportError): No module named ['\"]?([A-Za-z_][\w.]*)['\"]?", re.MULTILINE
)
_MISSING_IN_R = re.compile(r"there is no package called [‘'\"]([A-Za-z][\w.]*)")
_SHARED = frozenset("backports jaraco mpl_toolkits opentelemetry ruamel sphinxcontrib zope".split())  # by packages
_BUILT = frozenset(("build", "dist", "site-packages", "node_modules", "__pycache__"))
_MOST_FOLDERS = 500  # that are looked at for a module
_LINES = {
    "conda_env": "add `{package}` below `dependencies:` in {file}",
    "python_env": "add `{package}` below `dependencies:` in {file}",
    "requirements": "add the line `{package}` to {file}",
    "pyproject": 'add "{package}" to `dependencies` in {file}',
    "setup": 'add "{package}" to `install_requires` in {file}',
    "uv_lock": "run `uv add {package}` in the project's folder",
    "script": 'add "{package}" to the `dependencies` of the script block in {file}',
}


def explain(output: str, description: Description, project_dir: Path) -> str | None:
    """One sentence with the package, the line to add and whose fault it is, None when *output* does not end in a
    missing module.

    A module that the project itself holds is not a package: its folder is merely not on the path.
    """
    sentence = _said(output, description, project_dir) or _said_by_r(output, description)
    return f"{sentence} ({MACHINE if _is_chosen(description) else PROJECT})" if sentence else None


def _is_chosen(description: Description) -> bool:
    """Whether the user chose the system's environment, whatever the project declares."""
    declaration = description.declaration
    return description.kind == "system" and (declaration.kind != "none" or "--env-manager" in declaration.reason)


def _said(output: str, description: Description, project_dir: Path) -> str | None:
    found = _MISSING.findall(output)
    if not found:
        return None
    module, _, inner = found[-1].partition(".")
    if (place := _place_in(project_dir, module)) is not None:
        where = "the project's folder" if place == "." else f"the project's folder {place}"
        return f"the module {module!r} is in {where}, but not where Python looks; PYTHONPATH={place} finds it"
    from mlproj.environments.declarations.module_names import has_spaces, package_for

    if has_spaces(module):  # the package is the one of the longest known name below it
        package = package_for(found[-1])
    elif inner and module not in _SHARED:  # Python names what it looked for below a module only when it has that module
        return (
            f"the version of {module} that is installed has no module {found[-1]}: pin the one that it was written for"
        )
    else:
        package = package_for(module)
    if description.kind == "system":
        return f"the module {module!r} is not installed; pip install {package}, or declare an environment that has it"
    if description.kind == "container":
        return (
            f"the image lacks the module {module!r}: install `{package}` in it, as by `RUN pip install {package}` in a"
            " Dockerfile"
        )
    file = description.declaration.file
    advice = _LINES.get(
        description.declaration.kind, "declare `{package}` in a requirements.txt in the project's folder"
    )
    return f"the environment lacks the module {found[-1]!r}: " + advice.format(
        package=package, file=file.name if file else "it"
    )


def _place_in(project_dir: Path, module: str) -> str | None:
    """Below which of the project's folders *module* is, from the project's own; None where it is in none."""
    if presence.is_folder(project_dir / module) or presence.is_file(project_dir / f"{module}.py"):
        return "."
    for folder, folders, files in islice(file_tree.walk(project_dir), _MOST_FOLDERS):
        folders[:] = [name for name in folders if not _is_installed(Path(folder, name))]
        if f"{module}.py" in files or (module in folders and presence.is_file(Path(folder, module, "__init__.py"))):
            return os.path.relpath(folder, project_dir)
    return None


def _is_installed(folder: Path) -> bool:
    """Whether *folder* is no source of the project: an environment, or what is built into it."""
    if folder.name.startswith(".") or folder.name in _BUILT:
        return True
    return presence.exists(folder / "pyvenv.cfg") or presence.exists(folder / "conda-meta")


def _said_by_r(output: str, description: Description) -> str | None:
    found = _MISSING_IN_R.findall(output)
    if not found:
        return None
    if description.declaration.kind == "renv_lock":
        return (
            f"the environment lacks the R package {found[-1]}: renv::install({found[-1]!r}) and renv::snapshot() add it"
            " to renv.lock"
        )
    if description.kind == "container":
        return f"the image lacks the R package {found[-1]}: install it in a Dockerfile"
    return (
        f"the R package {found[-1]} is not installed; install.packages({found[-1]!r}), or declare an environment that"
        " has it (renv.lock)"
    )
