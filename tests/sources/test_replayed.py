"""A source as a run recorded it: pinned and fetched again from what the run kept."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from mlproj import sources
from mlproj.foundation import paths
from mlproj.foundation.errors import SourceError
from mlproj.foundation.tree_digest import folder_digest
from mlproj.running.plan import source_document
from mlproj.sources.base import Checkout, Revision
from mlproj.sources.replayed import Kept, ReplayedSource
from tests.sources.repository import bare, commit, git
from tests.sources.test_submodule import with_submodule


def recorded(uri: Path | str, version: str | None = None) -> Kept:
    """What a run of *uri* keeps now."""
    revision = sources.open(str(uri)).pin(version, offline=False)
    return Kept("the run R", source_document(revision), revision.diff)


def replayed(kept: Kept, *, offline: bool = False) -> tuple[Revision, Checkout]:
    source = ReplayedSource(kept)
    revision = source.pin(None, offline=offline)
    return revision, source.fetch(revision, isolated=False)


def content(folder: Path) -> dict[str, tuple[str, int, bytes]]:
    """Every file and link below *folder* but Git's own: where it leads, whether it can be executed, what it holds."""
    found = {}
    for place in sorted(folder.rglob("*")):
        if ".git" not in place.relative_to(folder).parts and not (place.is_dir() and not place.is_symlink()):
            link = os.readlink(place) if place.is_symlink() else ""
            mode = 0 if link else place.stat().st_mode & 0o100
            found[str(place.relative_to(folder))] = (link, mode, b"" if link else place.read_bytes())
    return found


def test_a_dirty_folder_is_its_commit_and_every_change(tmp_path: Path) -> None:
    top = tmp_path / "a b" / "repo"
    lines = {
        ".gitattributes": "*.eol text eol=crlf\n",
        "sub/x.eol": "1\n2\n",
        "sub/crlf.txt": b"a\r\nb\r\n",
        "sub/MLproject": "name: x\n",
    }
    commit(top, {**lines, "sub/bin": bytes(range(256)), "sub/tool": "t", "gone": "g", "old": "o" * 50, "shared": "s"})
    (top / "sub" / "link").symlink_to("tool")
    commit(top, {})
    (top / "sub" / "x.eol").write_bytes(b"1\r\n2x\r\n3\r\n")
    (top / "sub" / "crlf.txt").write_bytes(b"a\r\nB\r\nc")
    (top / "sub" / "bin").write_bytes(bytes(reversed(range(256))) + b"\0")
    (top / "sub" / "tool").chmod(0o755)
    (top / "gone").unlink()
    git(top, "mv", "old", "renamed")
    (top / "sub" / "link").unlink()
    (top / "sub" / "link").symlink_to("MLproject")
    (top / "sub" / "ü new").mkdir()
    (top / "sub" / "ü new" / "b\tc.bin").write_bytes(b"q\0w")
    before = content(top)
    kept = recorded(top / "sub")
    for place in (top / "shared", top / "renamed", top / "sub" / "tool"):
        place.write_text("changed since")

    for offline in (False, True):
        revision, checkout = replayed(kept, offline=offline)
        assert checkout.project_dir == checkout.root / "sub" and not checkout.in_place
        assert content(checkout.root) == before
        assert source_document(revision) == kept.document, "it is recorded as what it was"
        checkout.release()
    assert (top / "shared").read_text() == "changed since"


def test_a_submodule_at_another_commit_is_at_that_commit(tmp_path: Path) -> None:
    work, top = tmp_path / "work", tmp_path / "top"
    first = commit(work, {"f": "1"})
    served = bare(work, tmp_path / "lib.git")
    with_submodule(top, str(served), "lib", first)
    second = commit(work, {"f": "2"})
    git(work, "push", "--quiet", str(served), "main")
    git(top, "-c", "protocol.file.allow=always", "submodule", "--quiet", "update", "--init")
    git(top / "lib", "fetch", "--quiet", str(served), "main")
    git(top / "lib", "checkout", "--quiet", "--detach", second)
    kept = recorded(top)
    assert kept.document["dirty"] is True
    _, checkout = replayed(kept)
    assert (checkout.root / "lib" / "f").read_text() == "2"
    checkout.release()


