"""Git LFS: real files where git-lfs is installed, a clear error where only their pointers came."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from mlproj.foundation.errors import SourceError
from mlproj.sources import git_command

_POINTER = b"version https://git-lfs.github.com/spec/v1\n"
_NAMED = 5


def is_installed() -> bool:
    """Whether git-lfs is there."""
    return shutil.which("git-lfs") is not None


def settings(*, offline: bool) -> tuple[str, ...]:
    """Settings by which a checkout brings LFS files; without git-lfs it writes their pointers."""
    if not is_installed():
        return ("filter.lfs.process=", "filter.lfs.smudge=", "filter.lfs.clean=", "filter.lfs.required=false")
    nowhere = ("lfs.url=file:///nonexistent/offline",) if offline else ()
    return (
        "filter.lfs.process=git-lfs filter-process",
        "filter.lfs.smudge=git-lfs smudge -- %f",
        "filter.lfs.clean=git-lfs clean -- %f",
        "filter.lfs.required=true",
        *nowhere,
    )


def refuse_pointers(folder: Path) -> None:
    """Raise :class:`SourceError` when the checkout in *folder* holds pointers for want of git-lfs."""
    if is_installed():
        return
    listed = git_command.run("ls-files", "-z", "--", ":(glob)**/.gitattributes", folder=folder)
    attributes = [folder / os.fsdecode(name) for name in listed.stdout.split(b"\0") if name]
    if not any(b"filter=lfs" in path.read_bytes() for path in attributes if path.is_file() and not path.is_symlink()):
        return
    tracked = git_command.run("ls-files", "-z", "--", ":(attr:filter=lfs)", folder=folder)
    pointers = [
        os.fsdecode(name) for name in tracked.stdout.split(b"\0") if name and _is_pointer(folder / os.fsdecode(name))
    ]
    if pointers:
        more = f" and {len(pointers) - _NAMED} more" if len(pointers) > _NAMED else ""
        raise SourceError(
            f"these files are kept in Git LFS, and only their pointers came: {', '.join(pointers[:_NAMED])}{more}",
            hint="install git-lfs (https://git-lfs.com) and run again",
        )


def _is_pointer(path: Path) -> bool:
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(_POINTER)) == _POINTER
