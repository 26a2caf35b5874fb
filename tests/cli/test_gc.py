"""``mlproj gc`` removes what was deleted, all of it, and nothing else."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from mlproj import tracking
from mlproj.foundation import paths
from mlproj.running import garbage
from mlproj.tracking.base import NewRun, Run, Status, TrackingStore
from tests.program import mlproj


def recorded(name: str, *, status: Status = Status.FINISHED, artifact_uri: str | None = None) -> Run:
    """A run with a file among its artifacts and a log."""
    with closing(tracking.open()) as store:
        run = store.create_run(NewRun(run_name=name, status=status, artifact_uri=artifact_uri))
    (folder_of(run)).mkdir(parents=True, exist_ok=True)
    (folder_of(run) / "model.bin").write_bytes(b"x")
    paths.write_atomic(paths.run_dir(run.run_id) / "output.log", "hello\n")
    return run


def folder_of(run: Run) -> Path:
    return Path(unquote(urlsplit(run.artifact_uri).path))


def names() -> set[str]:
    with closing(tracking.open()) as store:
        return {run.run_name for run in store.list_runs(lifecycle_stage=None)}


def test_deleted_runs_go_with_their_files_and_others_stay() -> None:
    gone, stays = recorded("gone"), recorded("stays")
    mlproj("runs", "delete", "gone")

    done = mlproj("gc", "--json").document

    assert (done["removed"], done["left"], names()) == ([gone.run_id], [], {"stays"})
    assert not folder_of(gone).parent.exists()
    assert not paths.run_dir(gone.run_id).exists()
    assert (folder_of(stays) / "model.bin").exists()
    assert (paths.run_dir(stays.run_id) / "output.log").exists()
    assert not list((paths.home() / "gc").iterdir())


def test_a_dry_run_removes_nothing() -> None:
    gone = recorded("gone")
    mlproj("runs", "delete", "gone")

    assert f"would remove gone ({gone.run_id})" in mlproj("gc", "--dry-run").out
    assert names() == {"gone"}
    assert (folder_of(gone) / "model.bin").exists()


def test_what_was_deleted_lately_is_spared() -> None:
    recorded("gone")
    mlproj("runs", "delete", "gone")

    assert mlproj("gc", "--older-than", "1h", "--json").document["removed"] == []
    assert names() == {"gone"}


def test_only_the_named_runs_go() -> None:
    recorded("one"), recorded("two")
    mlproj("runs", "delete", "one", "two")
    mlproj("gc", "one")

    assert names() == {"two"}


def test_a_run_that_is_not_deleted_is_refused() -> None:
    recorded("one")
    done = mlproj("gc", "one")

    assert done.code == 2
    assert "is not deleted" in done.err
    assert names() == {"one"}


def test_artifacts_in_a_place_that_was_given_stay_and_are_told(tmp_path: Path) -> None:
    run = recorded("given", artifact_uri=(tmp_path / "precious").as_uri())
    mlproj("runs", "delete", "given")
    done = mlproj("gc", "--json").document

    assert done["removed"] == [run.run_id]
    assert "precious" in done["left"][0]
    assert (tmp_path / "precious" / "model.bin").exists()


def test_a_link_in_place_of_artifacts_is_not_followed(tmp_path: Path) -> None:
    run = recorded("linked")
    precious = tmp_path / "precious"
    folder_of(run).parent.rename(precious)
    folder_of(run).parent.symlink_to(precious)
    mlproj("runs", "delete", "linked")
    mlproj("gc")

    assert (precious / "artifacts" / "model.bin").exists()


def test_a_deleted_run_that_goes_on_stays() -> None:
    with closing(tracking.open()) as store:
        store.create_run(NewRun(run_name="busy", status=Status.RUNNING))
    mlproj("runs", "delete", "busy")
    done = mlproj("gc", "--json").document

    assert (done["removed"], names()) == ([], {"busy"})
    assert "still running" in done["left"][0]


def test_a_removal_that_was_killed_is_finished_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = recorded("gone")
    mlproj("runs", "delete", "gone")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken, closing(tracking.open()) as store, pytest.raises(KeyboardInterrupt):
        broken.setattr(garbage, "_remove_files", killed)
        garbage.collect(store)
    assert names() == set()
    assert (folder_of(gone) / "model.bin").exists()
    mlproj("gc")

    assert not folder_of(gone).parent.exists()
    assert not list((paths.home() / "gc").iterdir())


def test_the_note_of_another_store_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = recorded("gone")
    with closing(tracking.open()) as store:
        found: TrackingStore = store
        garbage._note([found.get_run(run.run_id)])
    monkeypatch.setenv("MLPROJ_TRACKING_URI", f"sqlite:///{tmp_path}/other.db")
    mlproj("gc")

    assert (folder_of(run) / "model.bin").exists()
