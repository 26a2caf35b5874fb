"""Short ways to make a project and a command of it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml

from mlproj import projects
from mlproj.projects.base import Command, EntryPoint, Project


def project(directory: Path, text: str, name: str = "MLproject") -> Project:
    """The project that a file with *text* makes of *directory*."""
    (directory / name).write_text(text)
    return projects.load(directory)


def entry_point(command: str, parameters: dict[str, Any] | None = None, directory: Path = Path()) -> EntryPoint:
    """An entry point of this command and these parameters, written as in MLproject."""
    text = yaml.safe_dump(
        {"entry_points": {"main": {"command": command, "parameters": parameters or {}}}},
        allow_unicode=True,
        width=10**6,
        sort_keys=False,
    )
    return projects.parse(text, directory).entry_points["main"]


def bound(
    command: str,
    parameters: dict[str, Any] | None = None,
    values: dict[str, Any] | None = None,
    *,
    cwd: Path = Path("/nowhere"),
    project_dir: Path = Path("/nowhere"),
    fetch: Callable[[str], Path] | None = None,
) -> Command:
    """The command bound to *values*."""
    return projects.bind(entry_point(command, parameters), values or {}, cwd=cwd, project_dir=project_dir, fetch=fetch)
