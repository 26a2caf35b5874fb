"""Files that a run left in its checkout."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
from pathlib import Path

import pytest

from mlproj.foundation import paths
from mlproj.run_folder import outputs
from mlproj.run_folder.outputs import Snapshot
from mlproj.tracking.base import Output
from tests.heard import Heard


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    (folder / "src").mkdir(parents=True)
    (folder / "train.py").write_text("print()")
    (folder / "src" / "data.csv").write_text("1,2")
    return folder


def changed(snapshot: Snapshot) -> list[str]:
    return [change.path for change in snapshot.changes().files]


def test_new_and_changed_files_are_outputs_and_untouched_ones_are_not(checkout: Path) -> None:
    before = Snapshot.take(checkout)
    (checkout / "src" / "data.csv").write_text("1,2,3")
    (checkout / "deep" / "er").mkdir(parents=True)
    (checkout / "deep" / "er" / "ünï code.bin").write_bytes(b"x")
    assert changed(before) == ["deep/er/ünï code.bin", "src/data.csv"]


def test_a_file_that_was_replaced_by_one_of_the_same_size_and_time_is_changed(checkout: Path) -> None:
    before = Snapshot.take(checkout)
    file, new = checkout / "train.py", checkout / "new"
    new.write_text("PRINT()")
    os.utime(new, ns=(file.stat().st_atime_ns, file.stat().st_mtime_ns))
    new.rename(file)
    assert changed(before) == ["train.py"]


def test_a_run_that_leaves_nothing_has_no_outputs(checkout: Path, tmp_path: Path, told: Heard) -> None:
    assert outputs.keep(Snapshot.take(checkout).changes(), tmp_path / "artifacts", progress=told) == []
    assert not (tmp_path / "artifacts").exists() and told.warnings == []


@pytest.mark.parametrize(
    "folder", [".git", "__pycache__", ".venv", "node_modules", ".pytest_cache", "mlruns", "src/__pycache__"]
)
def test_what_tools_leave_is_no_output(checkout: Path, folder: str) -> None:
    before = Snapshot.take(checkout)
    (checkout / folder).mkdir(parents=True)
    (checkout / folder / "file").write_text("x")
    assert changed(before) == []


@pytest.mark.parametrize("marker", ["pyvenv.cfg", "conda-meta/history"])
def test_an_environment_under_any_name_is_no_output(checkout: Path, marker: str) -> None:
    before = Snapshot.take(checkout)
    file = checkout / "my_env" / marker
    file.parent.mkdir(parents=True)
    file.write_text("")
    assert changed(before) == []


def test_a_home_inside_the_checkout_is_no_output(checkout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLPROJ_HOME", str(checkout / "home"))
    monkeypatch.setenv("MLPROJ_CACHE", str(checkout / "cache"))
    before = Snapshot.take(checkout)
    for folder in (paths.home(), paths.cache()):
        folder.mkdir()
        (folder / "file").write_text("x")
    assert changed(before) == []


def test_links_and_special_files_are_passed_over(checkout: Path, tmp_path: Path) -> None:
    before = Snapshot.take(checkout)
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key").write_text("x")
    (checkout / "link").symlink_to(tmp_path / "secret")
    (checkout / "file-link").symlink_to(tmp_path / "secret" / "key")
    (checkout / "loop").symlink_to(checkout)
    os.mkfifo(checkout / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(os.path.relpath(checkout / "socket"))
        assert changed(before) == []


def test_outputs_are_copied_with_their_hashes(checkout: Path, tmp_path: Path, told: Heard) -> None:
    before = Snapshot.take(checkout)
    (checkout / "models").mkdir()
    (checkout / "models" / "model.bin").write_bytes(b"weights")
    kept = outputs.keep(before.changes(), tmp_path / "artifacts", progress=told)
    assert kept == [Output("models/model.bin", hashlib.sha256(b"weights").hexdigest(), 7)]
    assert (tmp_path / "artifacts" / "outputs" / "models" / "model.bin").read_bytes() == b"weights"
    assert [file.name for file in (tmp_path / "artifacts").rglob("*") if file.is_file()] == ["model.bin"]


def test_files_over_the_limits_are_recorded_without_a_copy(checkout: Path, tmp_path: Path, told: Heard) -> None:
    before = Snapshot.take(checkout)
    for name, size in (("a", 10), ("b", 101), ("c", 90), ("d", 60), ("e", 40)):
        (checkout / name).write_bytes(b"x" * size)
    kept = outputs.keep(before.changes(), tmp_path / "artifacts", progress=told, limit=100, limit_total=150)
    assert {output.path: output.kept for output in kept} == {"a": True, "b": False, "c": True, "d": False, "e": True}
    assert all(output.sha256 for output in kept)
    assert told.warnings == [
        "not copied as artifacts, larger than the limit of 100 bytes (--max-output-size): b",
        "not copied as artifacts, over the limit of all copies of a run: d",
    ]


def test_a_limit_of_nothing_copies_nothing(checkout: Path, tmp_path: Path, told: Heard) -> None:
    before = Snapshot.take(checkout)
    for number in range(5):
        (checkout / f"f{number}").write_text("x")
    kept = outputs.keep(before.changes(), tmp_path / "artifacts", progress=told, limit=0)
    assert not any(output.kept for output in kept)
    assert told.warnings == [
        "not copied as artifacts, larger than the limit of 0 bytes (--max-output-size): f0, f1, f2 and 2 more"
    ]


def test_no_more_files_than_the_limit_are_recorded(
    checkout: Path, tmp_path: Path, told: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outputs, "LIMIT_COUNT", 3)
    before = Snapshot.take(checkout)
    for number in range(5):
        (checkout / f"f{number}").write_text("x")
    assert len(outputs.keep(before.changes(), tmp_path / "artifacts", progress=told)) == 3
    assert told.warnings == ["the run left 5 files; the first 3 are recorded"]


def test_a_file_that_vanishes_or_becomes_something_else_meanwhile_is_left_out(
    checkout: Path, tmp_path: Path, told: Heard
) -> None:
    before = Snapshot.take(checkout)
    for name in ("gone", "pipe", "link", "stays"):
        (checkout / name).write_text("x")
    changes = before.changes()
    for name in ("gone", "pipe", "link"):
        (checkout / name).unlink()
    os.mkfifo(checkout / "pipe")
    (checkout / "link").symlink_to("/etc/passwd")
    kept = outputs.keep(changes, tmp_path / "artifacts", progress=told)
    assert [(output.path, output.kept) for output in kept] == [("link", False), ("stays", True)]
    assert kept[0].sha256 is None


def test_a_destination_that_cannot_be_written_loses_copies_only(checkout: Path, tmp_path: Path, told: Heard) -> None:
    before = Snapshot.take(checkout)
    (checkout / "model").write_text("x")
    (tmp_path / "artifacts").write_text("a file")
    (kept,) = outputs.keep(before.changes(), tmp_path / "artifacts", progress=told)
    assert kept.sha256 and not kept.kept
    assert len(told.warnings) == 1


def test_a_name_that_is_no_text_is_recorded(checkout: Path, tmp_path: Path, told: Heard) -> None:
    before = Snapshot.take(checkout)
    try:
        (checkout / os.fsdecode(b"bad\xff")).write_text("x")
    except OSError:
        pytest.skip("this file system takes only text")
    (kept,) = outputs.keep(before.changes(), tmp_path / "artifacts", progress=told)
    assert kept.path == "bad\udcff" and kept.kept


def test_a_checkout_that_was_removed_has_no_outputs(checkout: Path) -> None:
    before = Snapshot.take(checkout)
    shutil.rmtree(checkout)
    assert changed(before) == []


def test_a_full_disk_ends_the_copies_and_leaves_no_half_file(checkout: Path, tiny_disk: Path, told: Heard) -> None:
    before = Snapshot.take(checkout)
    for name, size in (("a", 400_000), ("b", 900_000), ("c", 10)):
        (checkout / name).write_bytes(os.urandom(size))
    kept = outputs.keep(before.changes(), tiny_disk, progress=told)
    assert {output.path: output.kept for output in kept} == {"a": True, "b": False, "c": False}
    assert all(output.sha256 for output in kept)
    assert sorted(file.name for file in tiny_disk.rglob("*") if file.is_file()) == ["a"]
    assert len(told.warnings) == 1 and "No space left" in told.warnings[0]
