"""Reading a project's folder: MLproject, or the absence of one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mlproj.foundation.errors import InvalidProject, Place
from mlproj.foundation.shown_path import from_here
from mlproj.projects import discovery
from mlproj.projects.base import Project
from mlproj.projects.declaration import KINDS, default_environment, read_environment
from mlproj.projects.entry_point import read_entry_points
from mlproj.projects.file_system import is_within
from mlproj.projects.reading import Reader, describe
from mlproj.yaml_document import load as load_yaml
from mlproj.yaml_document import parse as parse_yaml

TOP_LEVEL_KEYS = ("name", "entry_points", *KINDS, "databricks_spark_job")
# What people write for the key that names an environment file.
_ENVIRONMENT_TYPOS = ("environments", "environment", "env", "venv", "virtualenv", "pyenv", "conda", "python", "docker")
_EXAMPLE = "entry_points: {main: {command: python train.py}}"


def load(directory: Path, *, root: Path | None = None) -> Project:
    """The project in *directory*; without an MLproject file one that has no entry points.

    *root* is the top of the source that the folder is part of: what MLproject names must be within it; a folder of the
    user's own has none. Raises InvalidProject with the place in the file.
    """
    file, others = discovery.find(directory)
    if file is None:
        return Project(directory, environment=default_environment(directory))
    shown = from_here(file, root)
    if root is not None and not is_within(file, root):
        raise InvalidProject("the file is a link out of the project's source", place=Place(shown))
    reader = Reader(load_yaml(file, shown=shown, remembered=True))
    if others:
        names = ", ".join(other.name for other in others)
        reader.warn(f"{names} is there too and ignored", Place(shown), "keep one MLproject file")
    return _project(reader, directory, root, file)


def parse(text: str, directory: Path, *, root: Path | None = None) -> Project:
    """The project that the MLproject *text* makes of *directory*. Raises InvalidProject."""
    return _project(Reader(parse_yaml(text, discovery.NAME)), directory, root, None)


def _project(reader: Reader, directory: Path, root: Path | None, file: Path | None) -> Project:
    value = reader.document.value
    if isinstance(value, str) and value.startswith("version https://git-lfs"):
        raise reader.error(
            "the file is kept in Git LFS, and only its pointer is here",
            hint="git lfs pull fetches it, where the server of the repository has it",
        )
    if not isinstance(value, dict):
        raise reader.error(f"the file is {describe(value)}, expected a mapping with 'entry_points'", hint=_hint(value))
    reader.unknown_keys(
        value, TOP_LEVEL_KEYS, hints=dict.fromkeys(_ENVIRONMENT_TYPOS, "did you mean 'python_env' or 'conda_env'?")
    )
    if "databricks_spark_job" in value:
        reader.warn(
            "'databricks_spark_job' is ignored, it means something on Databricks only",
            reader.document.key_place("databricks_spark_job"),
        )
    name = value.get("name")
    if isinstance(name, (list, dict)):
        reader.pass_over(f"'name' is {describe(name)}, expected text", "name")
        name = None
    description = value.get("description")
    return Project(
        directory,
        name=None if name is None else reader.document.raw("name"),
        file=file,
        entry_points=read_entry_points(reader, value),
        environment=read_environment(reader, value, directory, root),
        description=description.strip() if isinstance(description, str) else None,
        warnings=tuple(reader.warnings),
    )


def _hint(value: Any) -> str:
    return (
        "write 'key: value', with a space after the colon"
        if isinstance(value, str)
        else f"write for example: {_EXAMPLE}"
    )
