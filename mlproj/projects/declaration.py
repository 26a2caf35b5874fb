"""Reading the environment that MLproject names: ``python_env``, ``conda_env`` or ``docker_env``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from mlproj.foundation.errors import InvalidProject, did_you_mean
from mlproj.projects import file_system
from mlproj.projects.base import EnvironmentDeclaration
from mlproj.projects.reading import Reader, describe

KINDS = ("python_env", "conda_env", "docker_env")
_ONE = "keep one of them: MLflow takes no project with two, either"
_DEFAULTS = (("python_env", "python_env.yaml"), ("conda_env", "conda.yaml"))


def read_environment(
    reader: Reader, mapping: dict[Any, Any], directory: Path, root: Path | None
) -> EnvironmentDeclaration | None:
    """The environment that MLproject's top-level *mapping* names, else MLflow's default file, else None.

    Files must be within *root* where one is given. Raises InvalidProject.
    """
    named = [kind for kind in KINDS if kind in mapping]
    if len(named) > 1:
        first, second = sorted(named, key=lambda kind: _position(reader, kind))[:2]
        message = f"{second!r} is a second environment, {first!r} is given at {reader.document.key_place(first)}"
        raise InvalidProject(message, place=reader.document.key_place(second), hint=_ONE)
    for kind in named:
        if mapping[kind]:
            if kind != "docker_env":
                return _file(reader, kind, mapping[kind], directory, root)
            from mlproj.projects import docker_env

            return docker_env.read(reader, mapping[kind])
        reader.warn(f"{kind!r} is {describe(mapping[kind])} and ignored", reader.document.key_place(kind))
    return default_environment(directory)


def default_environment(directory: Path) -> EnvironmentDeclaration | None:
    """The environment file that MLflow takes when MLproject names none."""
    for kind, name in _DEFAULTS:
        if file_system.is_file(directory / name):
            return EnvironmentDeclaration(kind, directory / name, by_default=True)
    return None


def _position(reader: Reader, kind: str) -> tuple[int, int]:
    place = reader.document.key_place(kind)
    return (place.line or 0, place.column or 0)


def _file(reader: Reader, kind: str, value: Any, directory: Path, root: Path | None) -> EnvironmentDeclaration:
    written = reader.text(value, f"{kind!r}", kind)
    path = Path(os.path.normpath(directory / written))
    if root is not None and not file_system.is_within(path, root):
        raise reader.error(
            f"the file {written!r} is outside of the project's source", kind, hint="name a file inside of it"
        )
    if not file_system.is_file(path):
        guess = did_you_mean(path.name, _files_beside(path))
        beside = str(Path(written).with_name(guess)) if guess else None
        hint = f"did you mean {beside!r}?" if beside else f"add {written!r} to the project, or remove the line"
        raise reader.error(f"the environment file {written!r} does not exist", kind, hint=hint)
    return EnvironmentDeclaration(kind, path, place=reader.document.place(kind))


def _files_beside(path: Path) -> tuple[str, ...]:
    return tuple(name for name in file_system.names(path.parent) if file_system.is_file(path.parent / name))