def test_a_commit_that_is_gone_and_a_folder_that_moved_are_told_with_what_to_do(tmp_path: Path) -> None:
    top = tmp_path / "repo"
    name = commit(top, {"a": "1"})
    kept = recorded(top)
    git(top, "commit", "--quiet", "--amend", "--message=another")
    git(top, "reflog", "expire", "--expire=now", "--all")
    git(top, "gc", "--quiet", "--prune=now")
    with pytest.raises(SourceError, match=rf"the commit {name} of the run R is not in .*repo any more") as raised:
        replayed(kept)
    assert raised.value.hint and "amended" in raised.value.hint and "--latest-code" in raised.value.hint
    top.rename(tmp_path / "moved")
    with pytest.raises(SourceError, match="is not there any more"):
        replayed(kept)


def test_changes_that_were_not_kept_whole_are_told(tmp_path: Path) -> None:
    top = tmp_path / "repo"
    commit(top, {"a": "1", "b": "1"})
    (top / "a").write_text("a secret: s3cr3t-value\n")
    kept = recorded(top)
    assert kept.patch is not None
    for document, patch, told in (
        (kept.document, None, "were not kept"),
        ({**kept.document, "diff_note": "the diff leaves out big.bin"}, kept.patch, "big.bin"),
        (kept.document, kept.patch.replace(b"s3cr3t-value", b"****"), "a secret was masked"),
        (kept.document, kept.patch.replace(b"-1", b"-2"), "cannot be applied"),
    ):
        with pytest.raises(SourceError, match=told):
            replayed(Kept("the run R", document, patch))
    assert not any(paths.checkouts().iterdir()), "no checkout is left"


def test_stars_of_the_authors_own_are_no_secret(tmp_path: Path) -> None:
    commit(tmp_path / "repo", {"a": "1"})
    (tmp_path / "repo" / "a").write_text("/********/\n")
    _, checkout = replayed(recorded(tmp_path / "repo"))
    assert (checkout.root / "a").read_text() == "/********/\n"
    checkout.release()


def test_a_url_is_asked_for_the_commit_of_then_under_the_names_of_then(tmp_path: Path) -> None:
    first = commit(tmp_path / "work", {"sub/a": "1"})
    served = bare(tmp_path / "work", tmp_path / "served.git")
    kept = recorded(f"file://{served}#sub", "main")
    commit(tmp_path / "work", {"sub/a": "2"})
    git(tmp_path / "work", "push", "--quiet", str(served), "main")
    revision, checkout = replayed(kept)
    assert (checkout.project_dir / "a").read_text() == "1"
    assert (revision.commit, revision.branch, revision.requested, revision.subdirectory) == (
        first,
        "main",
        "main",
        "sub",
    )
    checkout.release()


def test_an_archive_has_to_be_the_one_of_then(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "a").write_text("1")
    archive = Path(shutil.make_archive(str(tmp_path / "p"), "zip", tmp_path / "p"))
    kept = recorded(archive)
    revision, checkout = replayed(kept)
    assert (checkout.project_dir / "a").read_text() == "1" and revision.digest == kept.document["digest"]
    checkout.release()
    (tmp_path / "p" / "a").write_text("2")
    shutil.make_archive(str(tmp_path / "p"), "zip", tmp_path / "p")
    with pytest.raises(SourceError, match="is another file than the one that the run R used"):
        replayed(kept)


def test_a_folder_without_history_is_the_copy_that_was_kept_or_nothing(tmp_path: Path) -> None:
    (tmp_path / "p").mkdir()
    kept = recorded(tmp_path / "p")
    with pytest.raises(SourceError, match="of which no copy is here"):
        replayed(kept)
    (tmp_path / "copy" / "sub").mkdir(parents=True)
    (tmp_path / "copy" / "sub" / "a").write_text("1")
    (tmp_path / "copy" / "sub" / "a").chmod(0o755)
    document = {**kept.document, "subdirectory": "sub"}
    shutil.rmtree(tmp_path / "p")
    digest = folder_digest(tmp_path / "copy")
    revision, checkout = replayed(Kept("the run R", document, files=tmp_path / "copy", digest=digest))
    assert not revision.notes
    assert "is not checked" in replayed(Kept("the run R", document, files=tmp_path / "copy"))[0].notes[0]
    with pytest.raises(
        SourceError, match="the copy of the project that was kept with the run R is not as it was recorded"
    ):
        replayed(Kept("the run R", document, files=tmp_path / "copy", digest=digest[::-1]))
    assert content(checkout.root) == {"sub/a": ("", 0o100, b"1")} and checkout.project_dir.name == "sub"
    assert source_document(revision) == document
    (checkout.project_dir / "a").write_text("changed by the run")
    assert (tmp_path / "copy" / "sub" / "a").read_text() == "1"
    checkout.release()
