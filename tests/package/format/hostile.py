"""Packages as somebody else might make them: with the manifest and the members that a test says."""

from __future__ import annotations

import hashlib
import json
import os
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

FILES = {
    "project/MLproject": b"name: p\nentry_points: {main: {command: 'cat data.txt'}}\n",
    "project/data.txt": b"data\n",
}


def listed(files: Mapping[str, bytes | str]) -> dict[str, Any]:
    """The members of a manifest for files, and for links as ``-> target``."""
    return {
        name: {"link": content[3:]}
        if isinstance(content, str)
        else {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
        for name, content in files.items()
    }


def manifest(files: Mapping[str, bytes | str], **changes: Any) -> dict[str, Any]:
    """The manifest of a package with *files*."""
    return {
        "format": 1,
        "mlproj": "0.1.0",
        "source": {"uri": "p", "kind": "folder"},
        "subdirectory": "",
        "environment": {"kind": "system", "manager": "local"},
        "members": listed(files),
        **changes,
    }


def make(file: Path, files: Mapping[str, bytes | str] = FILES, document: Any = None, **options: Any) -> Path:
    """The package *file*; *document* is its manifest, else the right one. *options* are for :func:`entry`, ``extra``
    are members that no manifest lists."""
    content = document if isinstance(document, bytes) else json.dumps(document or manifest(files), indent=1).encode()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(entry("mlproj.json", **options.get("first", {})), content)
        for name, member in [*sorted(files.items()), *options.get("extra", {}).items()]:
            archive.writestr(
                entry(name, **options.get("each", {})), os.fsencode(member[3:]) if isinstance(member, str) else member
            )
    return file


def entry(name: str, **fields: Any) -> zipfile.ZipInfo:
    """An entry of a zip archive as ours are, but for *fields*."""
    made = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    for field, value in {"create_system": 3, "external_attr": 0o100644 << 16, **fields}.items():
        setattr(made, field, value)
    return made
