"""The copy of a project without history, kept with its run."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from mlproj.foundation import paths
from mlproj.foundation.tree_digest import folder_digest
from mlproj.run_folder import source_snapshot
from mlproj.run_folder.outputs import Snapshot


def keep(folder: Path, target: Path) -> bool:
    digest = source_snapshot.keep(Snapshot.take(folder), target, lambda _file, content: content)
    assert digest == (folder_digest(target) if digest else None)
    return digest is not None


def test_the_copy_is_the_folder_without_what_no_run_changes(tmp_path: Path) -> None:
    folder = tmp_path / "p"
    for name in (
        "a",
        "sub/tool",
        ".env",
        "venv/pyvenv.cfg",
        "venv/lib/x",
        "__pycache__/a.pyc",
        ".git/HEAD",
        "mlruns/0/meta.yaml",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    (folder / "sub" / "tool").chmod(0o755)
    (folder / "a").chmod(0o600)
    (folder / "empty").mkdir()
    (folder / "link").symlink_to("sub/tool")
    (folder / "away").symlink_to(tmp_path)
    (folder / "dangling").symlink_to("nothing")
    os.mkfifo(folder / "pipe")

    assert keep(folder, tmp_path / "kept")

    kept = tmp_path / "kept"
    assert sorted(os.listdir(kept)) == ["a", "away", "dangling", "empty", "link", "sub"]
    assert (kept / "a").read_text() == "a" and os.access(kept / "sub" / "tool", os.X_OK)
    assert (kept / "a").stat().st_mode & 0o777 == 0o600
    assert os.readlink(kept / "link") == "sub/tool" and os.readlink(kept / "away") == str(tmp_path)
    assert sorted(place.name for place in tmp_path.iterdir()) == ["kept", "p"], "no draft is left"


@pytest.mark.parametrize("limit", ["LIMIT_COUNT", "LIMIT_BYTES"])
@pytest.mark.parametrize("what", ["files", "folders"])
def test_too_much_is_not_copied_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, limit: str, what: str) -> None:
    monkeypatch.setattr(source_snapshot, limit, 3)
    for number in range(4):
        place = tmp_path / "p" / str(number)
        place.mkdir(parents=True)
        if what == "files":
            (place / "f").write_text("x")
    copied = keep(tmp_path / "p", tmp_path / "kept")
    assert copied == (limit == "LIMIT_BYTES" and what == "folders")
    assert (tmp_path / "kept").exists() == copied and len(list(tmp_path.iterdir())) == 1 + copied


def test_our_own_home_in_the_project_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLPROJ_HOME", str(tmp_path / "p" / "home"))
    (paths.home() / "runs").mkdir(parents=True)
    (tmp_path / "p" / "a").write_text("1")
    assert keep(tmp_path / "p", paths.home() / "runs" / "project")
    assert os.listdir(paths.home() / "runs" / "project") == ["a"]


def test_a_file_that_cannot_be_read_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "a").write_text("1")
    snapshot = Snapshot.take(tmp_path / "p")
    (tmp_path / "target").write_text("in the way")
    with pytest.raises(OSError, match="target"):
        source_snapshot.keep(snapshot, tmp_path / "target" / "project", lambda _file, content: content)
    assert (tmp_path / "target").read_text() == "in the way"


def test_a_project_with_credentials_in_a_file_is_not_copied(tmp_path: Path) -> None:
    project = tmp_path / "project"
    project.mkdir()
    (project / "conda.yaml").write_text("channels: ['https://me:s3cr3t@host/channel']\n")
    (project / "data.csv").write_text("1,https://host/page\n")
    assert keep(project, tmp_path / "kept") is False
    assert sorted(place.name for place in tmp_path.iterdir()) == ["project"]
    (project / "conda.yaml").unlink()
    assert keep(project, tmp_path / "kept") is True
