"""The ``pip:`` section of a conda file: resolved by uv around what conda has installed, and put beside it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from mlproj.environments.base import Request
from mlproj.environments.declarations.requirements import Requirements
from mlproj.environments.python import installer, interpreter, lock, resolver, uv_configuration
from mlproj.environments.python.interpreter import Interpreter
from mlproj.environments.python.uv import Uv
from mlproj.foundation.errors import EnvironmentFailure
from mlproj.foundation.progress import Progress
from mlproj.foundation.redaction import mask_url


@dataclass(frozen=True)
class Added:
    """What pip's section added: requirement lines with hashes, versions by normalised name, and where it all is."""

    lines: list[str]
    packages: Mapping[str, str]
    site_packages: Path


def install(asked: Requirements, moment: datetime | None, prefix: Path, request: Request, progress: Progress) -> Added:
    """Install *asked* with the Python of the conda environment at *prefix*. Raises EnvironmentFailure."""
    python = interpreter.at(prefix / "bin" / "python", "conda")
    if python is None:
        raise EnvironmentFailure(
            "the conda file has a pip: section and no Python", hint="add python to its dependencies"
        )
    uv = uv_configuration.uv_for(prefix.parent, asked, progress, offline=request.offline)
    by_conda = installer.installed_packages(prefix)
    if request.locked is not None and request.locked.kept is not None:
        return _brought(asked, uv, python, prefix, by_conda)
    direct = lock.direct_names(asked)
    # What conda installed stays, unless the section itself asks for it.
    pins = [f"{name}=={version}" for name, version in by_conda.items() if name not in direct]
    around = replace(asked, constraints=(*asked.constraints, *pins))
    with progress.step("resolving the packages of pip"):
        text = resolver.resolve(uv, lock.ResolveRequest(around, python, moment), _HINT)
    # A folder's package has no version in the lock.
    entries = [
        entry
        for entry in lock.packages(text)
        if "version" not in entry or by_conda.get(entry["name"]) != entry["version"]
    ]
    with progress.step(f"installing {len(entries)} packages of pip"):
        installer.install(uv, "uv", python, prefix, text, around, lock.bounds(moment, python), progress)
    after = installer.installed_packages(prefix)
    added = {name: version for name, version in after.items() if by_conda.get(name) != version}
    return Added(
        [_portable(line, request.root) for line in installer.pip_lines(entries)], added, installer.site_packages(prefix)
    )


def _brought(asked: Requirements, uv: Uv, python: Interpreter, prefix: Path, by_conda: Mapping[str, str]) -> Added:
    """Install the files that came with a package, which are all that there is to install."""
    into = ("--python", python.path, "--prefix", prefix)
    uv.check(
        "the packages of pip cannot be installed",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--offline",
        *into,
        *asked.packages,
    )
    after = installer.installed_packages(prefix)
    added = {name: version for name, version in after.items() if by_conda.get(name) != version}
    return Added(list(asked.packages), added, installer.site_packages(prefix))


def _portable(line: str, root: Path) -> str:
    """A line fit to be kept: without credentials, and the project's own folders relative to it."""
    return mask_url(re.sub(rf"^(-e )?{re.escape(str(root))}(?=/|$)", lambda match: f"{match[1] or ''}.", line))


_HINT = "what conda installed is kept: name a package in the pip section to replace it"
