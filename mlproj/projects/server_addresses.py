"""Addresses of this machine's loopback at which a project expects an MLflow server:
``set_tracking_uri("http://localhost:5000")``.

They are found by reading the project's files, never by running them, and only where the line has to do with MLflow's
tracking or registry URI: an address of a database or of a service that the project itself offers is none. A project
that names no loopback address, or not MLflow, pays for reading its files and for nothing else.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from mlproj.projects.server_address import ServerAddress

# Bounds of what is read; of a larger project the files that are nearest to its top are.
_MOST_FILES = 2000
_MOST_ENTRIES = 50_000
_MOST_BYTES = 32 << 20
_LARGEST = {".ipynb": 8 << 20, ".py": 1 << 20}
_LARGEST_OTHER = 256 << 10

_SKIPPED = frozenset(
    {
        "__pycache__",
        "node_modules",
        "site-packages",
        "mlruns",
        "mlartifacts",
        "venv",
        "env",
        "build",
        "dist",
        "wandb",
        "data",
    }
)
_SUFFIXES = frozenset(
    {".py", ".ipynb", ".yaml", ".yml", ".toml", ".json", ".ini", ".cfg", ".conf", ".env", ".properties"}
)
_SCRIPTS = frozenset({".sh", ".bash", ".r", ".mk", ".rmd"})
_NAMES = frozenset({"mlproject", "makefile", "dockerfile", ".env", ".envrc", "justfile"})
_LOOPBACK = (b"localhost", b"127.0.0.1", b"0.0.0.0", b"[::1]", b"[::]")  # looked for, not listened at
_MLFLOW = (b"mlflow", b"MLFLOW", b"MLflow", b"MlFlow", b"MLFlow")


def find(root: Path, *, command: str = "", variables: Mapping[str, str] | None = None) -> tuple[ServerAddress, ...]:
    """The addresses that the files below *root* name, by file and line, each place once.

    *command* is the text of the command that is to be run, *variables* the environment that it is to get; what they
    name counts too. Files that cannot be read or parsed are passed over; nothing is raised.
    """
    given = {
        name: value
        for name, value in (variables or {}).items()
        if _names_any(value.encode("utf-8", "replace"), _LOOPBACK)
    }
    contents = {path: data for path, data in _contents(root) if _names_any(data, (*_LOOPBACK, *_MLFLOW))}
    named = [
        *contents.values(),
        command.encode("utf-8", "replace"),
        *(name.encode("utf-8", "replace") for name in given),
    ]
    if not given and not any(_names_any(data, _LOOPBACK) for data in named):
        return ()
    if not any(_names_any(data, _MLFLOW) for data in named):
        return ()
    from mlproj.projects.address_flow import addresses

    return addresses(contents, command, given)


def _names_any(data: bytes, names: tuple[bytes, ...]) -> bool:
    return any(name in data for name in names)


def _contents(root: Path) -> Iterator[tuple[str, bytes]]:
    """What the project's text files hold, by their paths."""
    room = _MOST_BYTES
    for path, size in _candidates(root):
        if size > room:
            return
        try:
            with open(root / path, "rb", buffering=0) as file:  # noqa: PTH123  # as fast as it goes
                data = file.read(size + 1)
        except (OSError, ValueError):
            continue
        room -= len(data)
        yield path, data


def files(root: Path) -> Iterator[str]:
    """The paths of the files below *root* that may name an address, outer ones first."""
    for path, _size in _candidates(root):
        yield path


def _candidates(root: Path) -> Iterator[tuple[str, int]]:
    folders, found, seen = [""], 0, 0
    for folder in folders:  # grows while it is read
        for entry in _entries(root, folder):
            seen += 1
            path = f"{folder}/{entry.name}" if folder else entry.name
            if _is_folder(entry):
                if not _is_passed_over(entry):
                    folders.append(path)
            elif size := _size(entry):
                found += 1
                yield path, size
            if found >= _MOST_FILES or seen >= _MOST_ENTRIES:
                return


def _entries(root: Path, folder: str) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(root / folder) as scan:
            return sorted(scan, key=lambda entry: entry.name)
    except (OSError, ValueError):
        return []


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir(follow_symlinks=False)
    except OSError:
        return False


def _is_passed_over(folder: os.DirEntry[str]) -> bool:
    """Whether a folder holds nothing of the project's own: hidden ones, environments, caches."""
    if folder.name.lower() in _SKIPPED or (
        folder.name.startswith(".") and folder.name not in (".streamlit", ".config")
    ):
        return True
    return os.path.lexists(f"{folder.path}/pyvenv.cfg") or os.path.lexists(f"{folder.path}/conda-meta")


def _size(entry: os.DirEntry[str]) -> int:
    """How large a file is that may name an address; 0 for any other."""
    name = entry.name.lower()
    suffix = os.path.splitext(name)[1]  # noqa: PTH122  # a hot path
    if (
        suffix not in _SUFFIXES
        and suffix not in _SCRIPTS
        and name not in _NAMES
        and not name.startswith((".env.", "dockerfile."))
    ):
        return 0
    try:
        size = entry.stat().st_size if entry.is_file() else 0
    except OSError:
        return 0
    return size if size <= _LARGEST.get(suffix, _LARGEST_OTHER) else 0
