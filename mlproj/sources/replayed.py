"""A source as an earlier run recorded it: the same commit with the same uncommitted changes, or the files that were
kept."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlproj.foundation import presence
from mlproj.foundation.dataclass import dataclass, replace
from mlproj.foundation.errors import SourceError
from mlproj.foundation.redaction import MASK
from mlproj.foundation.tree_digest import folder_digest
from mlproj.sources import git_command, workspace
from mlproj.sources.address import Address
from mlproj.sources.base import Checkout, Revision, Source
from mlproj.sources.folder import copy_files
from mlproj.sources.opening import open as open_source
from mlproj.sources.patch import by_file
from mlproj.sources.work_tree import WorkTree

_LATEST = "--latest-code takes it as it is now"
_GITLINK = b"\n+Subproject commit "  # in a patch, a submodule at another commit


@dataclass(frozen=True)
class Kept:
    """What a run kept of its source: the record's ``source``, the patch of uncommitted changes, a copy of a folder
    without history.

    ``of`` names the run for people. ``digest`` is that of the copy as it was recorded, None of runs of earlier
    versions.
    """

    of: str
    document: Mapping[str, Any]
    patch: bytes | None = None
    files: Path | None = None
    digest: str | None = None


class ReplayedSource:
    """The source of an earlier run. ``pin`` raises SourceError when it is not there any more as it was."""

    def __init__(self, kept: Kept) -> None:
        self._kept = kept
        self._is_folder = kept.document.get("kind") == "folder"
        self._inner: Source | None = None
        self._offline = False
        self._patch: bytes | None = None

    def pin(self, version: str | None, *, offline: bool) -> Revision:  # noqa: ARG002  # it is the one of then
        """The revision of that run, by the names that it had."""
        document = self._kept.document
        self._offline = offline
        if self._kept.files is not None:
            unchecked = (
                f"the copy of the project is not checked: {self._kept.of} is of a version that recorded no digest of it"
            )
            return self._named(
                Revision("folder", str(document["uri"]), notes=() if self._kept.digest else (unchecked,))
            )
        self._inner = self._opened()
        revision = self._pinned(self._inner)
        if document.get("digest") and revision.digest != document["digest"]:
            raise SourceError(
                f"{revision.uri} is another file than the one that {self._kept.of} used ({revision.digest}, then"
                f" {document['digest']})",
                hint=f"put the file back; {_LATEST}",
            )
        if (
            document.get("dirty") or document.get("diff_note")
        ) and not revision.dirty:  # a package has the changed files
            self._patch = self._kept_patch()
            revision = replace(revision, diff=self._patch)
        return self._named(revision)

    def fetch(self, revision: Revision, *, isolated: bool) -> Checkout:  # noqa: ARG002  # it always is
        """The files as they were then, in a folder of their own."""
        if self._inner is None:
            return self._copied(revision)
        checkout = self._inner.fetch(revision, isolated=True)
        if self._patch:
            try:
                self._apply(self._patch, checkout.root)
            except BaseException:
                checkout.release()
                raise
        return checkout

    def _named(self, revision: Revision) -> Revision:
        """*revision* under the names that the record has: that of a folder is found in its repository, and is a
        folder's none the less."""
        document = self._kept.document
        requested = document.get("requested") or (revision.commit if document.get("kind") == "git" else None)
        return replace(
            revision,
            kind=str(document.get("kind")),
            uri=str(document["uri"]),
            subdirectory=str(document.get("subdirectory") or ""),
            requested=requested,
            branch=document.get("branch"),
            tag=document.get("tag"),
            dirty=document.get("dirty"),
        )

    def _opened(self) -> Source:
        if self._is_folder:
            from mlproj.sources.git import GitSource

            return GitSource(Address("git", "the repository of the folder", str(self._top()), str(self._subdirectory)))
        return open_source(
            f"{self._kept.document['uri']}#{self._subdirectory}"
            if self._subdirectory
            else str(self._kept.document["uri"])
        )

    @property
    def _subdirectory(self) -> str:
        return str(self._kept.document.get("subdirectory") or "")

    def _top(self) -> Path:
        """The work tree that the folder was in."""
        folder = Path(str(self._kept.document["uri"]))
        if not self._kept.document.get("commit"):
            raise SourceError(
                f"{self._kept.of} ran a folder without Git history, of which no copy is here ({folder})",
                hint=f"a small one is kept in the home that it ran in. {_LATEST}",
            )
        tree = WorkTree.around(folder) if presence.is_folder(folder) else None
        if tree is None:
            raise SourceError(
                f"the Git work tree of {self._kept.of} is not there any more: {folder}",
                hint="put it back, or clone it to that place",
            )
        return tree.top

    def _pinned(self, inner: Source) -> Revision:
        commit = self._kept.document.get("commit") if self._kept.document.get("kind") in ("folder", "git") else None
        if not self._is_folder:
            return inner.pin(commit, offline=self._offline)
        try:
            inner.pin(commit, offline=False)  # for a repository on this machine there is no network to do without
        except SourceError as error:
            raise SourceError(
                f"the commit {commit} of {self._kept.of} is not in {self._top()} any more",
                hint=f"it was amended or rebased since, and Git has removed it; another clone may have it. {_LATEST}",
            ) from error
        return inner.pin(commit, offline=self._offline)

    def _kept_patch(self) -> bytes:
        note = self._kept.document.get("diff_note")
        if note:
            raise SourceError(f"not all uncommitted changes of {self._kept.of} were kept: {note}", hint=_LATEST)
        if self._kept.patch is None:
            raise SourceError(f"{self._kept.of} had uncommitted changes, which were not kept", hint=_LATEST)
        return self._kept.patch

    def _copied(self, revision: Revision) -> Checkout:
        assert self._kept.files is not None
        folder, release = workspace.new()
        try:
            copy_files(self._kept.files, folder)
            self._check_copy(folder)
            project = workspace.inside(folder, revision.subdirectory)
        except OSError as error:
            release()
            raise SourceError(
                f"the files of {self._kept.of} could not be copied: {error.strerror}: {error.filename}"
            ) from error
        except BaseException:
            release()
            raise
        return Checkout(folder, project, False, lambda _: None, release)

    def _check_copy(self, folder: Path) -> None:
        if self._kept.digest and self._kept.digest != folder_digest(folder):
            raise SourceError(
                f"the copy of the project that was kept with {self._kept.of} is not as it was recorded:"
                f" {self._kept.files}",
                hint=f"somebody has changed it since, so it is not used; mlproj verify says more. {_LATEST}",
            )

    def _apply(self, patch: bytes, root: Path) -> None:
        moves_submodules = _GITLINK in patch
        # Git would take a repository around the checkout for what the patch is about.
        alone = {"GIT_CEILING_DIRECTORIES": str(root.parent)}
        options = ("--binary", "--whitespace=nowarn", *(["--index"] if moves_submodules else []))
        done = git_command.run("apply", *options, "-", folder=root, env=alone, input=patch)
        if done.returncode:
            message = (done.error_text.strip() or "git apply failed").splitlines()[0]
            raise SourceError(f"the uncommitted changes of {self._kept.of} cannot be applied to its commit: {message}")
        for name, part in by_file(patch).items():
            if MASK.encode() in part:
                self._check(part, root, name)
        if moves_submodules:
            from mlproj.sources import git_url
            from mlproj.sources.submodule import write_submodules

            write_submodules(git_url.parse(str(self._top())), root, offline=self._offline)

    def _check(self, part: bytes, root: Path, name: str) -> None:
        """See that a changed file became what it was: secrets are masked in patches that are kept with a server."""
        wanted = re.search(rb"^index [0-9a-f]+\.\.([0-9a-f]+)", part, re.MULTILINE)
        found = git_command.run("hash-object", "--", name, folder=root)
        if wanted and found.returncode == 0 and found.stdout.strip() != wanted[1]:
            raise SourceError(
                f"a secret was masked in the uncommitted changes of {self._kept.of} to {name}",
                hint=f"the home that it ran in has them whole. {_LATEST}",
            )
