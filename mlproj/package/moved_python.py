"""A Python that can be put elsewhere: a copy of the folder it is installed in, where that has everything it needs."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from mlproj.environments.base import Prepared
from mlproj.foundation import platforms, process
from mlproj.foundation.dataclass import dataclass
from mlproj.foundation.progress import Progress
from mlproj.package.format.manifest import PYTHON

# What a program has no use for; a Python's own tests are a third of it.
_LEFT_OUT = shutil.ignore_patterns(
    "__pycache__",
    "test",
    "tests",
    "idlelib",
    "turtledemo",
    "*.a",
    "pkgconfig",
    "share",
    "include",
    "conda-meta",
    "pkgs",
)
# Loads what usual programs do, and says where it is installed and which files it has in memory.
_TRIAL = """
import ctypes, hashlib, json, os, sqlite3, ssl, sys, threading, zlib
try:
    loaded = sorted({line.split(None, 5)[5].strip() for line in open("/proc/self/maps") if "/" in line})
except OSError:
    loaded = []
print(json.dumps([sys.base_prefix, loaded]))
"""
_SYSTEM = ("/usr", "/usr/local", "/")
_C_LIBRARY = (
    "ld-",
    "libc.",
    "libc-",
    "libm.",
    "libm-",
    "libdl",
    "libpthread",
    "librt",
    "libutil",
    "libgcc_s",
    "locale",
    "gconv",
)


@dataclass(frozen=True)
class Moved:
    """The copy's ``folder`` with what a package says of it, or none and the reason among the ``notes``."""

    folder: Path | None = None
    described: Mapping[str, str] | None = None
    notes: tuple[str, ...] = ()


def copy_python(prepared: Prepared, staging: Path, progress: Progress) -> Moved:
    """A copy in *staging* of the Python below the environment *prepared*, tried from there."""
    python = Path(os.path.realpath(prepared.path[0] / "python"))
    base = python.parent.parent
    needed = f"the package needs a Python {prepared.python} where it is run"
    if str(base) in _SYSTEM:
        return Moved(notes=(f"the Python of this system ({python}) cannot be moved: {needed}",))
    with progress.step(f"copying Python {prepared.python}"):
        _copy(base, python.name, staging)
        loaded = _try(staging, staging / "bin" / python.name, base)
    if loaded is None:
        return Moved(notes=(f"the Python at {base} does not run from another place: {needed}",))
    program = f"{PYTHON}/bin/{python.name}"
    described = {"version": str(prepared.python), "platform": platforms.here(), "program": program}
    return Moved(
        staging,
        described,
        (f"the Python in the package uses libraries of the system: {', '.join(loaded)}",) if loaded else (),
    )


def _copy(base: Path, name: str, staging: Path) -> None:
    shutil.copytree(base, staging, symlinks=True, ignore=_ignored)
    _look_beside(staging / "bin" / name, base)
    for other in ("python3", "python"):
        link = staging / "bin" / other
        link.unlink(missing_ok=True)
        link.symlink_to(name)
    _keep_plain(staging)


def _look_beside(program: Path, base: Path) -> None:
    """Let a *program* that looks for Python's library in the folder *base* look beside itself.

    The place is a text in the program's table of texts, which keeps its length (``DT_RUNPATH`` of ELF, see ld.so(8)).
    """
    there, here = os.fsencode(base / "lib"), b"$ORIGIN/../lib"
    content = program.read_bytes()
    if content.startswith(b"\x7fELF") and len(here) <= len(there):
        program.write_bytes(content.replace(b"\0" + there + b"\0", b"\0" + here.ljust(len(there) + 1, b"\0")))


def _try(staging: Path, program: Path, base: Path) -> list[str] | None:
    """The libraries of the system that the copy uses, besides those of C; None when it does not run without the folder
    *base*."""
    done = process.run([program, "-I", "-B", "-c", _TRIAL], env={"PATH": os.defpath})
    try:
        prefix, loaded = json.loads(done.stdout)
    except ValueError:
        return None
    top = os.path.realpath(staging)
    if os.path.realpath(prefix) != top or any(Path(file).is_relative_to(base) for file in loaded):
        return None
    names = {Path(file).name for file in loaded if not Path(file).is_relative_to(top)}
    return sorted(name for name in names if ".so" in name and not name.startswith(_C_LIBRARY))


def _ignored(folder: str, names: list[str]) -> set[str]:
    """Beside what nobody needs, the packages that were installed into that Python."""
    return set(names) if Path(folder).name in ("site-packages", "dist-packages") else _LEFT_OUT(folder, names)


def _keep_plain(folder: Path) -> None:
    """Drop links that lead out of *folder*, and scripts of tools whose packages are not there."""
    for place in list(folder.rglob("*")):
        if place.is_symlink() and not Path(os.path.realpath(place)).is_relative_to(os.path.realpath(folder)):
            place.unlink()
    for place in list((folder / "bin").iterdir()):
        if place.is_file() and not place.is_symlink() and place.open("rb").read(2) == b"#!":
            place.unlink()
