"""What to add when a run fails because a module is missing: ``ModuleNotFoundError`` in its output, read for people."""

from __future__ import annotations

import re
from pathlib import Path

from mlproj.environments.base import Description
from mlproj.foundation import presence

_MISSING = re.compile(
    r"^(?:ModuleNotFoundError|ImportError): No module named ['\"]?([A-Za-z_][\w.]*)['\"]?", re.MULTILINE
)
_MISSING_IN_R = re.compile(r"there is no package called [‘'\"]([A-Za-z][\w.]*)")
_SHARED = frozenset("backports jaraco mpl_toolkits opentelemetry ruamel sphinxcontrib zope".split())  # by packages
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
    """One sentence with the package and the line to add, None when *output* does not end in a missing module.

    A module that the project itself holds is not a package: its folder is merely not on the path.
    """
    if description.declaration.kind == "renv_lock":
        return _explain_in_r(output)
    found = _MISSING.findall(output)
    if not found:
        return None
    module, _, inner = found[-1].partition(".")
    if presence.is_folder(project_dir / module) or presence.is_file(project_dir / f"{module}.py"):
        return f"the module {module!r} is in the project's folder, but not where Python looks; PYTHONPATH=. finds it"
    from mlproj.environments.declarations.module_names import has_spaces, package_for

    if has_spaces(module):  # the package is the one of the longest known name below it
        package = package_for(found[-1])
    elif inner and module not in _SHARED:  # Python names what it looked for below a module only when it has that module
        return (
            f"the version of {module} that is installed has no module {found[-1]}: pin the one that it was written for"
            " (the project's fault)"
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
    place = description.declaration.file
    advice = _LINES.get(
        description.declaration.kind, "declare `{package}` in a requirements.txt in the project's folder"
    )
    return f"the environment lacks the module {found[-1]!r}: " + advice.format(
        package=package, file=place.name if place else "it"
    )


def _explain_in_r(output: str) -> str | None:
    found = _MISSING_IN_R.findall(output)
    if not found:
        return None
    return (
        f"the environment lacks the R package {found[-1]}: renv::install({found[-1]!r}) and renv::snapshot() add it to"
        " renv.lock"
    )
