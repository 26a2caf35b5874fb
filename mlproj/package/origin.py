"""The files of what is packaged: those of the revision, and not what else lies in a folder of the user's."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from fnmatch import fnmatch
from pathlib import Path

from mlproj import projects
from mlproj.foundation import file_tree
from mlproj.foundation.dataclass import replace
from mlproj.foundation.errors import MlprojError
from mlproj.foundation.secret_files import holds_secrets
from mlproj.projects.parameter import secret_defaults
from mlproj.running.plan import source_document
from mlproj.sources.base import Checkout, Revision, Source
from mlproj.sources.patch import by_file
from mlproj.sources.replayed import Kept, ReplayedSource
from mlproj.sources.work_tree import WorkTree


class Fetch:
    """Fetches the files, each time into a folder of their own, without those that hold secrets; ``left_out`` names
    these, ``secret_defaults`` the parameters of the project whose defaults look secret and come along.

    What matches a pattern of *include* stays.
    """

    def __init__(self, fetch: Callable[[], Checkout], include: Sequence[str]) -> None:
        self._fetch, self._include = fetch, include
        self.left_out: list[str] = []
        self.secret_defaults: list[str] = []

    def __call__(self) -> Checkout:
        """The files."""
        checkout = self._fetch()
        found = list(self._secret(checkout.root))
        for name in found:
            (checkout.root / name).unlink()
        self.left_out = sorted({*self.left_out, *found})
        with suppress(MlprojError):  # others tell what is wrong with it
            secret = secret_defaults(projects.load(checkout.project_dir, root=checkout.root))
            self.secret_defaults = sorted({name for name, _ in secret})
        return checkout

    def notes(self) -> tuple[str, ...]:
        """What the user should know of the files that were left out, and of secrets that were not."""
        return tuple(self._notes())

    def _notes(self) -> Iterator[str]:
        if self.left_out:
            names = ", ".join(self.left_out)
            yield f"left out, as they may hold secrets: {names}; --include NAME puts one in that is meant to be there"
        if self.secret_defaults:
            names = ", ".join(self.secret_defaults)
            yield f"MLproject comes along with the default of {names}, which looks secret: better give it none"

    def _secret(self, root: Path) -> Iterator[str]:
        for place, folders, files in file_tree.walk(root):
            folders[:] = [name for name in folders if name != ".git"]
            for path in (Path(place, name) for name in files):
                name = path.relative_to(root).as_posix()
                if holds_secrets(name, path) and not any(fnmatch(name, pattern) for pattern in self._include):
                    yield name


def pinned(
    source: Source, version: str | None, resources: ExitStack, *, offline: bool, include: Sequence[str] = ()
) -> tuple[Revision, Fetch]:
    """The revision of *source*, and what fetches its files, each time into a folder of their own that lasts as long as
    *resources*.

    Of a folder in Git these are the commit's with the uncommitted changes. Raises SourceError, UsageError.
    """
    revision, tree = source.pin(version, offline=offline), None
    asked = revision
    if revision.kind == "folder" and revision.commit and not revision.diff_note:
        source = ReplayedSource(Kept("the folder", source_document(revision), revision.diff))
        asked = source.pin(None, offline=offline)
    elif revision.kind == "folder":
        # The patch does not have all of it, or there is no commit yet: all files that Git does not ignore.
        asked = revision = replace(revision, diff=None, diff_note=None)
        tree = WorkTree.around(Path(revision.uri))

    def fetch() -> Checkout:
        checkout = source.fetch(asked, isolated=True)
        resources.callback(checkout.release)
        if tree:
            _remove_ignored(tree.ignored(tree.top if revision.commit else Path(revision.uri)), checkout.root)
        return checkout

    return replace(revision, diff=_without_secret_files(revision.diff)), Fetch(fetch, include)


def _without_secret_files(patch: bytes | None) -> bytes | None:
    """*patch* without the files that are in no package: one of a run of an earlier version may have them."""
    parts = by_file(patch) if patch else {}
    kept = [part for name, part in parts.items() if not holds_secrets(name, Path(name))]
    return patch if len(kept) == len(parts) else b"".join(kept) or None


def _remove_ignored(names: list[str], root: Path) -> None:
    for name in names:
        place = root / name
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        else:
            place.unlink(missing_ok=True)
