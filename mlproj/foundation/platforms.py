"""Names of platforms: conda's (``linux-64``), by which locks are kept, and those of containers (``linux/amd64``), which
people know."""

from __future__ import annotations

import os

from mlproj.foundation.errors import UsageError

GLIBC = 28
"""The minor version of GNU's C library (2.28) that packages for other machines may ask for."""

# conda's name: that of containers, and what uv calls it where it resolves for another machine.
_KNOWN = {
    "linux-64": ("linux/amd64", f"x86_64-manylinux_2_{GLIBC}"),
    "linux-aarch64": ("linux/arm64", f"aarch64-manylinux_2_{GLIBC}"),
    "osx-64": ("darwin/amd64", "x86_64-apple-darwin"),
    "osx-arm64": ("darwin/arm64", "aarch64-apple-darwin"),
    "win-64": ("windows/amd64", "x86_64-pc-windows-msvc"),
}


def here() -> str:
    """This machine in conda's words."""
    system = os.uname()
    machine = {"x86_64": "64", "arm64": "arm64" if system.sysname == "Darwin" else "aarch64"}.get(
        system.machine, system.machine
    )
    return f"{'osx' if system.sysname == 'Darwin' else system.sysname.lower()}-{machine}"


def parse(text: str) -> list[str]:
    """Platforms in conda's words, of names parted by commas, in either spelling. Raises UsageError."""
    found = []
    for word in filter(None, (part.strip() for part in text.split(","))):
        name = next((name for name, (other, _) in _KNOWN.items() if word in (name, other)), None)
        if name is None:
            raise UsageError(
                f"{word!r} is not a known platform",
                hint=f"known: {', '.join(other for other, _ in _KNOWN.values())}",
            )
        found.append(name)
    return list(dict.fromkeys(found))


def shown(name: str) -> str:
    """The name for people."""
    return _KNOWN[name][0] if name in _KNOWN else name


def for_uv(name: str) -> str:
    """What uv calls the platform *name*."""
    return _KNOWN[name][1]
