"""A folder of the user's: runs in place, says which commit it is at and how it differs, and is copied when asked."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from mlproj.foundation import file_tree, presence
from mlproj.foundation.errors import SourceError, UsageError
from mlproj.sources import workspace
from mlproj.sources.address import Address
from mlproj.sources.base import Checkout, Revision, Source
from mlproj.sources.work_tree import WorkTree

if TYPE_CHECKING:
    from mlproj.sources.git import GitSource

# Made again by every program that needs them; a copy without them runs the same.
_NOT_COPIED = frozenset(
    {"__pycache__", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".ipynb_checkpoints", ".venv", ".tox", ".nox"}
)


class FolderSource:
    """A local folder. Inside a Git work tree its root is the work tree's top, so that shared files above are found.

    ``pin`` of a version turns to the work tree's repository: that revision is checked out elsewhere, the folder is not
    touched. A folder is what it holds now, so pinning it twice may say two things.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self._asked = Path(address.place)
        self._tree = WorkTree.around(self._asked)
        self._repository: Source | None = None

    def pin(self, version: str | None, *, offline: bool) -> Revision:
        """What the folder holds now; with *version*, that revision of the Git repository it lies in."""
        if version is not None:
            self._repository = self.repository(f"version {version!r}")
            return self._repository.pin(version, offline=offline)
        self._repository = None
        project = workspace.inside(self._asked, self._address.subdirectory)
        if self._tree is None:
            return Revision("folder", str(self._asked), subdirectory=self._address.subdirectory)
        return self._tree.revision(self._asked, project)

    def fetch(self, revision: Revision, *, isolated: bool) -> Checkout:
        """The folder itself, or with *isolated* a copy of it: everything but caches, links kept as they are."""
        if self._repository is not None:
            return self._repository.fetch(revision, isolated=isolated)
        top = self._tree.top if self._tree and revision.commit else self._asked
        project = workspace.inside(self._asked, self._address.subdirectory)
        last_changed = self._last_changed(revision)
        if not isolated:
            return Checkout(top, project, True, last_changed, _nothing)
        below = os.path.relpath(project.resolve(), top.resolve())
        folder, release = workspace.new()
        try:
            copy_files(top, folder)
        except OSError as error:
            release()
            raise SourceError(f"{top} could not be copied: {error.strerror}: {error.filename}") from error
        except BaseException:
            release()
            raise
        return Checkout(
            folder, folder if below == "." else folder / below, False, _moved(last_changed, folder, top), release
        )

    def _last_changed(self, revision: Revision) -> Callable[[Path], datetime | None]:
        tree = self._tree
        if tree is None or revision.commit is None:
            return _never
        return tree.last_changed

    def repository(self, purpose: str) -> GitSource:
        """The Git repository that the folder lies in, with the folder's place in it. Raises UsageError, which names the
        *purpose*."""
        if self._tree is None:
            raise UsageError(
                f"{purpose}: {self._asked} is in no Git repository, so it has no versions",
                hint="mlproj run without -v runs the folder as it is",
            )
        from mlproj.sources.git import GitSource

        below = os.path.relpath((self._asked / self._address.subdirectory).resolve(), self._tree.top.resolve())
        place = str(self._tree.top)
        return GitSource(
            Address("git", "a version of the folder's own repository", place, "" if below == "." else below)
        )


def copy_files(source: Path, target: Path) -> None:
    """Copy a folder's files but for caches, links as they are; sockets and devices are left out. Raises OSError."""
    file_tree.copy(source, target, _is_left_out)


def _is_left_out(path: Path) -> bool:
    return path.name in _NOT_COPIED or _is_special(path) or presence.is_file(path / "pyvenv.cfg")


def _is_special(path: Path) -> bool:
    """Sockets, pipes and devices cannot be copied; reading one could wait for ever."""
    import stat

    mode = path.lstat().st_mode
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode) or stat.S_ISLNK(mode))


def _moved(
    last_changed: Callable[[Path], datetime | None], folder: Path, top: Path
) -> Callable[[Path], datetime | None]:
    def ask(path: Path) -> datetime | None:
        return last_changed(top / path.relative_to(folder)) if path.is_relative_to(folder) else None

    return ask


def _never(_: Path) -> None:
    return None


def _nothing() -> None:
    return None
