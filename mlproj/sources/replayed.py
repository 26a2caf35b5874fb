"""A source as an earlier run recorded it: the same commit with the same uncommitted changes, or the files that were kept."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlproj.dataclass import dataclass, replace
from mlproj.errors import SourceError
from mlproj.sources import git_command, workspace
from mlproj.sources.address import Address
from mlproj.sources.base import Checkout, Revision, Source
from mlproj.sources.folder import copy_files
from mlproj.sources.opening import open as open_source
from mlproj.sources.work_tree import WorkTree


@dataclass(frozen=True)
class Kept:
    """What a run kept of its source: the record's ``source``, the patch of uncommitted changes, a copy of a folder without history."""

    of: str
    document: Mapping[str, Any]
    patch: bytes | None = None
    files: Path | None = None


class ReplayedSource:
    """The source of an earlier run. ``pin`` raises SourceError when it is not there any more as it was."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept
        self._inner: Source | None = None
        self._patch: bytes | None = None

    def pin(self, version: str | None, *, offline: bool) -> Revision:
        """The revision of that run; *version* is another one of the same source, without the uncommitted changes."""
        document = self._kept.document
        if self._kept.files is not None and version is None:
            return Revision("folder", str(document["uri"]), subdirectory=str(document.get("subdirectory") or ""))
        self._inner = self._opened()
        commit = document.get("commit")
        revision = self._inner.pin(version or commit, offline=offline)
        if version is not None:
            return revision
        if commit and revision.commit != commit:
            raise SourceError(f"{revision.uri} has {commit[:12]} for another commit than {self._kept.of} did")
        if document.get("digest") and revision.digest != document["digest"]:
            raise SourceError(
                f"{revision.uri} is another file than the one that {self._kept.of} used ({revision.digest}, then {document['digest']})",
                hint="put the file back, or take it as it is: --latest-code",
            )
        if not document.get("dirty") or revision.dirty:  # a package has the changed files
            return revision
        self._patch = self._kept_patch()
        return replace(revision, dirty=True, diff=self._patch)

    def fetch(self, revision: Revision, *, isolated: bool) -> Checkout:  # noqa: ARG002  # it always is
        """The files as they were then, in a folder of their own."""
        if self._inner is None:
            return self._copied(revision)
        checkout = self._inner.fetch(revision, isolated=True)
        if self._patch:
            try:
                _apply(self._patch, checkout.root, self._kept.of)
            except BaseException:
                checkout.release()
                raise
        return checkout

    def _opened(self) -> Source:
        document = self._kept.document
        uri, subdirectory = str(document["uri"]), str(document.get("subdirectory") or "")
        if document.get("kind") != "folder":
            return open_source(f"{uri}#{subdirectory}" if subdirectory else uri)
        tree = WorkTree.around(Path(uri)) if Path(uri).is_dir() else None
        if not document.get("commit"):
            raise SourceError(
                f"{self._kept.of} ran a folder without Git history, of which no copy was kept ({uri})",
                hint="--latest-code takes the folder as it is now",
            )
        if tree is None:
            raise SourceError(f"the Git work tree of {self._kept.of} is not there any more: {uri}", hint="put it back, or clone it there")
        from mlproj.sources.git import GitSource

        return GitSource(Address("git", "the repository of the folder", str(tree.top), subdirectory))

    def _kept_patch(self) -> bytes:
        if self._kept.patch is None:
            raise SourceError(
                f"{self._kept.of} had uncommitted changes, which were not kept", hint="--latest-code runs the code as it is now"
            )
        note = self._kept.document.get("diff_note")
        if note:
            raise SourceError(f"not all uncommitted changes of {self._kept.of} were kept: {note}", hint="--latest-code runs today's code")
        return self._kept.patch

    def _copied(self, revision: Revision) -> Checkout:
        assert self._kept.files is not None
        folder, release = workspace.new()
        try:
            copy_files(self._kept.files, folder)
            project = workspace.inside(folder, revision.subdirectory)
        except BaseException:
            release()
            raise
        return Checkout(folder, project, False, lambda _: None, release)


def _apply(patch: bytes, root: Path, of: str) -> None:
    # Git would take a repository around the checkout for what the patch is about.
    alone = {"GIT_CEILING_DIRECTORIES": str(root.parent)}
    done = git_command.run("apply", "--binary", "--whitespace=nowarn", "-", folder=root, env=alone, input=patch)
    if done.returncode:
        said = done.error_text.strip().splitlines()
        raise SourceError(f"the uncommitted changes of {of} cannot be applied to its commit: {said[0] if said else 'git apply failed'}")
