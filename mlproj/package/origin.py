"""The files of what is packaged: those of the revision, and not what else lies in a folder of the user's."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from mlproj.foundation.dataclass import replace
from mlproj.running.plan import source_document
from mlproj.sources.base import Checkout, Revision, Source
from mlproj.sources.replayed import Kept, ReplayedSource
from mlproj.sources.work_tree import WorkTree

Fetch = Callable[[], Checkout]


def pinned(source: Source, version: str | None, resources: ExitStack, *, offline: bool) -> tuple[Revision, Fetch]:
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

    return revision, fetch


def _remove_ignored(names: list[str], root: Path) -> None:
    for name in names:
        place = root / name
        if place.is_dir() and not place.is_symlink():
            shutil.rmtree(place)
        else:
            place.unlink(missing_ok=True)
