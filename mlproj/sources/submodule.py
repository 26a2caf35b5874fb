"""Submodules at the commits that the project recorded, each through a mirror of its own."""

from __future__ import annotations

from pathlib import Path

from mlproj.foundation.errors import MlprojError, SourceError
from mlproj.sources import gitmodules
from mlproj.sources.git_checkout import write_checkout
from mlproj.sources.git_url import GitUrl
from mlproj.sources.git_version import resolve
from mlproj.sources.lfs import Missing
from mlproj.sources.mirror import Mirror, repaired

_DEEPEST = 10  # a repository may name itself as its submodule


def write_whole_checkout(
    mirror: Mirror, commit: str, folder: Path, *, offline: bool, depth: int = 0
) -> tuple[Missing, ...]:
    """Fill the empty *folder* with the files of *commit*, which the mirror has, its submodules and LFS files included.

    Returns the LFS files that could not be had, whose pointers are there.
    Raises :class:`SourceError`; :class:`~mlproj.sources.git_failure.MirrorError` when the mirror lacks what it should
    have.
    """
    missing = write_checkout(mirror, commit, folder, offline=offline)
    return (*missing, *write_submodules(mirror.url, folder, offline=offline, depth=depth))


def write_submodules(url: GitUrl, folder: Path, *, offline: bool, depth: int = 0) -> tuple[Missing, ...]:
    """Check out the submodules of the checkout in *folder*, and theirs; returns their Git LFS files that could not be
    had.

    Raises :class:`SourceError` naming the submodule.
    """
    listed = folder / ".gitmodules"
    if listed.is_symlink() or not listed.is_file():
        return ()
    if depth >= _DEEPEST:
        raise SourceError(f"{url.url}: submodules are nested deeper than {_DEEPEST}")
    missing: list[Missing] = []
    for submodule in gitmodules.recorded(folder):
        target = folder / submodule.path
        if target.resolve() != folder.resolve() / submodule.path or not target.is_dir():
            raise SourceError(
                f"{url.url}: the submodule {submodule.path!r} is not a folder of its own in the repository"
            )
        try:
            lacking = _write_one(url.related(submodule.url), submodule.commit, target, offline, depth)
        except MlprojError as error:
            raise SourceError(f"submodule {submodule.path}: {error.message}", hint=error.hint) from error
        missing += [Missing(f"{submodule.path}/{each.path}", each.reason) for each in lacking]
    return tuple(missing)


def _write_one(url: GitUrl, commit: str, target: Path, offline: bool, depth: int) -> tuple[Missing, ...]:
    mirror = Mirror(url)

    def write() -> tuple[Missing, ...]:
        resolve(mirror, commit, offline)
        return write_whole_checkout(mirror, commit, target, offline=offline, depth=depth + 1)

    return repaired(mirror, write, offline)
