"""The key of an environment: equal keys, equal environments. Everything that decides what is installed is in it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from mlproj.environments.declarations.requirements import Requirements
from mlproj.environments.python.interpreter import Interpreter
from mlproj.foundation import file_tree, presence
from mlproj.foundation.digest import sha256_of_file
from mlproj.foundation.redaction import mask_url
from mlproj.foundation.sha256 import sha256

_LAYOUT = 2
"""Raised when what is built from the same input changes, so that older environments are not taken for it."""
_NO_SOURCE = frozenset(
    (".git", ".hg", "__pycache__", ".venv", "venv", ".tox", ".mypy_cache", ".pytest_cache", "mlruns", "node_modules")
)
# What decides an editable package's metadata; its code is read from the checkout at each run.
_BUILD_FILES = (
    "pyproject.toml",
    "setup.py",
    "setup.cfg",
    "requirements.txt",
    "requirements.in",
    "README.md",
    "README.rst",
    "VERSION",
)


def compute(
    requirements: Requirements,
    interpreter: Interpreter,
    moment: datetime | None,
    manager: str,
    index: Mapping[str, str],
    root: Path,
) -> str:
    """The key as 32 hexadecimal digits. Paths count relative to *root*, so that every checkout of one commit has the
    same."""
    content: dict[str, Any] = {
        "layout": _LAYOUT,
        "manager": manager,
        "python": [interpreter.version, interpreter.implementation, interpreter.platform, interpreter.libc],
        "as_of": moment.isoformat() if moment else None,
        "index": dict(index),
        **asked(requirements, root),
    }
    return digest(content)


def digest(content: Mapping[str, Any]) -> str:
    """A key of what decides: 32 hexadecimal digits."""
    return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:32]


def asked(requirements: Requirements, root: Path) -> dict[str, Any]:
    """What is asked of the installer, with the content of what is local."""
    sourced = _sourced(requirements, root) if requirements.sources or requirements.settings else {}
    return {
        **sourced,
        **({"relaxed": list(requirements.relaxed)} if requirements.relaxed else {}),
        "packages": [mask_url(_portable(package, root)) for package in requirements.packages],
        "constraints": list(map(mask_url, requirements.constraints)),
        "build_dependencies": list(requirements.build_dependencies),
        "options": [mask_url(_portable(option, root)) for option in requirements.options],
        "editables": [mask_url(_portable(folder, root)) for folder in requirements.editables],
        "lock": sha256_of_file(requirements.lock_file) if requirements.lock_file else None,
        "local": [tree_digest(path) for path in (*local_packages(requirements), *_locked_packages(requirements, root))],
        "editable_builds": [_build_digest(Path(folder)) for folder in requirements.editables if folder.startswith("/")],
    }


def _sourced(requirements: Requirements, root: Path) -> dict[str, Any]:
    """Where names come from and uv's settings, with the content of the folders and files that are copied."""
    entries = [entry for source in requirements.sources.values() for entry in source]
    copied = [Path(entry["path"]) for entry in entries if "path" in entry and not entry.get("editable")]
    settings_text = json.dumps([dict(requirements.sources), dict(requirements.settings)], sort_keys=True, default=str)
    return {"sources": mask_url(_portable(settings_text, root)), "copied": [tree_digest(path) for path in copied]}


def _locked_packages(requirements: Requirements, root: Path) -> list[Path]:
    if requirements.lock_file is None or requirements.kept_lock is None:
        return []
    from mlproj.environments.python import relocking

    return relocking.local_packages(requirements.lock_file, root)


def local_packages(requirements: Requirements) -> list[Path]:
    """The folders and archives on this machine that are installed as copies."""
    return [path for path in map(local_path, requirements.packages) if path is not None]


def local_path(package: str) -> Path | None:
    """The path that a requirement (``/folder[extra]``, ``file:///folder``, ``name @ file:///folder``) means, None for
    others."""
    text = re.split(r";|\s--hash", package, maxsplit=1)[0].strip()
    name, marker, url = text.partition("file://")
    if not name.rstrip().endswith("@"):
        text, url = (re.sub(r"\[[^\[\]]*\]$", "", part) for part in (text, url))
    if text.startswith("/"):
        return Path(text)
    if not marker:
        return None
    from urllib.parse import unquote

    return Path(unquote("/" + url.partition("#")[0].lstrip("/")))


def tree_digest(path: Path) -> str:
    """SHA-256 over the sorted names and contents of the files in *path* (or of the file), without what is no source."""
    if presence.is_file(path):
        return sha256_of_file(path)
    import hashlib

    digest = hashlib.sha256()
    for file in _source_files(path):
        digest.update(
            f"{file.relative_to(path).as_posix()}\0{sha256_of_file(file)}\n".encode("utf-8", "surrogateescape")
        )
    return digest.hexdigest()


def _source_files(folder: Path) -> Iterator[Path]:
    for place, folders, files in file_tree.walk(folder):
        folders[:] = sorted(name for name in folders if _is_source(Path(place, name)))
        yield from (Path(place, name) for name in sorted(files) if presence.is_file(Path(place, name)))


def _is_source(folder: Path) -> bool:
    """False for what tools leave behind, so that building a package does not change its digest."""
    if folder.name in _NO_SOURCE or folder.name.endswith(".egg-info"):
        return False
    return folder.name != "build" or not any(
        next(folder.glob(pattern), None) for pattern in ("bdist.*", "lib", "lib.*")
    )


def _build_digest(folder: Path) -> list[tuple[str, str]]:
    return [(name, sha256_of_file(folder / name)) for name in _BUILD_FILES if presence.is_file(folder / name)]


def _portable(text: str, root: Path) -> str:
    return text.replace(str(root), "<root>")
