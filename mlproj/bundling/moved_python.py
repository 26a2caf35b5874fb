"""A Python that can be put elsewhere: a copy of the folder it is installed in, where that has everything it needs."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from mlproj import platforms, process
from mlproj.bundle.manifest import PYTHON
from mlproj.environments.base import Prepared
from mlproj.progress import Progress

# What a program has no use for; a Python's own tests are a third of it.
_LEFT_OUT = shutil.ignore_patterns(
    "__pycache__", "test", "tests", "idlelib", "turtledemo", "*.a", "pkgconfig", "share", "include", "conda-meta", "pkgs"
)
# What it prints besides are the shared libraries that it has loaded, by /proc/PID/maps (proc(5)).
_TRIAL = """
import ctypes, hashlib, json, os, sqlite3, ssl, sys, threading, zlib
print(sys.base_prefix)
if os.path.exists("/proc/self/maps"):
    print(*sorted({line.split()[-1] for line in open("/proc/self/maps")}), sep="\\n")
"""
_SYSTEM = ("/usr", "/usr/local", "/")


def of(prepared: Prepared, staging: Path, progress: Progress) -> tuple[Path | None, str]:
    """A copy in *staging* of the Python below the environment *prepared*, tried from there; or None and why there is none."""
    python = Path(os.path.realpath(prepared.path[0] / "python"))
    base = python.parent.parent
    if str(base) in _SYSTEM:
        return None, f"the Python of this system ({python}) cannot be moved: the package needs a Python {prepared.python} where it is run"
    with progress.step(f"copying Python {prepared.python}"):
        shutil.copytree(base, staging, symlinks=True, ignore=_ignored(base))
        program = staging / "bin" / python.name
        for name in ("python3", "python"):
            link = staging / "bin" / name
            link.unlink(missing_ok=True)
            link.symlink_to(python.name)
        _keep_plain(staging)
        _look_beside(staging, base)
        done = process.run([program, "-I", "-c", _TRIAL], env={"PATH": os.defpath})
    if done.returncode or not _is_whole(done.text.splitlines(), staging, base):
        shutil.rmtree(staging)
        return None, f"the Python at {base} does not run from another place: the package needs a Python {prepared.python} where it is run"
    for cache in staging.rglob("__pycache__"):
        shutil.rmtree(cache)
    return staging, ""


def described(folder: Path, prepared: Prepared) -> dict[str, Any]:
    """What a package says of the Python in *folder*."""
    program = os.path.realpath(folder / "bin" / "python")
    name = Path(program).relative_to(os.path.realpath(folder)).as_posix()
    return {"version": prepared.python, "platform": platforms.here(), "program": f"{PYTHON}/{name}"}


def _is_whole(told: list[str], folder: Path, base: Path) -> bool:
    """Whether a Python that *told* where it is and what it has loaded uses nothing of the folder that it was copied from."""
    where, *loaded = told
    return os.path.realpath(where) == os.path.realpath(folder) and not any(name.startswith(f"{base}/") for name in loaded)


def _look_beside(folder: Path, base: Path) -> None:
    """Let its programs look for shared libraries where they are themselves (ld.so(8)), where they name the folder of before."""
    before, after = os.fsencode(f"{base}/lib") + b"\0", b"$ORIGIN/../lib\0"
    for program in (folder / "bin").iterdir():
        if program.is_symlink() or not program.is_file() or len(after) > len(before):
            continue
        content = program.read_bytes()
        if content.startswith(b"\x7fELF") and before in content:
            program.write_bytes(content.replace(before, after.ljust(len(before), b"\0")))


def _ignored(base: Path) -> Any:
    """Beside what nobody needs, the packages that were installed into that Python."""

    def ignored(folder: str, names: list[str]) -> set[str]:
        found = set(_LEFT_OUT(folder, names))
        if Path(folder).name in ("site-packages", "dist-packages"):
            return set(names)
        # Only of the library of Python itself is a folder called test of no use.
        return found if Path(folder).is_relative_to(base) else set()

    return ignored


def _keep_plain(folder: Path) -> None:
    """Drop links that lead out of *folder*, and scripts of tools whose packages are not there."""
    for place in folder.rglob("*"):
        if place.is_symlink() and not Path(os.path.realpath(place)).is_relative_to(os.path.realpath(folder)):
            place.unlink()
    for place in (folder / "bin").iterdir():
        if place.is_file() and not place.is_symlink() and place.open("rb").read(2) == b"#!":
            place.unlink()
