"""Packages as the program makes them, and a look into them."""

from __future__ import annotations

import json
import subprocess
import zipfile
from pathlib import Path
from typing import Any

from tests.program import Result, mlproj


def package(
    what: Path | str, target: Path, *arguments: str | Path, cwd: Path | None = None, env: dict[str, str] | None = None
) -> Result:
    """``mlproj package WHAT -o TARGET``, which has to go well."""
    done = mlproj("package", what, "-o", target, *arguments, cwd=cwd, env=env)
    assert done.code == 0, done.err
    return done


def manifest(file: Path) -> dict[str, Any]:
    """What a package says of itself."""
    with zipfile.ZipFile(file) as archive:
        loaded: dict[str, Any] = json.loads(archive.read("mlproj.json"))
        return loaded


def names(file: Path, below: str = "project") -> list[str]:
    """The members below a folder of the archive, without its name."""
    return [name.removeprefix(f"{below}/") for name in manifest(file)["members"] if name.startswith(f"{below}/")]


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


def committed(folder: Path) -> Path:
    """*folder* as a Git repository with all its files in one commit."""
    git(folder, "init", "-q")
    git(folder, "add", "-A")
    git(folder, "commit", "-q", "-m", "one")
    return folder
