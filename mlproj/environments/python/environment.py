"""A Python environment: interpreter, moment and packages decided from a declaration, then built once and kept."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlproj.environments.base import INSIDE, Declaration, Description, Environment, Packed, Prepared, Request
from mlproj.environments.cache import transaction
from mlproj.environments.declarations.requirements import Requirements
from mlproj.environments.python import decision, editable, key, package_index
from mlproj.environments.python.interpreter import Interpreter
from mlproj.foundation.errors import EnvironmentFailure
from mlproj.foundation.progress import Progress
from mlproj.foundation.redaction import mask_url

if TYPE_CHECKING:
    from mlproj.environments.python.uv import Uv

_UNSET = (
    "PYTHONHOME",
    "__PYVENV_LAUNCHER__",
    "CONDA_PREFIX",
    "CONDA_DEFAULT_ENV",
    "CONDA_PROMPT_MODIFIER",
    "CONDA_SHLVL",
)


def create(request: Request, declaration: Declaration, progress: Progress) -> Environment:
    """Decide the Python environment for *declaration*. Nothing is built; an index may be asked the first time.

    Raises :class:`InvalidProject`, :class:`UsageError`, :class:`EnvironmentFailure`.
    """
    from mlproj.environments.declarations.declaration import read

    requirements = read(declaration, request)
    if request.locked is not None:
        from mlproj.environments.python import relocking

        requirements = relocking.of_python(requirements, request.locked)
    return for_requirements(request, declaration, requirements, progress)


def for_requirements(
    request: Request, declaration: Declaration, requirements: Requirements, progress: Progress
) -> PythonEnvironment:
    """The Python environment for what a declaration was read into; as :func:`create` without the reading."""
    for warning in requirements.warnings:
        progress.warn(str(warning))
    if request.relax and request.locked is None:
        from mlproj.environments.python import relaxation

        requirements = relaxation.allowed(requirements, request.relax)
    index = package_index.fingerprint()
    digest = decision.question(request, declaration, requirements, index)
    decided = decision.recall(digest)
    lock_text = None
    if decided is None:
        from mlproj.environments.python.decider import Decider

        decided, lock_text = Decider(request, declaration, requirements, progress).decide()
        decision.keep(digest, decided)
    wished = request.locked.manager if request.locked else request.manager
    manager = "virtualenv" if wished == "virtualenv" else "uv"
    if manager == "virtualenv":
        _check_pip(requirements)
    description = Description(
        kind="python",
        manager=manager,
        declaration=declaration,
        key=key.compute(requirements, decided.interpreter, decided.moment, manager, index, request.root),
        python=decided.interpreter.version,
        python_reason=decided.python_reason,
        requirements=tuple(
            mask_url(line) for line in (*requirements.packages, *(f"-e {folder}" for folder in requirements.editables))
        ),
        as_of=decided.moment,
        as_of_reason=decided.as_of_reason,
        notes=(*requirements.notes, *decided.notes),
        warnings=requirements.warnings,
    )
    return PythonEnvironment(description, request, requirements, decided.interpreter, lock_text)


def _check_pip(requirements: Requirements) -> None:
    """Raise EnvironmentFailure where pip would take a package from another index than the project says."""
    bound = sorted(name for name, source in requirements.sources.items() if any("index" in entry for entry in source))
    if bound or "index" in requirements.settings:
        what = f"take {bound[0]} from its index only" if bound else "read the indexes that pyproject.toml names"
        raise EnvironmentFailure(
            f"--env-manager virtualenv installs with pip, which cannot {what}", hint="leave it out: uv can"
        )


_AS_OF_HINT = "--as-of today resolves with the packages of today, --as-of DATE with those of another day"


class PythonEnvironment:
    """A decided Python environment; ``prepare`` resolves, installs and locks it, or finds that done."""

    def __init__(
        self,
        description: Description,
        request: Request,
        requirements: Requirements,
        chosen: Interpreter,
        lock_text: str | None,
    ) -> None:
        self.description = description
        self._request = request
        self._requirements = requirements
        self._interpreter = chosen
        self._lock_text = lock_text

    def is_ready(self) -> bool:
        """Whether it is built."""
        assert self.description.key is not None
        return transaction.find(self.description.key) is not None

    def prepare(self, progress: Progress, *, rebuild: bool = False) -> Prepared:
        """Build it, or find it built; it is kept from removal until this process ends. Raises EnvironmentFailure."""
        assert self.description.key is not None
        folder, reused = transaction.obtain(
            self.description.key, lambda staging: self._build(staging, progress), progress, rebuild=rebuild
        )
        content = transaction.description(folder)
        python_path = editable.python_path(content.get("import_roots", []), self._requirements.editables)
        return Prepared(
            variables={**self._requirements.variables, "VIRTUAL_ENV": str(folder / "venv"), **python_path},
            path=(folder / "venv" / "bin",),
            unset=_UNSET,
            lock=folder / "pylock.toml",
            python=self.description.python,
            reused=reused,
            packages=content.get("packages", {}),
            # One that came with a package is in the cache, which a sandbox hides.
            readable=(Path(self._interpreter.path).parent.parent,) if self._interpreter.source == "package" else (),
        )

    def _build(self, staging: Path, progress: Progress) -> dict[str, Any]:
        from mlproj.environments.python import installer, lock, uv_configuration

        uv = uv_configuration.uv_for(staging, self._requirements, progress, offline=self._request.offline)
        manager, venv = self.description.manager, staging / "venv"
        bounds = lock.bounds(self.description.as_of, self._interpreter)
        with (
            installer.creating(uv, manager, self._interpreter, venv, progress),
            progress.step("resolving the packages"),
        ):
            text = self._lock(uv, self._requirements, self._lock_text)
            count = len(lock.packages(text))
        corrected = _corrections(staging, text, self.description.as_of, progress)
        with progress.step(f"installing {count} packages"):
            installer.install(uv, manager, self._interpreter, venv, text, self._requirements, bounds, progress)
        roots = editable.detach(installer.site_packages(venv), editable.local(self._requirements.editables))
        transaction.remove_files(staging)
        (staging / "pylock.toml").write_text(self._kept(text), "utf-8")
        return {
            **self.description.stored(),
            "notes": [*self.description.notes, *corrected],
            "import_roots": [*roots, *self._requirements.import_roots],
            "packages": installer.installed_packages(venv),
        }

    @property
    def fitting_image(self) -> str:
        """Python's own image of the same minor version."""
        return f"python:{'.'.join(map(str, self._interpreter.minor))}-slim"

    def contents(self) -> list[str]:
        """Digests of the folders of packages that are installed in place here."""
        return [key.tree_digest(folder) for folder in editable.local(self._requirements.editables)]

    def pack(self, staging: Path, progress: Progress) -> Packed:
        """What the same lock is installed from in an image. Raises EnvironmentFailure."""
        from mlproj.environments.python import lock, packing, uv_configuration

        asked = editable.copied(self._requirements)
        uv = uv_configuration.uv_for(staging, asked, progress, offline=self._request.offline)
        with progress.step("resolving the packages"):
            text = self._narrowed(self._lock(uv, asked, self._lock_text if asked == self._requirements else None))
        _corrections(staging, text, self.description.as_of, progress)
        transaction.remove_files(staging, but=("uv.toml",))
        material = packing.Material(staging, self._interpreter, asked, offline=self._request.offline)
        return Packed(
            script=material.put(text, lock.bounds(self.description.as_of, self._interpreter)),
            lock=("pylock.toml", self._kept(text)),
            variables={**asked.variables, "VIRTUAL_ENV": INSIDE},
            packages={entry["name"]: entry["version"] for entry in lock.packages(text) if "version" in entry},
            readable=packing.links(asked),
        )

    def _kept(self, text: str) -> str:
        """The lock that is kept with the environment, of which *text* was installed."""
        from mlproj.environments.python import lock

        kept = self._requirements.kept_lock
        return kept.read_text("utf-8") if kept else self._narrowed(lock.portable(text, self._request.root))

    def _narrowed(self, text: str) -> str:
        """A lock of ours says what it is for: the wheels of one Python."""
        from mlproj.environments.python import lock

        return text if self._requirements.lock_file is not None else lock.narrowed(text, self._interpreter.version)

    def _lock(self, uv: Uv, asked: Requirements, known: str | None) -> str:
        from mlproj.environments.python import lock, relocking, resolver
        from mlproj.environments.python.index_login import Logins

        if self._requirements.lock_file is not None:
            text = lock.export(uv, self._requirements.lock_file, self._interpreter.path)
            text = Logins(self._requirements).restored(text)
            if self._requirements.kept_lock is not None:
                return relocking.placed(text, self._request.root)
            # uv names folders from where it works, and a lock from where it is.
            by_uv = self._requirements.lock_file.name == "uv.lock"
            return relocking.placed(text, uv.folder.resolve() if by_uv else self._requirements.lock_file.parent)
        if known is not None:
            return known
        ask = lock.ResolveRequest(asked, self._interpreter, self.description.as_of)
        hint = _AS_OF_HINT if self.description.as_of else None
        return resolver.resolve(uv, ask, hint)


def _corrections(staging: Path, text: str, moment: datetime | None, progress: Progress) -> list[str]:
    """What is not quite as declared in an environment of the lock *text*, once each."""
    from mlproj.environments.python import legacy_metadata, lock

    corrected = [
        f"the metadata of {release} is older than PEP 440 and was corrected for uv"
        for release in legacy_metadata.corrections(staging)
    ]
    if lock.builds_with_later_tools(text, moment):
        corrected.append(
            f"packages without wheels are built with setuptools of {lock.BUILDERS_FROM:%Y-%m}: installers ask for no"
            " older one"
        )
    for line in corrected:
        progress.note(line)
    return corrected
