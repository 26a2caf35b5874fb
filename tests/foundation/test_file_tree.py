from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlproj.foundation import file_tree


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    folder = tmp_path / "tree"
    (folder / "a" / "b").mkdir(parents=True)
    (folder / "a" / "b" / "file").write_text("content")
    (folder / "a" / "link").symlink_to("b")
    (folder / "dangling").symlink_to("nowhere")
    (folder / "skipped").mkdir()
    (folder / "skipped" / "file").write_text("")
    return folder


def test_a_walk_meets_what_os_walk_meets_and_enters_what_is_left(tree: Path) -> None:
    def seen(walk: object) -> set[tuple[str, tuple[str, ...], tuple[str, ...]]]:
        found = set()
        for place, folders, files in walk(tree):  # type: ignore[operator]
            folders[:] = [name for name in folders if name != "skipped"]
            found.add((place, tuple(sorted(folders)), tuple(sorted(files))))
        return found

    assert seen(file_tree.walk) == seen(os.walk)


def test_a_copy_keeps_links_and_leaves_out_what_it_shall(tree: Path, tmp_path: Path) -> None:
    file_tree.copy(tree, tmp_path / "copy", lambda path: path.name == "skipped")

    assert (tmp_path / "copy" / "a" / "b" / "file").read_text() == "content"
    assert os.readlink(tmp_path / "copy" / "a" / "link") == "b"
    assert os.readlink(tmp_path / "copy" / "dangling") == "nowhere"
    assert not (tmp_path / "copy" / "skipped").exists()


def test_removing_follows_no_link_and_minds_no_missing_permission(tree: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "kept").write_text("")
    (tree / "out").symlink_to(tmp_path / "other")
    (tree / "a" / "b").chmod(0o500)
    (tree / "a").chmod(0)

    file_tree.remove(tree)

    assert not tree.exists()
    assert (tmp_path / "other" / "kept").exists()
