"""Where things are kept, and that files come to be whole."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs
import pytest

from mlproj.foundation import paths


def test_home_and_cache_are_where_the_user_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLPROJ_HOME", str(tmp_path / "h"))
    monkeypatch.setenv("MLPROJ_CACHE", str(tmp_path / "c"))

    assert (paths.home(), paths.cache()) == (tmp_path / "h", tmp_path / "c")
    assert paths.database() == tmp_path / "h" / "mlproj.db"
    assert paths.run_dir("abc") == tmp_path / "h" / "runs" / "abc"
    assert paths.artifacts() == tmp_path / "h" / "artifacts"
    assert [paths.git_mirrors(), paths.environments(), paths.checkouts(), paths.downloads()] == [
        tmp_path / "c" / name for name in ("git", "envs", "checkouts", "downloads")
    ]


def test_a_tilde_means_the_users_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLPROJ_HOME", "~/runs")

    assert paths.home() == Path.home() / "runs"


def test_a_relative_home_stays_where_it_was_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLPROJ_CACHE", "here")

    assert paths.cache() == tmp_path / "here"


@pytest.mark.parametrize("value", [None, ""])
def test_unset_or_empty_means_the_platforms_folders(monkeypatch: pytest.MonkeyPatch, value: str | None) -> None:
    for name in ("MLPROJ_HOME", "MLPROJ_CACHE"):
        monkeypatch.delenv(name)
        if value is not None:
            monkeypatch.setenv(name, value)

    assert paths.home().name == paths.cache().name == "mlproj"
    assert Path.home() in paths.home().parents
    assert Path.home() in paths.cache().parents


@pytest.mark.parametrize("data", ["grüße", b"\xff\0"])
def test_a_file_is_written_with_its_folder(tmp_path: Path, data: str | bytes) -> None:
    paths.write_atomic(tmp_path / "a" / "b", data)

    assert (tmp_path / "a" / "b").read_bytes() == (data.encode() if isinstance(data, str) else data)


def test_a_write_that_fails_leaves_what_was_there_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "taken" / "by").mkdir(parents=True)

    with pytest.raises(OSError, match="taken"):
        paths.write_atomic(tmp_path / "taken", "new")

    assert os.listdir(tmp_path) == ["taken"]
    assert os.listdir(tmp_path / "taken") == ["by"]


def test_a_temporary_folder_that_is_not_published_is_gone(tmp_path: Path) -> None:
    with pytest.raises(KeyError), paths.temporary_folder(tmp_path / "envs", ".build-") as folder:
        (folder / "half").write_text("made")
        raise KeyError

    assert os.listdir(tmp_path / "envs") == []


def test_a_temporary_folder_is_published_by_a_rename(tmp_path: Path) -> None:
    with paths.temporary_folder(tmp_path, ".build-") as folder:
        (folder / "whole").write_text("made")
        folder.rename(tmp_path / "done")

    assert os.listdir(tmp_path) == ["done"]


@pytest.mark.parametrize("chosen", [None, "", " ", "/data/some where", "relative/folder", "~/data", "/data/"])
def test_the_default_folders_are_those_of_platformdirs(monkeypatch: pytest.MonkeyPatch, chosen: str | None) -> None:
    for name in ("MLPROJ_HOME", "MLPROJ_CACHE", "XDG_DATA_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    if chosen is not None:
        monkeypatch.setenv("XDG_DATA_HOME", chosen)
        monkeypatch.setenv("XDG_CACHE_HOME", chosen)

    assert paths.home() == Path(platformdirs.user_data_dir("mlproj", appauthor=False))
    assert paths.cache() == Path(platformdirs.user_cache_dir("mlproj", appauthor=False))
