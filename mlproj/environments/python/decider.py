"""Decides interpreter and moment for a declaration, asking the package index where that is the only way to know."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from mlproj.environments.base import Declaration, Request
from mlproj.environments.declarations.requirements import Requirements
from mlproj.environments.python import (
    date_policy,
    interpreter,
    lock,
    package_index,
    python_choice,
    resolver,
    uv_configuration,
)
from mlproj.environments.python.decision import Decision
from mlproj.environments.python.interpreter import Interpreter
from mlproj.environments.python.uv import Uv
from mlproj.foundation import paths
from mlproj.foundation.dataclass import replace
from mlproj.foundation.progress import Progress
from mlproj.foundation.redaction import mask_url


class Decider:
    """Chooses interpreter and moment, asking the index where that is the only way to know."""

    def __init__(
        self, request: Request, declaration: Declaration, requirements: Requirements, progress: Progress
    ) -> None:
        self.request = request
        self.declaration = declaration
        self.requirements = requirements
        self.progress = progress
        self.found: list[Interpreter] = []

    def decide(self) -> tuple[Decision, str | None]:
        """The decision, and the lock where finding it meant resolving already."""
        version_spec = self.requirements.python
        if version_spec is not None and python_choice.is_exact(version_spec):
            major, minor = python_choice.minor_of(version_spec).split(".")
            self.found = interpreter.find((int(major), int(minor)))
            choice, text = self._named(version_spec), None
            as_of = self._as_of([choice.interpreter])
        else:
            self.found = interpreter.find()
            as_of = self._as_of(self._candidates(version_spec, None))
            choice, text = self._best(version_spec, as_of.moment)
        reason = "; ".join(filter(None, (self.requirements.python_reason, choice.reason)))
        notes = (*as_of.notes, *([choice.note] if choice.note else []))
        return Decision(choice.interpreter, reason, as_of.moment, as_of.reason, notes), text

    def _named(self, version_spec: str) -> python_choice.Choice:
        if brought := self._bundled():
            return brought
        choice = python_choice.named(version_spec, self.found)
        if choice is None:
            attempt = self._download(python_choice.minor_of(version_spec))
            choice = python_choice.named(version_spec, self.found)
            if choice is None:
                raise python_choice.none_fits(version_spec, interpreter.find(), attempt)
        return choice

    def _bundled(self) -> python_choice.Choice | None:
        """The Python that came with a package, where it runs here."""
        program = self.request.locked.interpreter if self.request.locked else None
        found = interpreter.at(program, "package") if program else None
        return python_choice.Choice(found, "it came with the package") if found else None

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

    def _candidates(self, version_spec: str | None, moment: datetime | None) -> list[Interpreter]:
        candidates = python_choice.candidates(version_spec, self.found, moment)
        if not candidates:
            raise python_choice.none_fits(version_spec or ">=3.6", self.found, None)
        return candidates

    def _as_of(self, candidates: list[Interpreter]) -> date_policy.AsOf:
        return date_policy.decide(self.request, self.declaration, self.requirements, lambda: self._pin_date(candidates))

    def _pin_date(self, candidates: list[Interpreter]) -> datetime | None:
        elsewhere = self.requirements.sources
        pins = [
            one
            for one in self.requirements.packages
            if one not in self.requirements.implied and lock.name_of(one) not in elsewhere
        ]
        with self.progress.step("looking up when the pinned packages were released"), self._uv() as uv:
            for candidate in candidates:
                dates = lock.upload_dates(uv, pins, candidate, self.requirements.options)
                if dates is not None:
                    return max(dates)
        return None

    def _best(self, version_spec: str | None, moment: datetime | None) -> tuple[python_choice.Choice, str | None]:
        candidates = self._candidates(version_spec, moment)
        first = candidates[0]
        day = f"as of {moment:%Y-%m-%d}" if moment else "today"
        asked = lock.direct_names(self.requirements)
        if self.requirements.lock_file is not None and len(candidates) > 1:
            return self._locked(self.requirements.lock_file, candidates), None
        if not asked or len(candidates) == 1:
            return python_choice.Choice(first, f"Python {first.version}: {_why_only(candidates, day)}"), None
        with self.progress.step("choosing a Python that the packages have wheels for"), self._uv() as uv:
            fitting = _with_wheels(
                uv,
                lock.ResolveRequest(self.requirements, first, moment),
                candidates,
                _of_indexes(asked, self.requirements),
            )
        if isinstance(fitting, lock.Refusal):
            is_wheels = lock.lacks_wheels(fitting) is not None or "no wheels" in fitting.text
            why = (
                "no Python here has wheels of everything"
                if is_wheels
                else "the packages can be resolved for no Python here"
            )
            return python_choice.Choice(first, f"Python {first.version}: {why} {day}"), None
        chosen, why, text = fitting
        return python_choice.Choice(chosen, f"Python {chosen.version}: {why or 'the usual one'} {day}"), text

    def _locked(self, lock_file: Path, candidates: list[Interpreter]) -> python_choice.Choice:
        """The usual one, or the first that *lock_file* has wheels for."""
        from mlproj.environments.python import lock_wheels

        with self._uv() as uv:
            text = lock.export(uv, lock_file, candidates[0].path)
        fitting = lock_wheels.first_fitting(text, candidates)
        if fitting in (None, candidates[0]):
            return python_choice.Choice(candidates[0], f"Python {candidates[0].version}: the usual one today")
        return python_choice.Choice(
            fitting, f"Python {fitting.version}: the newest that {lock_file.name} has wheels for"
        )

    @contextmanager
    def _uv(self) -> Iterator[Uv]:
        settings: Mapping[str, str] = package_index.settings()
        if not os.environ.get("UV_PYTHON_INSTALL_DIR"):
            settings = {**settings, "UV_PYTHON_INSTALL_DIR": str(interpreter.downloads())}
        with paths.temporary_folder(paths.cache() / "work", "uv.") as folder:
            settings = {**settings, "UV_PYTHON_DOWNLOADS": "manual"}
            yield uv_configuration.uv_for(
                folder, self.requirements, self.progress, offline=self.request.offline, settings=settings
            )


def _of_indexes(names: list[str], requirements: Requirements) -> frozenset[str]:
    """Those of *names* that an index may have wheels of."""
    return frozenset(name for name in names if all("index" in source for source in requirements.sources.get(name, ())))


def _why_only(candidates: list[Interpreter], day: str) -> str:
    return "the only one here that is allowed" if len(candidates) == 1 else f"the usual one {day}"


def _with_wheels(
    uv: Uv, ask: lock.ResolveRequest, candidates: list[Interpreter], asked: frozenset[str]
) -> tuple[Interpreter, str, str] | lock.Refusal:
    """The first interpreter for which everything that is asked for comes as wheels.

    Returns it, why the ones before it were passed over (empty when it is the first), and the lock. A package that has
    no wheel for any of them is allowed to be built, and the search begins anew; why not when that does not help.
    """
    only_binary, result = asked, lock.Refusal("")
    while only_binary:
        blamed: dict[str, int] = {}
        refused = ""
        for candidate in candidates:
            found = resolver.try_resolve(uv, replace(ask, interpreter=candidate, only_binary=only_binary))
            if isinstance(found, str):
                return candidate, refused, found
            result = found
            blame = lock.could_be_built(result)
            if blame in only_binary:
                blamed[blame] = blamed.get(blame, 0) + 1
            refused = refused or _why_refused(ask.requirements, result)
        if not blamed:
            break
        only_binary -= {max(blamed, key=lambda name: blamed[name])}
    return result


def _why_refused(requirements: Requirements, refusal: lock.Refusal) -> str:
    name = lock.lacks_wheels(refusal)
    if name is None:
        return "the newest that the packages can be resolved for"
    asked_as = next((package for package in requirements.packages if lock.name_of(package) == name), name)
    return f"the newest with wheels for {asked_as}"
