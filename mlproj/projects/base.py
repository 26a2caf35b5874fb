"""The words of a project: entry points, typed parameters, and the command that values make of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from mlproj.foundation.dataclass import dataclass, field
from mlproj.foundation.errors import InvalidProject, Notice, Place

REQUIRED = object()
"""The default of a parameter that has none, told apart from ``default: null``, which means optional."""


@dataclass(frozen=True)
class Parameter:
    """A declared parameter. ``type`` is canonical: string, int, float, bool, path, uri, ``list[…]`` of those, or list.

    ``default`` is as YAML gave it (``REQUIRED`` when there is none). ``choices``, ``minimum`` and ``maximum`` are
    checked for given values. ``place`` is where the parameter is declared. ``typo_hint`` says how a default was meant
    that is none as it is written.
    """

    name: str
    type: str = "string"
    default: Any = REQUIRED
    choices: tuple[Any, ...] | None = None
    minimum: float | None = None
    maximum: float | None = None
    optional: bool = False
    description: str | None = None
    place: Place | None = None
    typo_hint: str | None = None


@dataclass(frozen=True)
class EntryPoint:
    """A command template with typed parameters. ``script`` is the file for an entry point that is a script's name.

    ``find`` tells where a fragment of the command stands in MLproject, None where there is no such file. ``trouble`` is
    what keeps this entry point from being run, and no other.
    """

    name: str
    command: str
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    description: str | None = None
    script: Path | None = None
    place: Place | None = None
    find: Callable[[str], Place | None] = field(default=lambda _fragment: None, repr=False, compare=False)
    trouble: InvalidProject | None = None


@dataclass(frozen=True)
class Input:
    """A file that a ``path`` or ``uri`` parameter named: where it was, where it is now, and its content.

    For a folder the digest is over the sorted relative names and contents of its files. ``size`` is in bytes.
    """

    parameter: str
    uri: str
    path: Path
    sha256: str | None
    size: int | None


@dataclass(frozen=True)
class Command:
    """An entry point with values bound: the text for ``bash -c``, and the plain values that are recorded.

    ``parameters`` holds every value as text, never shell-quoted: declared ones (defaults included) first, then the
    undeclared ones in the order given. ``defaults`` are the names of those that nobody gave a value.
    """

    entry_point: str
    text: str
    parameters: Mapping[str, str]
    inputs: tuple[Input, ...] = ()
    warnings: tuple[Notice, ...] = ()
    defaults: tuple[str, ...] = ()


@dataclass(frozen=True)
class EnvironmentDeclaration:
    """The environment that MLproject itself names. ``kind``: python_env, conda_env or docker_env.

    ``file`` is the environment file (it exists); ``options`` the mapping of ``docker_env``. ``by_default`` tells that
    MLproject names none and MLflow's default file was taken.
    """

    kind: str
    file: Path | None = None
    options: Mapping[str, Any] = field(default_factory=dict)
    by_default: bool = False
    place: Place | None = None


@dataclass(frozen=True)
class Project:
    """What the files say. ``file`` is the MLproject file, None for a folder without one."""

    directory: Path
    name: str | None = None
    file: Path | None = None
    entry_points: Mapping[str, EntryPoint] = field(default_factory=dict)
    environment: EnvironmentDeclaration | None = None
    description: str | None = None
    warnings: tuple[Notice, ...] = ()
