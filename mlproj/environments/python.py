"""A Python environment: interpreter, moment and packages decided from a declaration, then built once and kept."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from mlproj import paths
from mlproj.environments import date_policy, decision, editable, interpreter, key, lock, package_index, python_choice, store
from mlproj.environments.base import Declaration, Description, Environment, Prepared, Request
from mlproj.environments.decision import Decision
from mlproj.environments.interpreter import Interpreter
from mlproj.environments.requirements import Requirements
from mlproj.environments.uv import Uv
from mlproj.progress import Progress
from mlproj.redaction import mask_url

_UNSET = ("PYTHONHOME", "__PYVENV_LAUNCHER__", "CONDA_PREFIX", "CONDA_DEFAULT_ENV", "CONDA_PROMPT_MODIFIER", "CONDA_SHLVL")


def create(request: Request, declaration: Declaration, progress: Progress) -> Environment:
    """Decide the Python environment for *declaration*. Nothing is built; an index may be asked the first time.

    Raises :class:`InvalidProject`, :class:`UsageError`, :class:`EnvironmentFailure`.
    """
    from mlproj.environments.declaration import read

    return for_requirements(request, declaration, read(declaration, request), progress)


def for_requirements(request: Request, declaration: Declaration, requirements: Requirements, progress: Progress) -> PythonEnvironment:
    """The Python environment for what a declaration was read into; as :func:`create` without the reading."""
    for warning in requirements.warnings:
        progress.warn(warning)
    index = package_index.fingerprint()
    digest = decision.question(request, declaration, requirements, index)
    decided = decision.recall(digest)
    lock_text = None
    if decided is None:
        decided, lock_text = _Decider(request, declaration, requirements, progress).decide()
        decision.keep(digest, decided)
    manager = "virtualenv" if request.manager == "virtualenv" else "uv"
    description = Description(
        kind="python",
        manager=manager,
        declaration=declaration,
        key=key.compute(requirements, decided.interpreter, decided.moment, manager, index, request.root),
        python=decided.interpreter.version,
        python_reason=decided.python_reason,
        requirements=tuple(mask_url(line) for line in (*requirements.packages, *(f"-e {folder}" for folder in requirements.editables))),
        as_of=decided.moment,
        as_of_reason=decided.as_of_reason,
        notes=(*requirements.notes, *decided.notes),
    )
    return PythonEnvironment(description, request, requirements, decided.interpreter, lock_text)


_AS_OF_HINT = "--as-of today resolves with the packages of today, --as-of DATE with those of another day"


class PythonEnvironment:
    """A decided Python environment; ``prepare`` resolves, installs and locks it, or finds that done."""

    def __init__(
        self, description: Description, request: Request, requirements: Requirements, chosen: Interpreter, lock_text: str | None
    ) -> None:
        self.description = description
        self._request = request
        self._requirements = requirements
        self._interpreter = chosen
        self._lock_text = lock_text

    def is_ready(self) -> bool:
        """Whether it is built."""
        assert self.description.key is not None
        return store.find(self.description.key) is not None

    def prepare(self, progress: Progress, *, rebuild: bool = False) -> Prepared:
        """Build it, or find it built; it is kept from removal until this process ends. Raises EnvironmentFailure."""
        assert self.description.key is not None
        folder, reused = store.obtain(self.description.key, lambda staging: self._build(staging, progress), progress, rebuild=rebuild)
        content = store.description(folder)
        roots = editable.import_roots([(int(index), str(place)) for index, place in content.get("import_roots", [])], self._editables())
        return Prepared(
            variables={**self._requirements.variables, "VIRTUAL_ENV": str(folder / "venv"), **_python_path(roots)},
            path=(folder / "venv" / "bin",),
            unset=_UNSET,
            lock=folder / "pylock.toml",
            python=self.description.python,
            reused=reused,
            packages=content.get("packages", {}),
        )

    def _editables(self) -> list[Path]:
        return [Path(folder) for folder in self._requirements.editables if folder.startswith("/")]

    def _build(self, staging: Path, progress: Progress) -> dict[str, Any]:
        from mlproj.environments import installer

        uv = Uv(staging, package_index.settings(), progress, offline=self._request.offline)
        manager, venv = self.description.manager, staging / "venv"
        bounds = lock.bounds(self.description.as_of, self._interpreter)
        with progress.step("resolving the packages"):
            text = self._lock(uv)
        corrected = _corrections(staging, progress)
        with progress.step(f"installing {len(lock.packages(text))} packages"):
            installer.create(uv, manager, self._interpreter, venv, progress)
            installer.install(uv, manager, venv, text, self._requirements, bounds, progress)
        roots = editable.detach(installer.site_packages(venv), self._editables())
        _remove_files(staging)
        (staging / "pylock.toml").write_text(lock.portable(text, self._request.root), "utf-8")
        return {
            **self._record(),
            "notes": [*self.description.notes, *corrected],
            "import_roots": roots,
            "packages": installer.installed_packages(venv),
        }

    def _lock(self, uv: Uv) -> str:
        if self._requirements.lock_file is not None:
            return lock.export(uv, self._requirements.lock_file, self._interpreter.path)
        if self._lock_text is not None:
            return self._lock_text
        ask = lock.Ask(self._requirements, self._interpreter, self.description.as_of)
        hint = _AS_OF_HINT if self.description.as_of else None
        return lock.resolve(uv, ask, hint)

    def _record(self) -> dict[str, Any]:
        told = self.description
        place = told.declaration.file
        return {
            "kind": told.kind,
            "manager": told.manager,
            "python": told.python,
            "declaration": " ".join(filter(None, (told.declaration.kind, place.name if place else ""))),
            "requirements": list(told.requirements),
            "as_of": told.as_of.isoformat() if told.as_of else None,
        }


def _corrections(staging: Path, progress: Progress) -> list[str]:
    from mlproj.environments import legacy_metadata

    corrected = [
        f"the metadata of {release} is older than PEP 440 and was corrected for uv" for release in legacy_metadata.corrections(staging)
    ]
    for line in corrected:
        progress.note(line)
    return corrected


def _remove_files(staging: Path) -> None:
    """Remove the working files of a build; they may hold credentials of an index."""
    for place in staging.iterdir():
        if place.is_file():
            place.unlink()


def _python_path(roots: list[str]) -> dict[str, str]:
    if not roots:
        return {}
    inherited = os.environ.get("PYTHONPATH")
    return {"PYTHONPATH": os.pathsep.join([*roots, *([inherited] if inherited else [])])}


class _Decider:
    """Chooses interpreter and moment, asking the index where that is the only way to know."""

    def __init__(self, request: Request, declaration: Declaration, requirements: Requirements, progress: Progress) -> None:
        self.request = request
        self.declaration = declaration
        self.requirements = requirements
        self.progress = progress
        self.found = interpreter.find()

    def decide(self) -> tuple[Decision, str | None]:
        """The decision, and the lock where finding it meant resolving already."""
        wish = self.requirements.python
        if wish is not None and python_choice.is_exact(wish):
            choice, text = self._named(wish), None
            as_of = self._as_of([choice.interpreter])
        else:
            as_of = self._as_of(self._candidates(wish, None))
            choice, text = self._best(wish, as_of.moment)
        reason = "; ".join(filter(None, (self.requirements.python_reason, choice.reason)))
        notes = (*as_of.notes, *([choice.note] if choice.note else []))
        return Decision(choice.interpreter, reason, as_of.moment, as_of.reason, notes), text

    def _named(self, wish: str) -> python_choice.Choice:
        choice = python_choice.named(wish, self.found)
        if choice is None:
            attempt = self._download(python_choice.minor_of(wish))
            choice = python_choice.named(wish, self.found)
            if choice is None:
                raise python_choice.none_fits(wish, self.found, attempt)
        return choice

    def _download(self, minor: str) -> str | None:
        """Let uv fetch a Python into the cache; why that failed, None when it did not."""
        if self.request.offline:
            return "--offline"
        with self.progress.step(f"downloading Python {minor}"), self._uv() as uv:
            done = uv.run("python", "install", "--no-bin", "--quiet", minor)
        if done.returncode:
            lines = [line.strip() for line in done.error_text.splitlines() if line.strip()]
            return mask_url(lines[0]) if lines else f"uv ended with code {done.returncode}"
        self.found = interpreter.find()
        return None

    def _candidates(self, wish: str | None, moment: datetime | None) -> list[Interpreter]:
        candidates = python_choice.candidates(wish, self.found, moment)
        if not candidates:
            raise python_choice.none_fits(wish or ">=3.6", self.found, None)
        return candidates

    def _as_of(self, candidates: list[Interpreter]) -> date_policy.AsOf:
        return date_policy.decide(self.request, self.declaration, self.requirements, lambda: self._pin_date(candidates))

    def _pin_date(self, candidates: list[Interpreter]) -> datetime | None:
        pins = [package for package in self.requirements.packages if package not in self.requirements.implied]
        with self.progress.step("looking up when the pinned packages were released"), self._uv() as uv:
            for candidate in candidates:
                dates = lock.upload_dates(uv, pins, candidate, self.requirements.options)
                if dates is not None:
                    return max(dates)
        return None

    def _best(self, wish: str | None, moment: datetime | None) -> tuple[python_choice.Choice, str | None]:
        candidates = self._candidates(wish, moment)
        first = candidates[0]
        day = f"as of {moment:%Y-%m-%d}" if moment else "today"
        asked = lock.direct_names(self.requirements)
        if self.requirements.lock_file is not None or not asked or len(candidates) == 1:
            return python_choice.Choice(first, f"Python {first.version}: {_why_only(candidates, day)}"), None
        with self.progress.step("choosing a Python that the packages have wheels for"), self._uv() as uv:
            fitting = _with_wheels(uv, lock.Ask(self.requirements, first, moment), candidates, frozenset(asked))
        if fitting is None:
            return python_choice.Choice(first, f"Python {first.version}: no Python here has wheels of everything {day}"), None
        chosen, why, text = fitting
        return python_choice.Choice(chosen, f"Python {chosen.version}: {why or 'the usual one'} {day}"), text

    @contextmanager
    def _uv(self) -> Iterator[Uv]:
        settings: Mapping[str, str] = package_index.settings()
        if not os.environ.get("UV_PYTHON_INSTALL_DIR"):
            settings = {**settings, "UV_PYTHON_INSTALL_DIR": str(interpreter.downloads())}
        with paths.temporary_folder(paths.cache() / "work", "uv.") as folder:
            yield Uv(folder, {**settings, "UV_PYTHON_DOWNLOADS": "manual"}, self.progress, offline=self.request.offline)


def _why_only(candidates: list[Interpreter], day: str) -> str:
    return "the only one here that is allowed" if len(candidates) == 1 else f"the usual one {day}"


def _with_wheels(uv: Uv, ask: lock.Ask, candidates: list[Interpreter], asked: frozenset[str]) -> tuple[Interpreter, str, str] | None:
    """The first interpreter for which everything that is asked for comes as wheels.

    Returns it, why the ones before it were passed over (empty when it is the first), and the lock. A package that has
    no wheel for any of them is allowed to be built, and the search begins anew; None when that does not help.
    """
    only_binary = asked
    while only_binary:
        blamed: dict[str, int] = {}
        refused = ""
        for candidate in candidates:
            result = lock.try_resolve(uv, replace(ask, interpreter=candidate, only_binary=only_binary))
            if isinstance(result, str):
                return candidate, refused, result
            blame = lock.could_be_built(result)
            if blame in only_binary:
                blamed[blame] = blamed.get(blame, 0) + 1
            refused = refused or _why_refused(ask.requirements, result)
        if not blamed:
            return None
        only_binary -= {max(blamed, key=lambda name: blamed[name])}
    return None


def _why_refused(requirements: Requirements, refusal: lock.Refusal) -> str:
    name = lock.lacks_wheels(refusal)
    if name is None:
        return "the newest that the packages can be resolved for"
    asked_as = next((package for package in requirements.packages if lock.name_of(package) == name), name)
    return f"the newest with wheels for {asked_as}"
