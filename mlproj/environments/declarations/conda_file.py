"""conda.yaml and environment.yml without conda: what they ask for, in the terms of PyPI.

The format: https://docs.conda.io/projects/conda/en/latest/user-guide/tasks/manage-environments.html (``name``,
``channels``, ``dependencies`` with a ``pip:`` list, ``variables``, ``prefix``).
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlproj.environments.declarations import (
    conda_merge,
    conda_names,
    conda_native,
    conda_spec,
    pip_requirement,
    requirements_file,
)
from mlproj.environments.declarations.conda_spec import CondaSpec
from mlproj.environments.declarations.draft import Draft
from mlproj.environments.package_name import canonical
from mlproj.foundation.errors import EnvironmentFailure, InvalidProject, Place, did_you_mean
from mlproj.foundation.redaction import mask_channel
from mlproj.yaml_document import Document

_KEYS = ("name", "channels", "dependencies", "prefix", "variables", "platforms")
_ITEM_HINT = "write numpy=1.20, or pip: with a list below it"
_INSTALLERS = ("pip", "setuptools", "wheel")


def read_into(draft: Draft, document: Document, path: Path) -> None:
    """Add what the conda environment *document*, read from *path*, asks for.

    Raises InvalidProject when it contradicts the format, EnvironmentFailure when it needs what PyPI cannot give.
    """
    Reader(draft, document, path).read()


@dataclass
class Reader:
    """Reads a conda file item by item; what it makes of a conda package is translated."""

    draft: Draft
    document: Document
    path: Path
    packages: list[str] = field(default_factory=list)
    bare_python: str | None = None
    built_for: dict[str, str] = field(default_factory=dict)
    missing: dict[str, Place] = field(default_factory=dict)

    def read(self) -> None:
        """Read all of it."""
        for key in self.document.value:
            self.top_level(key)
        for index, item in enumerate(items(self.document, ("dependencies",))):
            self.dependency(item, ("dependencies", index))
        self.finish()

    def top_level(self, key: Any) -> None:
        """One key of the file."""
        place = self.document.key_place(key)
        if key == "variables":
            self._variables()
        elif key == "pip":
            self.draft.warn("'pip' belongs in the list of dependencies; it is read as if it were there", place)
            self._pip(("pip",))
        elif key not in _KEYS:
            close = did_you_mean(str(key), _KEYS)
            self.draft.warn(f"unknown key '{key}'" + (f", did you mean '{close}'?" if close else ""), place)

    def dependency(self, item: Any, keys: tuple[Any, ...]) -> None:
        """One item of the list."""
        place = self.document.place(*keys)
        if item is None:
            self.draft.warn("this list item is empty", place)
        elif isinstance(item, str):
            self.conda(item, place)
        elif isinstance(item, dict) and "pip" in item:
            for other in (key for key in item if key != "pip"):
                self.draft.warn(
                    f"{other!r} beside 'pip' is ignored",
                    self.document.key_place(*keys, other),
                    _ITEM_HINT,
                    is_error=True,
                )
            self._pip((*keys, "pip"))
        else:
            hint = _ITEM_HINT
            if isinstance(item, dict) and len(item) == 1 and not isinstance(next(iter(item.values())), list | dict):
                name = next(iter(item))
                hint = f"write {name}={self.document.raw(*keys, name)}"
            raise InvalidProject("a dependency must be a text such as numpy=1.20", place=place, hint=hint)

    def finish(self) -> None:
        """Decide the Python, join conda's packages with pip's, and refuse what cannot be had."""
        if self.missing:
            self._tell_missing()
        self._python()
        conda_merge.join(self.draft, self.packages)

    def _tell_missing(self) -> None:
        message = f"conda packages without a Python equivalent: {', '.join(self.missing)}"
        place = next(iter(self.missing.values()))
        hint = (
            "install what they bring on this machine, remove them if the program does not need them, or run inside a"
            " conda environment that has them with --env-manager local"
        )
        if not self.draft.leaves_out:
            raise EnvironmentFailure(message, place=place, hint=hint)
        self.draft.warn(f"{message}; they are left out", place, hint)

    def _variables(self) -> None:
        value = self.document.value["variables"]
        if value is None:
            return None
        if not isinstance(value, dict) or any(isinstance(one, dict | list) for one in value.values()):
            message, place = "'variables' must map names to values; it is ignored", self.document.place("variables")
            return self.draft.warn(message, place, "write NAME: value", is_error=True)
        for name in value:
            if not str(name) or "=" in str(name) or "\0" in f"{name}{value[name]}":
                place = self.document.key_place("variables", name)
                self.draft.warn(f"{name!r} is no name of a variable; it is ignored", place, is_error=True)
            else:
                self.draft.variables[str(name)] = self.document.raw("variables", name)
        return None

    def _pip(self, keys: tuple[Any, ...]) -> None:
        value: Any = self.document.value
        for key in keys:
            value = value[key]
        if isinstance(value, str):
            return requirements_file.add_text(self.draft, value, self.path.parent, self.document.place(*keys))
        for index, item in enumerate(items(self.document, keys)):
            place = self.document.place(*keys, index)
            if item is None:
                self.draft.warn("this list item is empty", place)
            elif isinstance(item, str):
                requirements_file.add_text(self.draft, item, self.path.parent, place)
            else:
                raise InvalidProject("a line of pip must be a text such as numpy==1.20.1", place=place)
        return None

    def conda(self, text: str, place: Place) -> None:
        """One of conda's packages."""
        if not text.strip():
            return self.draft.warn("this list item is empty", place)
        try:
            spec = parsed(text, place)
        except InvalidProject as error:
            if not self.draft.leaves_out:
                raise
            return self.draft.warn(f"{error.message}; it is left out", place, error.hint, is_error=True)
        python = conda_spec.python_of(spec.build)
        if python:
            self.built_for.setdefault(python, spec.name)
        if spec.name == "python":
            return self._named_python(spec)
        if spec.name in ("python_abi", "python-abi") and spec.version:
            self.built_for.setdefault(spec.version.lstrip("="), spec.name)
        return self._package(spec, place)

    def _package(self, spec: CondaSpec, place: Place) -> None:
        if conda_names.program(spec.name) or conda_names.is_absent(spec.name):
            return self._program(spec, place)
        if reason := conda_native.reason_to_skip(spec.name):
            return self.draft.skip(spec.name, reason)
        if spec.dropped:
            self.draft.note(f"{spec.name}: {spec.dropped}")
        if members := conda_names.members(spec.name):
            self.draft.note(f"{spec.name} stands for {', '.join(members)}")
            return self.packages.extend(members)
        name = conda_names.pypi_name(spec.name)
        if name in _INSTALLERS:
            return self.draft.build_dependencies.append(name + spec.specifier)
        if canonical(name.partition("[")[0]) != canonical(spec.name):
            self.draft.note(f"conda's {spec.name} is {name} on PyPI")
        parsed = pip_requirement.parse_named(self.draft, name + spec.specifier, place)
        return self.packages.extend([parsed] if parsed else [])

    def _program(self, spec: CondaSpec, place: Place) -> None:
        program = conda_names.program(spec.name)
        if program and shutil.which(program):
            self.draft.skip(spec.name, "programs that this machine has")
        elif program and spec.build and spec.build != "*":
            # A full export lists what other packages wanted; whether the program itself needs it, nobody wrote down.
            self.draft.skip(spec.name, "programs of a full export that are not on this machine")
        else:
            self.missing[spec.name] = place

    def _named_python(self, spec: CondaSpec) -> None:
        if spec.dropped:
            self.draft.note(f"python: {spec.dropped}")
        version = spec.specifier.removeprefix("==").removesuffix(".*") if "," not in spec.specifier else spec.specifier
        if not version or version.isdigit():
            self.bare_python = f"=={version}.*" if version else ""
        else:
            self.draft.choose_python(version, f"'{_shown(spec)}' in {self.path.name}")

    def _python(self) -> None:
        """Without a version on the ``python`` line, what another package was built for tells it."""
        if self.draft.python is not None:
            return
        if self.built_for:
            version, name = next(iter(self.built_for.items()))
            self.draft.choose_python(version, f"{name} in {self.path.name} was built for it")
        elif self.bare_python:
            self.draft.choose_python(self.bare_python, f"'python' in {self.path.name}")


def parsed(text: str, place: Place) -> CondaSpec:
    """A conda requirement, found at *place*. Raises InvalidProject."""
    try:
        return conda_spec.parse(text)
    except ValueError as error:
        hint = (
            "addresses and paths belong in the pip: list"
            if "/" in text
            else "expected numpy, numpy=1.20 or numpy>=1.20,<2"
        )
        raise InvalidProject(f"'{mask_channel(text)}' is no conda package: {error}", place=place, hint=hint) from None


def _shown(spec: CondaSpec) -> str:
    return spec.name + (spec.version or "")


def items(document: Document, keys: tuple[Any, ...]) -> list[Any]:
    """The list at *keys*, empty when it is not there. Raises InvalidProject."""
    value: Any = document.value
    for key in keys:
        if isinstance(value, dict) and key not in value:
            return []
        value = value[key]
    if value is None:
        return []
    if not isinstance(value, list):
        raise InvalidProject(
            f"'{keys[-1]}' must be a list", place=document.place(*keys), hint="begin each line with '- '"
        )
    return value
