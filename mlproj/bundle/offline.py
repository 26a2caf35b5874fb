"""Locks whose packages are files of this machine: what a package brings along, in the words of the locks."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from mlproj.errors import SourceError

_PIP = "# pip "


Files = Mapping[str, tuple[Path, str]]
"""The file of each package with its SHA-256: by the package's name, or for conda's by its address in the lock."""


def python_lock(text: str, files: Files) -> str:
    """The ``pylock.toml`` *text* with each package as its file. Raises SourceError when one is not there."""
    tomllib = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    document: dict[str, Any] = tomllib.loads(text)
    lines = ['lock-version = "1.0"', 'created-by = "mlproj"']
    if python := document.get("requires-python"):
        lines.append(f"requires-python = {json.dumps(python)}")
    for entry in document.get("packages", []):
        file, digest = _file(files, entry["name"])
        lines += ["", "[[packages]]", f"name = {json.dumps(entry['name'])}"]
        lines += [f"{field} = {json.dumps(entry[field])}" for field in ("version", "marker") if field in entry]
        lines.append(f"archive = {{ path = {json.dumps(str(file))}, hashes = {{ sha256 = {json.dumps(digest)} }} }}")
    return "\n".join(lines) + "\n"


def conda_lock(text: str, files: Files) -> str:
    """conda's explicit lock *text* with the address of each package's file. Raises SourceError when one is not there."""
    lines = []
    for line in text.splitlines():
        if line.startswith(_PIP):
            name = re.split(r"[\s=@;]", line.removeprefix(_PIP).strip(), maxsplit=1)[0]
            line = f"{_PIP}{name} @ {_file(files, name)[0].as_uri()}"
        elif "://" in line:
            address, hash_mark, digest = line.partition("#")
            line = f"{_file(files, address)[0].as_uri()}{hash_mark}{digest}"
        lines.append(line)
    return "\n".join(lines) + "\n"


def _file(files: Files, name: str) -> tuple[Path, str]:
    found = files.get(name)
    if found is None:
        raise SourceError(
            f"the package {name} is in the lock and not in the file", hint="make the file again with mlproj package --offline"
        )
    return found
