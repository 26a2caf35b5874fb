"""A conda environment: its packages solved once and kept, then installed, with what pip adds, as any other environment."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from mlproj import paths, process
from mlproj.environments import date_policy, editable, key, package_index, transaction
from mlproj.environments.base import Declaration, Description, Environment, Prepared, Request
from mlproj.environments.conda import channels, locked, rattler
from mlproj.environments.conda.asked import Asked, is_native
from mlproj.environments.conda.asked import read as read_asked
from mlproj.environments.conda.locked import Package
from mlproj.errors import EnvironmentFailure, MlprojError
from mlproj.progress import Progress
from mlproj.redaction import mask_url

_LAYOUT = 1
"""Raised when what is installed from the same lock changes."""
_REMEMBERED = 3600.0  # seconds that a translation is kept to where conda's packages could not be had
_UNSET = ("PYTHONHOME", "__PYVENV_LAUNCHER__", "VIRTUAL_ENV", "CONDA_PROMPT_MODIFIER", "CONDA_SHLVL")
_PREFIX = "venv"  # where all kinds of environments have theirs


@dataclass(frozen=True)
class _Solved:
    packages: tuple[Package, ...]
    platform: str
    moment: datetime | None
    as_of_reason: str
    notes: tuple[str, ...] = ()


def create(request: Request, declaration: Declaration, progress: Progress) -> Environment:
    """The conda environment that *declaration* asks for; solved the first time. Where the user did not ask for conda and its packages
    cannot be had, a translation to Python packages.

    Raises InvalidProject, EnvironmentFailure, ServiceError.
    """
    if not is_native(declaration):
        return _translated(request, declaration, progress, None)
    assert declaration.file is not None
    asked = read_asked(declaration.file)
    for warning in asked.pip.warnings:
        progress.warn(warning)
    file = _file(request, declaration, asked)
    kept = _recall(file)
    if isinstance(kept, str) and request.manager == "auto":
        return _translated(request, declaration, progress, kept)
    if not isinstance(kept, _Solved):
        try:
            kept = _solve(request, declaration, asked, progress)
        except MlprojError as trouble:
            if request.manager != "auto":
                raise
            reason = f"no conda packages, translated to Python packages: {trouble.message}"
            paths.write_atomic(file, json.dumps({"instead": reason, "when": time.time()}))
            return _translated(request, declaration, progress, reason)
        _keep(file, kept)
    return CondaEnvironment(request, declaration, asked, kept)


def _translated(request: Request, declaration: Declaration, progress: Progress, reason: str | None) -> Environment:
    from mlproj.environments import python
    from mlproj.environments.declaration import read

    requirements = read(declaration, request)
    noted = replace(requirements, notes=(reason, *requirements.notes)) if reason else requirements
    return python.for_requirements(request, declaration, noted, progress)


def _solve(request: Request, declaration: Declaration, asked: Asked, progress: Progress) -> _Solved:
    if asked.explicit:
        with progress.step(f"looking at {len(asked.explicit)} conda packages"):
            packages = rattler.described(asked.explicit)
        return _Solved(tuple(packages), rattler.platform(), None, "the file names exact packages")
    # Which of conda's packages are pinned is no question to the Python package index.
    without_pins = replace(asked.pip, packages=())
    as_of = date_policy.decide(request, declaration, without_pins, lambda: None)
    with progress.step("solving the conda packages"):
        packages = rattler.solve(asked.channels, asked.specs, as_of.moment, offline=request.offline)
    return _Solved(tuple(packages), rattler.platform(), as_of.moment, as_of.reason, as_of.notes)


class CondaEnvironment:
    """A solved conda environment."""

    def __init__(self, request: Request, declaration: Declaration, asked: Asked, solved: _Solved) -> None:
        self._request = request
        self._asked = asked
        self._solved = solved
        python = next((package.version for package in solved.packages if package.name == "python"), None)
        shown = [channels.shown(spec) for spec in asked.specs] or [f"{one.name}=={one.version}" for one in solved.packages]
        where = ", ".join(map(channels.shown, asked.channels))
        self.description = Description(
            kind="conda",
            manager="rattler",
            declaration=declaration,
            key=key.digest(
                {
                    "layout": _LAYOUT,
                    "conda": rattler.digest(solved.packages),
                    "as_of": solved.moment.isoformat() if solved.moment else None,
                    "index": dict(package_index.fingerprint()) if _has_pip(asked) else {},
                    **key.asked(asked.pip, request.root),
                }
            ),
            python=python,
            python_reason=f"{declaration.file.name} asks for it" if declaration.file and asked.python else "",
            requirements=(*shown, *(f"pip: {mask_url(line)}" for line in asked.pip.packages)),
            as_of=solved.moment,
            as_of_reason=solved.as_of_reason,
            notes=(*([f"conda packages from {where}"] if where else []), *asked.pip.notes, *solved.notes),
        )

    def is_ready(self) -> bool:
        """Whether it is built."""
        assert self.description.key is not None
        return transaction.find(self.description.key) is not None

    def prepare(self, progress: Progress, *, rebuild: bool = False) -> Prepared:
        """Install it, or find it installed; it is kept from removal until this process ends. Raises EnvironmentFailure."""
        assert self.description.key is not None
        folder, reused = transaction.obtain(self.description.key, lambda staging: self._build(staging, progress), progress, rebuild=rebuild)
        content = transaction.description(folder)
        prefix = folder / _PREFIX
        roots = editable.import_roots([(int(index), str(place)) for index, place in content.get("import_roots", [])], self._editables())
        inherited = os.environ.get("PYTHONPATH")
        python_path = {"PYTHONPATH": os.pathsep.join([*roots, *([inherited] if inherited else [])])} if roots else {}
        own = {"CONDA_PREFIX": str(prefix), "CONDA_DEFAULT_ENV": str(prefix), **self._asked.pip.variables, **python_path}
        return Prepared(
            variables={**own, **_activated(prefix, own)},
            path=(prefix / "bin",),
            unset=_UNSET,
            lock=folder / locked.NAME,
            python=self.description.python,
            reused=reused,
            packages=content.get("packages", {}),
        )

    def _editables(self) -> list[Path]:
        return [Path(folder) for folder in self._asked.pip.editables if folder.startswith("/")]

    def _build(self, staging: Path, progress: Progress) -> dict[str, Any]:
        assert self.description.key is not None
        prefix, packages = staging / _PREFIX, self._solved.packages
        with progress.step(f"installing {len(packages)} conda packages"):
            rattler.install(packages, prefix, paths.environments() / self.description.key / _PREFIX, offline=self._request.offline)
        installed = {package.name: package.version for package in packages}
        pip_lines: list[str] = []
        roots: list[tuple[int, str]] = []
        if _has_pip(self._asked):
            from mlproj.environments.conda import with_pip

            added = with_pip.install(self._asked.pip, self._solved.moment, prefix, self._request, progress)
            pip_lines, roots = added.lines, editable.detach(added.site_packages, self._editables())
            installed |= added.packages
        for place in staging.iterdir():
            if place.is_file():
                place.unlink()
        (staging / locked.NAME).write_text(locked.explicit(packages, self._solved.platform, pip_lines), "utf-8")
        told = self.description
        return {
            "kind": told.kind,
            "manager": told.manager,
            "python": told.python,
            "declaration": " ".join(filter(None, (told.declaration.kind, told.declaration.file.name if told.declaration.file else ""))),
            "requirements": list(told.requirements),
            "as_of": told.as_of.isoformat() if told.as_of else None,
            "notes": list(told.notes),
            "packages": installed,
            "import_roots": roots,
        }


def _has_pip(asked: Asked) -> bool:
    return bool(asked.pip.packages or asked.pip.editables)


def _activated(prefix: Path, own: Mapping[str, str]) -> dict[str, str]:
    """The variables that the packages' own activation scripts and files set.

    https://docs.conda.io/projects/conda/en/latest/user-guide/tasks/manage-environments.html#saving-environment-variables
    """
    found: dict[str, str] = {}
    for file in sorted((prefix / "etc" / "conda" / "env_vars.d").glob("*.json")):
        try:
            found |= {str(name): str(value) for name, value in json.loads(file.read_text("utf-8")).items()}
        except (OSError, ValueError, AttributeError) as error:
            raise EnvironmentFailure(f"{file.name} of a conda package cannot be read: {error}") from error
    scripts = sorted((prefix / "etc" / "conda" / "activate.d").glob("*.sh"))
    if not scripts:
        return found
    before = {**os.environ, **own, **found, "PATH": f"{prefix / 'bin'}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    script = 'for file in "$@"; do . "$file" >&2; done; env -0'
    done = process.run(["bash", "-c", script, "activate", *scripts], env=before)
    if done.returncode:
        raise EnvironmentFailure(
            f"a conda package cannot be activated: {done.error_text.strip()[-500:]}", hint="--env-manager uv does without"
        )
    after = dict(line.split("=", 1) for line in done.stdout.decode("utf-8", "surrogateescape").split("\0") if "=" in line)
    ignored = {"PATH", "_", "SHLVL", "PWD", "OLDPWD"}
    return found | {name: value for name, value in after.items() if name not in ignored and before.get(name) != value}


def _file(request: Request, declaration: Declaration, asked: Asked) -> Path:
    """Where the answer to this question is kept."""
    content = {
        "format": 1,
        "channels": asked.channels,
        "specs": asked.specs,
        "explicit": asked.explicit,
        "request": [request.as_of, request.time_travel, str(request.commit_date)],
        "file": str(declaration.file).replace(str(request.root), "<root>"),
        "virtual": {name: value for name, value in os.environ.items() if name.startswith("CONDA_OVERRIDE_")},
    }
    return paths.cache() / "decisions" / f"conda-{key.digest(content)}.json"


def _recall(file: Path) -> _Solved | str | None:
    """What was found before: packages, or why there are none."""
    try:
        kept = json.loads(file.read_bytes())
        if "instead" in kept:
            return str(kept["instead"]) if 0 <= time.time() - float(kept["when"]) < _REMEMBERED else None
        packages = tuple(Package(one["url"], one["channel"], one["record"]) for one in kept["packages"])
        moment = datetime.fromisoformat(kept["moment"]) if kept["moment"] else None
        return _Solved(packages, kept["platform"], moment, kept["as_of_reason"], tuple(kept["notes"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _keep(file: Path, solved: _Solved) -> None:
    content = {
        "packages": [{"url": one.url, "channel": one.channel, "record": one.record} for one in solved.packages],
        "platform": solved.platform,
        "moment": solved.moment.isoformat() if solved.moment else None,
        "as_of_reason": solved.as_of_reason,
        "notes": solved.notes,
    }
    paths.write_atomic(file, json.dumps(content))
