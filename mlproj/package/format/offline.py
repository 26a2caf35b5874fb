"""Locks whose packages are files of this machine: what a package brings along, in the words of the locks."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from mlproj.foundation.errors import SourceError

_PIP = "# pip "

Files = Mapping[str, tuple[Path, str]]
"""The file of each package with its SHA-256, by what the lock calls the package."""


def called(entry: Mapping[str, Any]) -> str:
    """What an entry of a ``pylock.toml`` is called here: a lock may list several versions, of which markers choose
    one."""
    return f"{entry['name']}=={entry['version']}" if "version" in entry else str(entry["name"])


def python_lock(text: str, files: Files) -> str:
    """The ``pylock.toml`` *text* with each package as its file. Raises SourceError when it is no lock, or one is not
    there."""
    tomllib = import_module("tomllib" if sys.version_info >= (3, 11) else "tomli")
    lines = ['lock-version = "1.0"', 'created-by = "mlproj"']
    try:
        document: dict[str, Any] = tomllib.loads(text)
        lines += _texts(document, "requires-python")
        for entry in document.get("packages", []):
            lines += _entry(entry, files)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise SourceError(f"its lock cannot be read: {error!r:.200}", hint="make the package again") from error
    return "\n".join(lines) + "\n"


def _entry(entry: Mapping[str, Any], files: Files) -> Iterator[str]:
    name = called(entry)
    if name not in files and "marker" in entry:  # not for this platform
        return
    file, digest = _file(files, name)
    yield from ("", "[[packages]]", *_texts(entry, "name", "version", "marker"))
    yield f"archive = {{ path = {_quoted(str(file))}, hashes = {{ sha256 = {_quoted(digest)} }} }}"


def _texts(part: Mapping[str, Any], *fields: str) -> Iterator[str]:
    for field in fields:
        if field in part:
            yield f"{field} = {_quoted(part[field])}"


def _quoted(text: str) -> str:
    """*text* as a basic string of TOML, which escapes as JSON does."""
    return json.dumps("" + text, ensure_ascii=False).replace("\x7f", "\\u007f")


def conda_lock(text: str, files: Files) -> str:
    """conda's explicit lock *text* with the address of each package's file. Raises SourceError when one is not
    there."""
    lines = []
    for line in text.splitlines():
        if line.startswith(_PIP):
            asked = line.removeprefix(_PIP).strip()
            file = _file(files, asked)[0]
            line = f"{_PIP}{file.name.partition('-')[0]} @ {file.as_uri()}"
        elif "://" in line:
            address, hash_mark, digest = line.partition("#")
            line = f"{_file(files, address)[0].as_uri()}{hash_mark}{digest}"
        lines.append(line)
    return "\n".join(lines) + "\n"


def _file(files: Files, name: str) -> tuple[Path, str]:
    found = files.get(name)
    if found is None:
        raise SourceError(
            f"the package {name:.200} is in its lock and not in it",
            hint="make the file again with mlproj package --offline",
        )
    return found
