"""A conda environment: its packages solved once and kept, then installed, with what pip adds, as any other
environment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mlproj.environments.base import INSIDE, MATERIAL, Declaration, Description, Environment, Packed, Prepared, Request
from mlproj.environments.cache import transaction
from mlproj.environments.conda import activation, locked, tool, tool_choice
from mlproj.environments.conda.requested import Requested, is_native
from mlproj.environments.conda.requested import read as read_requested
from mlproj.environments.conda.solution_cache import SolutionCache, Solved, Unsolved
from mlproj.environments.conda.tool import Access, Tool
from mlproj.environments.declarations.requirements import Requirements
from mlproj.environments.python import date_policy, editable, key, package_index
from mlproj.environments.python.date_policy import AsOf
from mlproj.foundation import paths, platforms
from mlproj.foundation.dataclass import dataclass, replace
from mlproj.foundation.errors import EnvironmentFailure
from mlproj.foundation.progress import Progress
from mlproj.foundation.redaction import mask_url

_LAYOUT = 1
"""Raised when what is installed from the same lock changes."""
_UNSET = ("PYTHONHOME", "__PYVENV_LAUNCHER__", "VIRTUAL_ENV", "CONDA_PROMPT_MODIFIER", "CONDA_SHLVL")
# A virtual environment does not look at packages of the user's own; a conda environment would.
_ALONE = {"PYTHONNOUSERSITE": "1"}
_PREFIX = "venv"  # where all kinds of environments have theirs


def create(request: Request, declaration: Declaration, progress: Progress) -> Environment:
    """The conda environment that *declaration* asks for; solved the first time. Where the user did not ask for conda
    and its packages cannot be had, a translation to Python packages.

    Raises InvalidProject, UsageError, EnvironmentFailure, ServiceError.
    """
    if not is_native(declaration) and request.locked is None:
        return _translated(request, declaration, progress)
    requested = _locked(request, declaration) if request.locked else read_requested(_file_of(declaration))
    for warning in requested.pip.warnings:
        progress.warn(str(warning))
    tools = {
        one.name: one for one in tool_choice.all_for(request.locked.manager if request.locked else request.manager)
    }
    cache = SolutionCache(request, declaration, requested, list(tools))
    answer = cache.recall()
    may_translate = request.manager == "auto" and not requested.explicit
    if answer is None or (isinstance(answer, Unsolved) and not may_translate):
        try:
            answer = _first_answer(list(tools.values()), request, declaration, requested, progress)
        except (tool.ChannelUnreachable, tool.Unsolvable) as trouble:
            if not may_translate:
                raise
            answer = Unsolved(f"no conda packages, translated to Python packages: {trouble.message}")
        cache.keep(answer)
    if isinstance(answer, Unsolved):
        return _translated(request, declaration, progress, answer.reason)
    return CondaEnvironment(request, declaration, requested, answer, tools[answer.tool])


def _file_of(declaration: Declaration) -> Path:
    assert declaration.file is not None
    return declaration.file


def _locked(request: Request, declaration: Declaration) -> Requested:
    """What a lock of an earlier run names, with the variables that the project's file sets and the indexes that it
    names."""
    assert request.locked is not None
    import dataclasses

    from mlproj.environments.python import lock, relocking
    from mlproj.environments.python.index_login import Logins

    exact = read_requested(relocking.lock_of(request.locked), request.root)
    if declaration.file is None or not is_native(declaration):
        return exact
    declared = read_requested(declaration.file).pip
    logins = Logins(declared)
    pip = dataclasses.replace(
        exact.pip,
        packages=tuple(map(logins.restored, exact.pip.packages)),
        editables=tuple(map(logins.restored, exact.pip.editables)),
        variables=declared.variables,
        settings=declared.settings,
        options=lock.index_options(declared.options),
    )
    return dataclasses.replace(exact, pip=pip)


def _first_answer(
    tools: list[Tool], request: Request, declaration: Declaration, requested: Requested, progress: Progress
) -> Solved:
    """What the first tool finds that can ask the channels; those before it are named in a note. Raises as the last one
    does."""
    passed_over: list[str] = []
    for one in tools:
        try:
            solved = _solve(one, request, declaration, requested, progress)
        except tool.ChannelUnreachable as trouble:
            if one is tools[-1]:
                raise
            passed_over.append(f"{one.name} is skipped: {trouble.message}")
        else:
            return replace(solved, notes=(*passed_over, *solved.notes))
    raise AssertionError("there is a tool")


def _translated(request: Request, declaration: Declaration, progress: Progress, *reason: str) -> Environment:
    from mlproj.environments.declarations.declaration import read
    from mlproj.environments.python import environment

    requirements = read(declaration, request)
    return environment.for_requirements(
        request, declaration, replace(requirements, notes=(*reason, *requirements.notes)), progress
    )


def _solve(
    chosen: Tool, request: Request, declaration: Declaration, requested: Requested, progress: Progress
) -> Solved:
    access, platform = Access(requested.credentials, request.offline), platforms.here()
    if requested.explicit:
        _check_platform(requested, platform)
        with progress.step(f"looking at {len(requested.explicit)} conda packages"):
            packages = chosen.described(requested.explicit, access)
        return Solved(tuple(packages), platform, None, "the file names exact packages", tool=chosen.name)
    # Which of conda's packages are pinned is no question to the Python package index.
    without_pins = replace(requested.pip, packages=())
    as_of = date_policy.decide(request, declaration, without_pins, lambda: None)
    with progress.step(f"solving the conda packages with {chosen.name}"):
        if as_of.moment is not None and not chosen.can_leave_out_newer():
            as_of = _as_of_today(chosen, request, as_of)
        packages = chosen.solve(requested.channels, requested.specs, as_of.moment, access)
    return Solved(tuple(packages), platform, as_of.moment, as_of.reason, as_of.notes, chosen.name)


def _as_of_today(chosen: Tool, request: Request, as_of: AsOf) -> AsOf:
    """What becomes of a moment that a tool knows nothing of. Raises EnvironmentFailure when the user asked for it."""
    assert as_of.moment is not None
    hint = "pip install 'mlproj[conda]': py-rattler can"
    if request.as_of != "auto":
        raise EnvironmentFailure(
            f"the {chosen.name} here cannot leave out packages that came after a date", hint=f"{hint}; or --as-of today"
        )
    note = (
        f"packages of today, not of {as_of.moment:%Y-%m-%d}: the {chosen.name} here cannot leave out newer ones"
        f" ({hint})"
    )
    return AsOf(None, "", (*as_of.notes, note))


def _check_platform(requested: Requested, platform: str) -> None:
    """Raises EnvironmentFailure for a lock of another platform."""
    other = next(
        (subdir for subdir in (one.split("/")[-2] for one in requested.explicit) if subdir not in (platform, "noarch")),
        None,
    )
    if other is not None:
        message = f"the file lists packages for {other}, and this machine is {platform}"
        raise EnvironmentFailure(
            message, hint="a lock holds for one platform: make one here from the file it was made from"
        )


@dataclass(frozen=True)
class _Installed:
    lock: str
    packages: dict[str, str]
    site_packages: Path | None = None


class CondaEnvironment:
    """A solved conda environment."""

    def __init__(
        self, request: Request, declaration: Declaration, requested: Requested, solved: Solved, chosen: Tool
    ) -> None:
        self._request = request
        self._asked = requested
        self._solved = solved
        self._tool = chosen
        environment = next((package.version for package in solved.packages if package.name == "python"), None)
        shown = requested.specs or [f"{one.name}=={one.version}" for one in solved.packages]
        where = ", ".join(requested.channels)
        self.description = Description(
            kind="conda",
            manager=chosen.name,
            declaration=declaration,
            key=key.digest(
                {
                    "layout": _LAYOUT,
                    "tool": chosen.name,
                    "conda": locked.digest(solved.packages),
                    "as_of": solved.moment.isoformat() if solved.moment else None,
                    "index": dict(package_index.fingerprint()) if requested.has_pip else {},
                    **key.asked(requested.pip, request.root),
                }
            ),
            python=environment,
            python_reason=f"{declaration.file.name} asks for it" if declaration.file and requested.python else "",
            requirements=(*shown, *(f"pip: {mask_url(line)}" for line in requested.pip.packages)),
            as_of=solved.moment,
            as_of_reason=solved.as_of_reason,
            notes=(*([f"conda packages from {where}"] if where else []), *requested.pip.notes, *solved.notes),
            warnings=requested.pip.warnings,
        )

    def is_ready(self) -> bool:
        """Whether it is built."""
        assert self.description.key is not None
        return transaction.find(self.description.key) is not None

    def prepare(self, progress: Progress, *, rebuild: bool = False) -> Prepared:
        """Install it, or find it installed; it is kept from removal until this process ends. Raises
        EnvironmentFailure."""
        assert self.description.key is not None
        folder, reused = transaction.obtain(
            self.description.key, lambda staging: self._build(staging, progress), progress, rebuild=rebuild
        )
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
        final = paths.environments() / self.description.key / _PREFIX
        built = self._install(staging, final, self._asked.pip, progress)
        roots = (
            editable.detach(built.site_packages, editable.local(self._asked.pip.editables))
            if built.site_packages
            else []
        )
        transaction.remove_files(staging)
        kept = self._request.locked.kept if self._request.locked else None
        (staging / locked.NAME).write_text(kept.read_text("utf-8") if kept else built.lock, "utf-8")
        return {**self.description.stored(), "packages": built.packages, "import_roots": roots}

    def _install(self, staging: Path, final: Path, pip: Requirements, progress: Progress) -> _Installed:
        """Install into the environment's folder of *staging*, which will be at *final*."""
        prefix, packages = staging / _PREFIX, self._solved.packages
        with progress.step(f"installing {len(packages)} conda packages"):
            self._tool.install(packages, prefix, final, Access(self._asked.credentials, self._request.offline))
        installed = {package.name: package.version for package in packages}
        if not self._asked.has_pip:
            return _Installed(locked.explicit(packages, self._solved.platform), installed)
        from mlproj.environments.conda import with_pip

        added = with_pip.install(pip, self._solved.moment, prefix, self._request, progress)
        lock = locked.explicit(packages, self._solved.platform, added.lines)
        return _Installed(lock, {**installed, **added.packages}, added.site_packages)

    @property
    def fitting_image(self) -> str:
        """Any with a C library will do: conda's packages bring the rest."""
        return "debian:stable-slim"

    def contents(self) -> list[str]:
        """Digests of the folders of packages that are installed in place here."""
        return [key.tree_digest(folder) for folder in editable.local(self._asked.pip.editables)]

    def pack(self, staging: Path, progress: Progress) -> Packed:
        """The same packages, installed for their place in an image. Raises EnvironmentFailure."""
        built = self._install(staging, Path(INSIDE), editable.copied(self._asked.pip), progress)
        transaction.remove_files(staging)
        prefix = staging / _PREFIX
        transaction.point_at(prefix / "bin", str(prefix).encode(), INSIDE.encode())
        own = {**_ALONE, "CONDA_PREFIX": INSIDE, "CONDA_DEFAULT_ENV": INSIDE}
        scripts = f"for file in {INSIDE}/{activation.SCRIPTS}/*.sh; do . $file >&2; done\n"
        return Packed(
            script=f"mkdir -p {Path(INSIDE).parent}\ncp -a {MATERIAL}/{_PREFIX} {INSIDE}\n",
            lock=(locked.NAME, built.lock),
            variables={**own, **self._asked.pip.variables, **activation.of_files(prefix)},
            begin=scripts if any((prefix / activation.SCRIPTS).glob("*.sh")) else "",
            packages=built.packages,
        )
