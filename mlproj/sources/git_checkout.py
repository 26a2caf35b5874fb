"""A commit's files in a folder that is a work tree of its own, made from a mirror without copying an object.

Its ``.git`` is a few small files: a detached HEAD, the origin's URL without secrets, the mirror as alternate object
store and as the place of Git LFS files (in a file, as on the command line it would count for a local remote's LFS files
too). So ``git rev-parse HEAD``, GitPython and mlflow's own commit tag work in it, nothing in the mirror knows of it,
and removing the folder removes all of it.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from mlproj.foundation.errors import SourceError
from mlproj.sources import git_remote, lfs
from mlproj.sources.git_command import quoted
from mlproj.sources.git_failure import MirrorError, git_message, is_corruption
from mlproj.sources.mirror import Mirror


def write_checkout(mirror: Mirror, commit: str, folder: Path, *, offline: bool) -> tuple[lfs.Missing, ...]:
    """Fill the empty *folder* with the files of *commit*, which the mirror has, its LFS files included and its
    submodules not.

    Returns the LFS files that could not be had, whose pointers are there.
    Raises :class:`SourceError`; :class:`MirrorError` when the mirror lacks what it should have.
    """
    _clear(folder)
    _write_git_folder(mirror, commit, folder)
    result = git_remote.run(
        mirror.url, "read-tree", "-m", "-u", commit, folder=folder, settings=lfs.settings(offline=offline)
    )
    if result.returncode != 0:
        words = git_message(result, mirror.url)
        if is_corruption(result) and "smudge filter" not in result.error_text:
            raise MirrorError(f"{mirror.path} is damaged ({words})")
        raise SourceError(f"{mirror.url.url}: commit {commit[:12]} could not be checked out ({words})")
    return lfs.complete(mirror.url, folder, mirror.path / "lfs", result, offline=offline)


def _clear(folder: Path) -> None:
    """A first try on a damaged mirror may have left something."""
    for entry in folder.iterdir():
        shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()


def _write_git_folder(mirror: Mirror, commit: str, folder: Path) -> None:
    git = folder / ".git"
    (git / "objects" / "info").mkdir(parents=True)
    (git / "refs").mkdir()
    (git / "HEAD").write_text(commit + "\n")
    (git / "objects" / "info" / "alternates").write_text(f"{mirror.path / 'objects'}\n")
    sha256 = len(commit) == 64
    extension = "[extensions]\n\tobjectFormat = sha256\n" if sha256 else ""
    (git / "config").write_text(
        f"[core]\n\trepositoryformatversion = {int(sha256)}\n\tbare = false\n\tautocrlf = false\n{extension}"
        f'[remote "origin"]\n\turl = {quoted(mirror.url.url)}\n\tfetch = +refs/heads/*:refs/remotes/origin/*\n'
        f"[lfs]\n\tstorage = {quoted(str(mirror.path / 'lfs'))}\n"
    )
    with suppress(FileNotFoundError):
        shutil.copyfile(mirror.path / "shallow", git / "shallow")
