"""The small files that Git has in place of large ones: https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from mlproj.foundation import file_tree, presence
from mlproj.sources import git_command

BEGINNING = b"version https://git-lfs.github.com/spec/v1\n"
_LARGEST = 1024  # bytes; a pointer is smaller
_POINTER = re.compile(re.escape(BEGINNING) + rb"oid sha256:([0-9a-f]{64})\nsize (\d{1,18})\n?")
_LOOKED_AT = 50_000  # files below a folder that is no work tree of Git


@dataclass(frozen=True)
class Pointer:
    """A file, relative to the top of its repository, that stands for *size* bytes with the SHA-256 *oid*.

    Neither is known of a pointer with extensions, which only the program that made it can follow.
    """

    path: str
    oid: str | None = None
    size: int = 0


def read(folder: Path, path: str) -> Pointer | None:
    """The pointer that the file *path* of *folder* holds; None when it is no pointer."""
    file = folder / path
    try:
        if file.is_symlink() or not presence.is_file(file) or file.stat().st_size >= _LARGEST:
            return None
        content = file.read_bytes()
    except OSError:
        return None
    if not content.startswith(BEGINNING):
        return None
    found = _POINTER.fullmatch(content)
    return Pointer(path, found[1].decode(), int(found[2])) if found else Pointer(path)


def in_checkout(folder: Path) -> list[Pointer]:
    """The pointers among the files of the work tree *folder* that its attributes give to Git LFS."""
    listed = git_command.run("ls-files", "-z", "--", ":(glob)**/.gitattributes", folder=folder)
    if not any(_gives_files_to_lfs(folder / name) for name in _names(listed.stdout)):
        return []
    tracked = git_command.run("ls-files", "-z", "--", ":(attr:filter=lfs)", folder=folder)
    return [pointer for name in _names(tracked.stdout) if (pointer := read(folder, name))]


def below(folder: Path, limit: int) -> list[str]:
    """Paths of the first *limit* pointers below any *folder*, relative to it; files beyond a large number are not
    looked at."""
    found = (name for name in islice(_files(folder), _LOOKED_AT) if read(folder, name))
    return sorted(islice(found, limit))


def _names(listed: bytes) -> list[str]:
    return [os.fsdecode(name) for name in listed.split(b"\0") if name]


def _gives_files_to_lfs(attributes: Path) -> bool:
    return presence.is_file(attributes) and not attributes.is_symlink() and b"filter=lfs" in attributes.read_bytes()


def _files(folder: Path) -> Iterator[str]:
    for parent, folders, names in file_tree.walk(folder):
        folders[:] = sorted(name for name in folders if name not in (".git", ".venv", "node_modules"))
        for name in sorted(names):
            yield os.path.relpath(os.path.join(parent, name), folder)  # noqa: PTH118  # many
