"""A conda environment: its packages solved once and kept, then installed, with what pip adds, as any other environment."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from mlproj import paths
from mlproj.environments import date_policy, editable, key, package_index, transaction
from mlproj.environments.base import Declaration, Description, Environment, Prepared, Request
from mlproj.environments.conda import activation, locked, rattler
from mlproj.environments.conda.asked import Asked, is_native
from mlproj.environments.conda.asked import read as read_asked
from mlproj.environments.conda.rattler import Access
from mlproj.environments.conda.remembered import Memory, Solved, Unsolved
from mlproj.errors import EnvironmentFailure
from mlproj.progress import Progress
from mlproj.redaction import mask_url

_LAYOUT = 1
"""Raised when what is installed from the same lock changes."""
_UNSET = ("PYTHONHOME", "__PYVENV_LAUNCHER__", "VIRTUAL_ENV", "CONDA_PROMPT_MODIFIER", "CONDA_SHLVL")
# A virtual environment does not look at packages of the user's own; a conda environment would.
_ALONE = {"PYTHONNOUSERSITE": "1"}
_PREFIX = "venv"  # where all kinds of environments have theirs


def create(request: Request, declaration: Declaration, progress: Progress) -> Environment:
    """The conda environment that *declaration* asks for; solved the first time. Where the user did not ask for conda and its packages
    cannot be had, a translation to Python packages.

    Raises InvalidProject, UsageError, EnvironmentFailure, ServiceError.
    """
    if not is_native(declaration):
        return _translated(request, declaration, progress)
    assert declaration.file is not None
    asked = read_asked(declaration.file)
    for warning in asked.pip.warnings:
        progress.warn(warning)
    memory = Memory(request, declaration, asked)
    answer = memory.recall()
    may_translate = request.manager == "auto" and not asked.explicit
    if answer is None or (isinstance(answer, Unsolved) and not may_translate):
        try:
            answer = _solve(request, declaration, asked, progress)
        except (rattler.ChannelAway, rattler.Unsolvable) as trouble:
            if not may_translate:
                raise
            answer = Unsolved(f"no conda packages, translated to Python packages: {trouble.message}")
        memory.keep(answer)
    if isinstance(answer, Unsolved):
        return _translated(request, declaration, progress, answer.reason)
    return CondaEnvironment(request, declaration, asked, answer)


def _translated(request: Request, declaration: Declaration, progress: Progress, *reason: str) -> Environment:
    from mlproj.environments import python
    from mlproj.environments.declaration import read

    requirements = read(declaration, request)
    return python.for_requirements(request, declaration, replace(requirements, notes=(*reason, *requirements.notes)), progress)


def _solve(request: Request, declaration: Declaration, asked: Asked, progress: Progress) -> Solved:
    access, platform = Access(asked.credentials, request.offline), rattler.platform()
    if asked.explicit:
        _check_platform(asked, platform)
        with progress.step(f"looking at {len(asked.explicit)} conda packages"):
            packages = rattler.described(asked.explicit, access)
        return Solved(tuple(packages), platform, None, "the file names exact packages")
    # Which of conda's packages are pinned is no question to the Python package index.
    without_pins = replace(asked.pip, packages=())
    as_of = date_policy.decide(request, declaration, without_pins, lambda: None)
    with progress.step("solving the conda packages"):
        packages = rattler.solve(asked.channels, asked.specs, as_of.moment, access)
    return Solved(tuple(packages), platform, as_of.moment, as_of.reason, as_of.notes)


def _check_platform(asked: Asked, platform: str) -> None:
    """Raises EnvironmentFailure for a lock of another platform."""
    other = next((subdir for subdir in (one.split("/")[-2] for one in asked.explicit) if subdir not in (platform, "noarch")), None)
    if other is not None:
        message = f"the file lists packages for {other}, and this machine is {platform}"
        raise EnvironmentFailure(message, hint="a lock holds for one platform: make one here from the file it was made from")


class CondaEnvironment:
    """A solved conda environment."""

    def __init__(self, request: Request, declaration: Declaration, asked: Asked, solved: Solved) -> None:
        self._request = request
        self._asked = asked
        self._solved = solved
        python = next((package.version for package in solved.packages if package.name == "python"), None)
        shown = asked.specs or [f"{one.name}=={one.version}" for one in solved.packages]
        where = ", ".join(asked.channels)
        self.description = Description(
            kind="conda",
            manager="rattler",
            declaration=declaration,
            key=key.digest(
                {
                    "layout": _LAYOUT,
                    "conda": locked.digest(solved.packages),
                    "as_of": solved.moment.isoformat() if solved.moment else None,
                    "index": dict(package_index.fingerprint()) if asked.has_pip else {},
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
        content, prefix = transaction.description(folder), folder / _PREFIX
        own = {
            **_ALONE,
            "CONDA_PREFIX": str(prefix),
            "CONDA_DEFAULT_ENV": str(prefix),
            **self._asked.pip.variables,
            **editable.python_path(content.get("import_roots", []), self._asked.pip.editables),
        }
        return Prepared(
            variables={**own, **activation.variables(prefix, own)},
            path=(prefix / "bin",),
            unset=_UNSET,
            lock=folder / locked.NAME,
            python=self.description.python,
            reused=reused,
            packages=content.get("packages", {}),
        )

    def _build(self, staging: Path, progress: Progress) -> dict[str, Any]:
        assert self.description.key is not None
        prefix, packages = staging / _PREFIX, self._solved.packages
        access = Access(self._asked.credentials, self._request.offline)
        with progress.step(f"installing {len(packages)} conda packages"):
            rattler.install(packages, prefix, paths.environments() / self.description.key / _PREFIX, access)
        installed = {package.name: package.version for package in packages}
        pip_lines: list[str] = []
        roots: list[tuple[int, str]] = []
        if self._asked.has_pip:
            from mlproj.environments.conda import with_pip

            added = with_pip.install(self._asked.pip, self._solved.moment, prefix, self._request, progress)
            pip_lines, roots = added.lines, editable.detach(added.site_packages, editable.local(self._asked.pip.editables))
            installed |= added.packages
        transaction.remove_files(staging)
        (staging / locked.NAME).write_text(locked.explicit(packages, self._solved.platform, pip_lines), "utf-8")
        return {**self.description.stored(), "packages": installed, "import_roots": roots}
