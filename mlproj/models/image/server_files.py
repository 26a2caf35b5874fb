"""The server as files for an image: this mlproj, and the packages that serving needs, as they are installed here.

They go into a folder and not into an environment, so that any Python of 3.10 or newer can run them. What is compiled is
left out: all of it has a version in Python.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import mlproj
from mlproj.foundation import process
from mlproj.foundation.errors import ServiceError
from mlproj.models.image import place

NEEDED = ("click", "packaging", "platformdirs", "prometheus-client", "pyyaml", "starlette", "uvicorn")
"""The distributions that ``mlproj models serve`` imports; those that they require come along."""

OLDEST = (3, 10)
"""The oldest Python that the server runs on."""

_MAIN = """\
import sys

from mlproj.cli.models.container import main

sys.exit(main())
"""
_COMPILED = (".so", ".pyd", ".pyc", ".dylib")
_OF_INSTALLATION = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json", "uv_cache.json", "uv_build.json")
_NOT_SERVED = shutil.ignore_patterns("__pycache__", "testing", *(f"*{suffix}" for suffix in _COMPILED))


def put(folder: Path, python: tuple[int, int] | None) -> None:
    """Put the server into the empty *folder*; compiled for *python*, where that is the version that runs here.

    Raises ServiceError when a package that it needs is not installed as files.
    """
    shutil.copytree(Path(mlproj.__file__).parent, folder / "mlproj", ignore=_NOT_SERVED)
    (folder / "__main__.py").write_text(_MAIN, "utf-8")
    for distribution in _distributions(NEEDED):
        _copy(distribution, folder)
    if python == sys.version_info[:2]:
        _compile(folder)


def _distributions(names: tuple[str, ...]) -> Iterator[metadata.Distribution]:
    """The distributions *names*, and what they require, each once."""
    from packaging.requirements import Requirement

    waiting, seen = list(names), set()
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name in seen:
            continue
        seen.add(name)
        try:
            found = metadata.distribution(name)
        except metadata.PackageNotFoundError as error:
            raise ServiceError(f"the package {name}, which a server needs, is not installed beside mlproj") from error
        yield found
        required = map(Requirement, found.requires or ())
        # An image's Python may be older than this one, and need what this one has itself.
        waiting += [one.name for one in required if _is_needed(one)]


def _is_needed(requirement: object) -> bool:
    from packaging.requirements import Requirement

    assert isinstance(requirement, Requirement)
    return requirement.marker is None or requirement.marker.evaluate({"extra": ""})


def _copy(distribution: metadata.Distribution, folder: Path) -> None:
    for file in distribution.files or ():
        name = str(file)
        if name.startswith("..") or Path(name).is_absolute() or file.suffix in _COMPILED or "__pycache__" in file.parts:
            continue
        if file.name in _OF_INSTALLATION and file.parts[0].endswith(".dist-info"):
            continue
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            shutil.copyfile(str(distribution.locate_file(file)), target)
        except FileNotFoundError:
            continue  # a list of files may be older than what is there


def _compile(folder: Path) -> None:
    """Compile all of it, as whoever runs the container can write nothing there. The same files give the same bytes."""
    words = ["-q", "--invalidation-mode", "unchecked-hash", "-s", str(folder), "-p", place.SERVER, str(folder)]
    process.run([sys.executable, "-I", "-m", "compileall", *words], env={"PYTHONHASHSEED": "0"})
