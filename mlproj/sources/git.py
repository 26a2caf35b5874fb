"""A Git repository: pinned to a commit, fetched through a mirror, checked out into a folder of the run's own."""

from __future__ import annotations

from pathlib import Path

from mlproj.foundation.locked import Given
from mlproj.sources import lfs, workspace
from mlproj.sources.address import Address
from mlproj.sources.ancestry import Ancestry
from mlproj.sources.base import Checkout, Revision
from mlproj.sources.git_url import parse
from mlproj.sources.git_version import Found, resolve
from mlproj.sources.history import History
from mlproj.sources.mirror import Mirror, repaired


class GitSource:
    """A repository, local or remote. A commit that the mirror has needs no network; a branch or tag is asked for each
    time."""

    def __init__(self, address: Address) -> None:
        self._subdirectory = address.subdirectory
        self._url = parse(address.place)
        self._mirror = Mirror(self._url)
        self._offline = False

    def pin(self, version: str | None, *, offline: bool) -> Revision:
        """The commit that *version* (a branch, tag, full or short commit; None: the default branch) names now."""
        self._offline = offline
        found = repaired(self._mirror, lambda: resolve(self._mirror, version, offline), offline)
        return Revision(
            "git",
            self._url.url,
            subdirectory=self._subdirectory,
            requested=version,
            commit=found.commit.name,
            branch=found.branch,
            tag=found.tag,
            commit_date=found.commit.date,
            dirty=False,
            notes=_notes(found),
        )

    def fetch(self, revision: Revision, *, isolated: bool) -> Checkout:  # noqa: ARG002  # it always is
        """A checkout of the pinned commit with its submodules and LFS files; always one of its own."""
        commit = revision.commit
        assert commit is not None
        folder, release = workspace.new()
        try:
            missing = repaired(self._mirror, lambda: self._write(folder, commit), self._offline)
            project = workspace.inside(folder, self._subdirectory)
        except BaseException:
            release()
            raise
        history = History(self._mirror, commit, offline=self._offline)
        return Checkout(
            folder, project, False, lambda path: history.last_changed(_below(path, folder)), release, _given(missing)
        )

    def ancestry(self, *, offline: bool) -> Ancestry:
        """The repository's commits as a history. Nothing is asked yet."""
        return Ancestry(self._mirror, offline=offline)

    def _write(self, folder: Path, commit: str) -> tuple[lfs.Missing, ...]:
        if self._mirror.commit(commit) is None:
            resolve(self._mirror, commit, self._offline)
        from mlproj.sources.submodule import write_whole_checkout

        return write_whole_checkout(self._mirror, commit, folder, offline=self._offline)


def _notes(found: Found) -> tuple[str, ...]:
    return (found.note,) if found.note else ()


def _given(missing: tuple[lfs.Missing, ...]) -> Given:
    warning = lfs.warning(missing)
    return Given(notes=(warning,) if warning else ())


def _below(path: Path, folder: Path) -> str | None:
    absolute = path if path.is_absolute() else folder / path
    return absolute.relative_to(folder).as_posix() if absolute.is_relative_to(folder) else None
