from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from mlproj import sources
from mlproj.foundation.errors import SourceError
from mlproj.sources.base import Checkout
from tests.sources.repository import commit, git

POINTER = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 5\n".format("0" * 64)


def fetched(uri: Path | str, *, offline: bool = False) -> Checkout:
    source = sources.open(str(uri))
    return source.fetch(source.pin(None, offline=offline), isolated=False)


@pytest.fixture
def without_lfs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "only-git"
    folder.mkdir()
    for name in ("git", "sh"):
        (folder / name).symlink_to(shutil.which(name) or name)
    monkeypatch.setenv("PATH", str(folder))


@pytest.mark.usefixtures("without_lfs")
def test_without_git_lfs_pointers_are_an_error_that_names_them(tmp_path: Path) -> None:
    commit(
        tmp_path / "work",
        {"data/.gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n", "data/a.bin": POINTER, "b.bin": "no"},
    )

    with pytest.raises(SourceError, match=r"data/a\.bin") as caught:
        fetched(f"file://{tmp_path}/work")

    assert caught.value.hint is not None
    assert "git-lfs" in caught.value.hint


@pytest.mark.usefixtures("without_lfs")
def test_without_git_lfs_files_that_are_no_pointers_are_welcome(tmp_path: Path) -> None:
    commit(tmp_path / "work", {"a.bin": "whole", ".gitattributes": "*.bin filter=lfs\n"})
    git(tmp_path, "config", "--global", "filter.lfs.process", "git-lfs filter-process")
    git(tmp_path, "config", "--global", "filter.lfs.required", "true")

    assert (fetched(f"file://{tmp_path}/work").root / "a.bin").read_text() == "whole"


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A work tree with data.bin in LFS."""
    folder = tmp_path / "work"
    commit(folder, {})
    git(folder, "lfs", "install", "--local", "--skip-repo")
    (folder / ".gitattributes").write_text("*.bin filter=lfs diff=lfs merge=lfs -text\n")
    commit(folder, {"data.bin": b"\0heavy"})
    assert git(folder, "show", "HEAD:data.bin").startswith("version https://git-lfs")
    return folder


@pytest.mark.needs("git-lfs")
def test_with_git_lfs_the_files_come_and_are_kept(work: Path) -> None:
    checkout = fetched(f"file://{work}")

    assert (checkout.root / "data.bin").read_bytes() == b"\0heavy"
    assert (
        git(
            checkout.root,
            "-c",
            "filter.lfs.process=git-lfs filter-process",
            "-c",
            "filter.lfs.required=true",
            "status",
            "--porcelain",
        )
        == ""
    )
    shutil.rmtree(work / ".git" / "lfs")
    assert (fetched(f"file://{work}", offline=True).root / "data.bin").read_bytes() == b"\0heavy"


@pytest.mark.needs("git-lfs")
def test_a_large_file_that_its_server_lost_is_named(work: Path) -> None:
    shutil.rmtree(work / ".git" / "lfs")

    with pytest.raises(SourceError, match=r"data\.bin"):
        fetched(f"file://{work}")


@pytest.mark.needs("git-lfs")
def test_a_clean_work_tree_with_large_files_is_clean(work: Path) -> None:
    revision = sources.open(str(work)).pin(None, offline=False)

    assert revision.dirty is False
