from __future__ import annotations

from pathlib import Path

import pytest

from mlproj import sources
from mlproj.sources.changed_files import ChangedFile, between
from tests.sources.repository import commit, git


@pytest.fixture
def history(tmp_path: Path) -> tuple[Path, str, str]:
    """A work tree with two commits."""
    folder = tmp_path / "project"
    before = commit(folder, {"train.py": "a\nb\n", "data.bin": b"\0\1", "same": "x\n"})
    after = commit(folder, {"train.py": "a\nc\nd\n", "data.bin": b"\0\2", "\tnew\n": "1\n"})
    return folder, before, after


CHANGED = {ChangedFile("train.py", 2, 1), ChangedFile("data.bin", None, None), ChangedFile("\tnew\n", 1, 0)}


def test_a_folder_tells_which_files_differ_between_two_commits(history: tuple[Path, str, str]) -> None:
    folder, before, after = history

    assert set(between([str(folder)], before, after) or ()) == CHANGED
    assert between([str(folder)], before, before) == ()


def test_a_mirror_tells_it_when_the_repository_is_gone(history: tuple[Path, str, str]) -> None:
    folder, before, after = history
    uri = f"git+file://{folder}"
    for version in (before, after):
        source = sources.open(uri)
        source.fetch(source.pin(version, offline=False), isolated=False).release()
    folder.rename(folder.with_name("moved"))

    assert set(between([f"file://{folder}"], before, after) or ()) == CHANGED


def test_nothing_is_known_without_both_commits_or_of_what_is_no_commit(
    history: tuple[Path, str, str], tmp_path: Path
) -> None:
    folder, before, _after = history

    assert between([str(folder)], before, "f" * 40) is None
    assert between([str(tmp_path / "nothing"), "https://example.org/a.zip", "::"], before, before) is None
    assert between([str(folder)], "HEAD", "--output=pwned") is None


def test_no_program_that_a_repository_names_is_started(history: tuple[Path, str, str], tmp_path: Path) -> None:
    folder, before, after = history
    commit(folder, {".gitattributes": "*.py diff=evil filter=evil\n"})
    for setting in ("diff.evil.textconv", "diff.evil.command", "diff.external", "filter.evil.clean"):
        git(folder, "config", setting, f"touch {tmp_path}/pwned; cat")

    assert set(between([str(folder)], before, after) or ()) == CHANGED
    assert not (tmp_path / "pwned").exists()
