"""A machine and a Python that packages are for: which entries of a lock it needs, and which of their wheels fit."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote, urlsplit

from packaging.markers import InvalidMarker, Marker, UndefinedEnvironmentName
from packaging.tags import Tag, compatible_tags, cpython_tags, mac_platforms
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from mlproj.environments.python.interpreter import Interpreter
from mlproj.foundation import platforms
from mlproj.foundation.dataclass import dataclass

_OLDEST_GLIBC = {"x86_64": 5, "aarch64": 17}
_LEGACY = {5: "manylinux1", 12: "manylinux2010", 17: "manylinux2014"}
_MACOS = (13, 0)  # for which uv resolves
_SYSTEMS = {
    "linux": ("linux", "Linux", "posix"),
    "osx": ("darwin", "Darwin", "posix"),
    "win": ("win32", "Windows", "nt"),
}
_MACHINES = {
    "linux-64": "x86_64",
    "linux-aarch64": "aarch64",
    "osx-64": "x86_64",
    "osx-arm64": "arm64",
    "win-64": "AMD64",
}


@dataclass(frozen=True)
class Target:
    """A platform in conda's words, and a Python there. ``glibc`` is the minor version of GNU's C library that wheels
    may ask for."""

    platform: str
    python: str
    glibc: int

    @property
    def is_here(self) -> bool:
        """Whether it is this machine."""
        return self.platform == platforms.here()

    def needs(self, entry: Mapping[str, Any]) -> bool:
        """Whether the marker of a lock's *entry* holds; one that cannot be understood does."""
        if "marker" not in entry:
            return True
        try:
            return Marker(str(entry["marker"])).evaluate(self._environment())
        except (InvalidMarker, UndefinedEnvironmentName):
            return True

    def best(self, wheels: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
        """The wheel that an installer would take, where several fit the one for the oldest systems; None when none
        fits."""
        rank = {
            (tag.interpreter, tag.abi, tag.platform == "any"): position
            for position, tag in reversed([*enumerate(self._tags())])
        }
        usable = {*self._tags()}
        fitting = []
        for wheel in wheels:
            name = file_name(wheel)
            ranks = [rank[tag.interpreter, tag.abi, tag.platform == "any"] for tag in _tags_of(name) & usable]
            if ranks:
                fitting.append((min(ranks), _glibc_of(name), "universal" in name, name, wheel))
        return min(fitting, key=lambda one: one[:4])[4] if fitting else None

    def _tags(self) -> Iterator[Tag]:
        minor = tuple(map(int, self.python.split(".")[:2]))
        digits = "".join(map(str, minor))
        names = list(self._platforms())
        yield from cpython_tags(minor, [f"cp{digits}" + ("m" if minor < (3, 8) else "")], names)
        yield from compatible_tags(minor, f"cp{digits}", names)

    def _platforms(self) -> Iterator[str]:
        system, _, _ = self.platform.partition("-")
        machine = _MACHINES.get(self.platform, "")
        if system == "osx":
            yield from mac_platforms(_MACOS, machine)
        elif system == "win":
            yield "win_amd64"
        else:
            for minor in range(self.glibc, _OLDEST_GLIBC.get(machine, 17) - 1, -1):
                yield f"manylinux_2_{minor}_{machine}"
                if minor in _LEGACY:
                    yield f"{_LEGACY[minor]}_{machine}"
            yield f"linux_{machine}"

    def _environment(self) -> dict[str, str]:
        """What markers ask for (https://packaging.python.org/en/latest/specifications/dependency-specifiers/)."""
        sys_platform, system, os_name = _SYSTEMS[self.platform.partition("-")[0]]
        return {
            "sys_platform": sys_platform,
            "platform_system": system,
            "os_name": os_name,
            "platform_machine": _MACHINES.get(self.platform, ""),
            "platform_release": "",
            "platform_version": "",
            "python_version": ".".join(self.python.split(".")[:2]),
            "python_full_version": self.python,
            "implementation_version": self.python,
            "implementation_name": "cpython",
            "platform_python_implementation": "CPython",
            "extra": "",
        }


def target_for(platform: str, python: Interpreter) -> Target:
    """The target for *python* here, or for one of its version on another *platform*."""
    here = re.fullmatch(r"glibc-2\.(\d+)", python.libc)
    return Target(platform, python.version, int(here[1]) if here and platform == platforms.here() else platforms.GLIBC)


def file_name(entry: Mapping[str, Any]) -> str:
    """The name of a lock's file."""
    return str(
        entry.get("name") or unquote(urlsplit(str(entry.get("url") or entry.get("path"))).path).rpartition("/")[2]
    )


def _tags_of(name: str) -> frozenset[Tag]:
    try:
        return parse_wheel_filename(name)[3]
    except InvalidWheelFilename:
        return frozenset()


def _glibc_of(name: str) -> int:
    """The least minor version of GNU's C library that a wheel's name speaks of."""
    legacy = {tag: minor for minor, tag in _LEGACY.items()}
    found = [
        int(match[1]) if match[1] else legacy[match[0]]
        for match in re.finditer(r"manylinux_2_(\d+)|manylinux(?:1|2010|2014)", name)
    ]
    return min(found, default=0)
