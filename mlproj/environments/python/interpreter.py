"""The Pythons on this machine: where to look, what each is, and which one fits what is asked for.

A broken interpreter is skipped. What an interpreter says about itself is kept in the cache by its path, time and size,
so that a second look starts no process.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from mlproj.foundation import paths, presence, process
from mlproj.foundation.dataclass import dataclass
from mlproj.foundation.errors import ServiceError

_PROBE = (
    "import sys,json,platform,sysconfig;print(json.dumps({'version':'.'.join(map(str,sys.version_info[:3]))+('' if"
    " sys.version_info[3]=='final' else sys.version_info[3]),'implementation':sys.implementation.name if"
    " hasattr(sys,'implementation') else"
    " 'old','platform':sysconfig.get_platform(),'libc':'-'.join(platform.libc_ver(sys.executable))}))"
)
_NAME = re.compile(r"python(3(\.\d+)?)?$")
_NAME_OF_NOTE = r"python(\d+)\.(\d+)$"
_OLDEST = (3, 6)


@dataclass(frozen=True)
class Interpreter:
    """A working Python: ``version`` is full (``3.10.13``), ``platform`` and ``libc`` are what its wheels must fit."""

    path: str
    source: str
    version: str
    implementation: str
    platform: str
    libc: str

    @property
    def minor(self) -> tuple[int, int]:
        """``(3, 10)``."""
        major, minor = self.version.split(".")[:2]
        return int(major), int(minor)

    @property
    def order(self) -> tuple[int, ...]:
        """The version as numbers, to compare patch releases; a pre-release comes before its release."""
        numbers = tuple(int(number) for number in re.findall(r"\d+", self.version)[:3])
        return (*numbers, 0 if re.search(r"[a-z]", self.version) else 1)


def find(minor: tuple[int, int] | None = None) -> list[Interpreter]:
    """Every usable CPython (3.6 or newer), best source first: running, pyenv, uv, PATH, conda. Other Pythons are left
    out.

    With *minor* those of another minor version are left out, and are not even started when their name tells it.
    """
    known = _Facts.load()
    found: dict[str, Interpreter] = {}
    for source, path in _candidates():
        real = os.path.realpath(path)
        if real in found or (minor and _named_minor(real) not in (None, minor)):
            continue
        facts = known.of(real)
        if facts is not None:
            found[real] = Interpreter(path=real, source=source, **facts)
    known.save()
    usable = [one for one in found.values() if one.implementation == "cpython" and one.minor >= _OLDEST]
    return [one for one in usable if minor in (None, one.minor)]


def at(path: Path, source: str) -> Interpreter | None:
    """The interpreter at *path*, None when it does not run."""
    facts = _ask(str(path))
    return None if facts is None else Interpreter(path=str(path), source=source, **facts)


def _named_minor(path: str) -> tuple[int, int] | None:
    """``(3, 9)`` of ``/usr/bin/python3.9``, None when the name does not tell."""
    match = re.search(_NAME_OF_NOTE, path)
    return (int(match[1]), int(match[2])) if match else None


def stamp() -> list[tuple[str, int, int]]:
    """Path, time and size of everything that :func:`find` would look at: equal stamps, equal interpreters."""
    return sorted({_signature(os.path.realpath(path)) for _, path in _candidates()})


def _signature(path: str) -> tuple[str, int, int]:
    try:
        status = Path(path).stat()
    except OSError:
        return (path, 0, 0)
    return (path, status.st_mtime_ns, status.st_size)


def _candidates() -> Iterator[tuple[str, str]]:
    yield "running", getattr(sys, "_base_executable", None) or sys.executable
    yield from (("pyenv", path) for path in _below(_pyenv_root() / "versions"))
    yield from (("uv", path) for folder in (_uv_folder(), downloads()) for path in _below(folder))
    yield from (("PATH", path) for path in _on_path())
    for root in _conda_roots():
        if presence.exists(root / "bin" / "python"):
            yield "conda", str(root / "bin" / "python")
        yield from (("conda", path) for path in _below(root / "envs"))


def _pyenv_root() -> Path:
    return Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")


def _uv_folder() -> Path:
    chosen = os.environ.get("UV_PYTHON_INSTALL_DIR")
    data = os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share"
    return Path(chosen) if chosen else Path(data) / "uv" / "python"


def downloads() -> Path:
    """Where Pythons that we had uv fetch are kept."""
    return paths.cache() / "pythons"


def _conda_roots() -> list[Path]:
    executable = os.environ.get("CONDA_EXE")
    roots = [Path(executable).parent.parent] if executable else []
    return [
        *roots,
        *(Path.home() / name for name in ("miniconda3", "miniforge3", "mambaforge", "anaconda3")),
        Path("/opt/conda"),
    ]


def _below(folder: Path) -> Iterator[str]:
    """``NAME/bin/python`` in *folder*, newest names first, virtual environments left out."""
    try:
        names = sorted((place.name for place in folder.iterdir()), reverse=True)
    except OSError:
        return
    for name in names:
        path = folder / name / "bin" / "python"
        if presence.exists(path) and not presence.exists(folder / name / "pyvenv.cfg"):
            yield str(path)


def _on_path() -> Iterator[str]:
    """Pythons on ``PATH`` that are neither pyenv's shims (they fail without a global version) nor virtual
    environments."""
    for entry in os.environ.get("PATH", os.defpath).split(os.pathsep):
        folder = Path(entry or ".")
        if folder.name == "shims" or presence.exists(folder.parent / "pyvenv.cfg"):
            continue
        try:
            listed = os.listdir(folder)  # noqa: PTH208  # thousands of names
        except OSError:
            continue
        named = sorted((name for name in listed if name.startswith("python") and _NAME.match(name)), reverse=True)
        yield from (str(folder / name) for name in named)


class _Facts:
    """What interpreters report about themselves, kept by path, time and size. A broken one is remembered as broken."""

    def __init__(self, entries: dict[str, tuple[list[int], dict[str, str] | None]]) -> None:
        self._entries = entries
        self._changed = False

    @staticmethod
    def _file() -> Path:
        return paths.cache() / "interpreters.json"

    @classmethod
    def load(cls) -> _Facts:
        try:
            return cls(json.loads(cls._file().read_bytes()))
        except (OSError, ValueError):
            return cls({})

    def of(self, path: str) -> dict[str, str] | None:
        signature = list(_signature(path)[1:])
        entry = self._entries.get(path)
        if entry is None or entry[0] != signature:
            entry = self._entries[path] = (signature, _ask(path))
            self._changed = True
        return entry[1]

    def save(self) -> None:
        if self._changed:
            with suppress(OSError):  # it saves time, and a cache that cannot be written is an error where it is needed
                paths.write_atomic(self._file(), json.dumps(self._entries))


def _ask(path: str) -> dict[str, str] | None:
    """What the interpreter at *path* says about itself, None when it does not run. Isolated: no site, no user's
    variables."""
    if path == os.path.realpath("/proc/self/exe"):  # which says "(deleted)" when the file was replaced since
        return _own_facts(path)
    try:
        answer = process.run([path, "-I", "-S", "-c", _PROBE], timeout=20, cwd=Path(path).parent)
        facts = json.loads(answer.stdout)
        return {name: str(facts[name]) for name in ("version", "implementation", "platform", "libc")}
    except (ServiceError, ValueError, KeyError, TypeError, OSError):
        return None


def _own_facts(path: str) -> dict[str, str]:
    """As :func:`_ask` for the Python that executes this, at *path*, which need not be started for it."""
    import platform
    import sysconfig

    level = sys.version_info.releaselevel
    return {
        "version": ".".join(map(str, sys.version_info[:3])) + ("" if level == "final" else level),
        "implementation": sys.implementation.name,
        "platform": sysconfig.get_platform(),
        "libc": "-".join(platform.libc_ver(path)),
    }
