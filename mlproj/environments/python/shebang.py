"""The first lines of scripts, which name the program that runs them (execve(2)), as installers write them."""

from __future__ import annotations

from pathlib import Path

_LONGEST = 127
"""Bytes of a first line, ``#!`` and its end included, that every Linux understands."""


def is_plain(python: str) -> bool:
    """Whether a first line can name *python* itself; other paths are given to a shell."""
    return len(f"#!{python}\n".encode("utf-8", "surrogateescape")) <= _LONGEST and " " not in python


def change(scripts: Path, old: str, new: str) -> None:
    """Let the scripts of a folder that are run by the Python *old*, whose path is plain, be run by *new*."""
    before = f"#!{old}".encode("utf-8", "surrogateescape")
    after = _line(new).encode("utf-8", "surrogateescape")
    for script in files(scripts):
        content = script.read_bytes()
        if content.startswith(before) and content[len(before) :][:1].isspace():
            replace(script, after + content[len(before) :])


def files(scripts: Path) -> list[Path]:
    """The files of a folder of scripts, links left out."""
    return (
        [place for place in scripts.iterdir() if place.is_file() and not place.is_symlink()] if scripts.is_dir() else []
    )


def replace(script: Path, content: bytes) -> None:
    """Give *script* another content in a new file with the same permissions: it may be a hard link into the installer's
    cache.

    It is gone in between. A rename over it would make ext4 write each file to the disk at once (``auto_da_alloc``,
    ext4(5)).
    """
    mode = script.stat().st_mode
    script.unlink()
    script.write_bytes(content)
    script.chmod(mode)


def _line(python: str) -> str:
    if is_plain(python):
        return f"#!{python}"
    # Python reads this as one string, a shell as an exec and a harmless word.
    path = python.replace("'", "'\"'\"'")
    return f"#!/bin/sh\n'''exec' '{path}' \"$0\" \"$@\"\n' '''"
