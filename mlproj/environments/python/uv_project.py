"""A project for uv that asks for the packages that have a source: only of a project does uv read
``tool.uv.sources``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mlproj.environments.python import toml_writer

_PLACE = Path("asked", "pyproject.toml")
_NAME = "mlproj-asks-for"


def write(
    folder: Path,
    asked: Mapping[str, str],
    sources: Mapping[str, Sequence[Mapping[str, Any]]],
    settings: Mapping[str, Any],
) -> Path:
    """Its pyproject.toml below *folder*; *asked* are requirements by their normalised names, where a declaration says
    more than a name."""
    needed = [asked.get(name, name).partition(" --hash")[0] for name in sources]
    uv: dict[str, Any] = {"sources": {name: list(entries) for name, entries in sources.items()}}
    if "index" in settings:
        uv["index"] = settings["index"]
    content = {"project": {"name": _NAME, "version": "0", "dependencies": needed}, "tool": {"uv": uv}}
    path = folder / _PLACE
    path.parent.mkdir(exist_ok=True)
    path.write_text(toml_writer.dumped(content), "utf-8")
    return path
