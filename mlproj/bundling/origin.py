"""The files of what is packaged: those of the revision, and not what else lies in a folder of the user's."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from mlproj.dataclass import replace
from mlproj.plan import source_document
from mlproj.sources.base import Checkout, Revision, Source
from mlproj.sources.replayed import Kept, ReplayedSource
from mlproj.sources.work_tree import WorkTree

Fetch = Callable[[], Checkout]


def pinned(source: Source, version: str | None, resources: ExitStack, *, offline: bool) -> tuple[Revision, Fetch]:
    """The revision of *source*, and what fetches its files, each time into a folder of their own that lasts as long as *resources*.

    Of a folder in Git these are the commit's with the uncommitted changes. Raises SourceError, UsageError.
    """
    revision, tree = source.pin(version, offline=offline), None
    if revision.kind == "folder" and revision.commit and not revision.diff_note:
        source = ReplayedSource(Kept("the folder", source_document(revision), revision.diff))
        revision = source.pin(None, offline=offline)
    elif revision.kind == "folder":
        # The patch does not have all of it, or there is no commit yet: all files that Git does not ignore.
        revision, tree = replace(revision, diff=None, diff_note=None), WorkTree.around(Path(revision.uri))

    def fetch() -> Checkout:
        checkout = source.fetch(revision, isolated=True)
        resources.callback(checkout.release)
        if tree:
            _remove_ignored(tree, Path(revision.uri), checkout, revision)
        return checkout

    return revision, fetch


def _remove_ignored(tree: WorkTree, asked: Path, checkout: Checkout, revision: Revision) -> None:
    for name in tree.ignored(tree.top if revision.commit else asked):
        place = checkout.root / name
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        else:
            place.unlink(missing_ok=True)
