"""Runs whose process is gone do not stay RUNNING, and those whose process lives do."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from mlproj import tracking
from mlproj.foundation import paths
from mlproj.foundation.errors import ServiceError
from mlproj.run_folder import liveness, log_file
from mlproj.tracking.base import NewRun, Run, RunChanges, Status, TrackingStore

OWNER = """
import os, platform, sys
from mlproj import tracking
from mlproj.foundation import paths
from mlproj.run_folder import liveness
from mlproj.tracking.base import NewRun
run_id = sys.argv[1]
with liveness.hold(paths.run_dir(run_id)):
    tracking.open().create_run(NewRun(run_id=run_id, host=platform.node(), pid=os.getpid()))
    print("running", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def store() -> TrackingStore:
    return tracking.open()


@contextmanager
def owner(run_id: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [sys.executable, "-c", OWNER, run_id], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout and process.stdout.readline() == "running\n"
        try:
            yield process
        finally:
            process.kill()


def gone() -> int:
    """The id of a process that has ended."""
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def test_a_run_whose_process_was_killed_is_killed(store: TrackingStore) -> None:
    run_id = "a" * 32
    with owner(run_id) as process:
        assert liveness.reap(store) == []
        assert store.get_run(run_id).status is Status.RUNNING
        process.kill()
    os.utime(paths.run_dir(run_id) / liveness.LOCK, (4_000_000_000, 4_000_000_000))
    (reaped,) = liveness.reap(store)
    assert (reaped.run_id, reaped.status, reaped.status_reason) == (run_id, Status.KILLED, liveness.REASON)
    assert reaped.end_time == 4_000_000_000_000
    assert liveness.reap(store) == []


def test_the_end_of_a_killed_run_is_not_before_its_start(store: TrackingStore) -> None:
    run = store.create_run(NewRun(host=platform.node(), pid=gone()))
    assert liveness.reap(store)[0].end_time == run.start_time


def test_a_deleted_run_that_was_killed_is_reaped_too(store: TrackingStore) -> None:
    run = store.create_run(NewRun(host=platform.node(), pid=gone()))
    store.update_run(run.run_id, RunChanges(lifecycle_stage="deleted"))
    assert [found.run_id for found in liveness.reap(store)] == [run.run_id]


@pytest.mark.parametrize("host", ["another-machine", None])
def test_runs_of_other_machines_and_of_nobody_are_left_alone(store: TrackingStore, host: str | None) -> None:
    store.create_run(NewRun(host=host, pid=gone()))
    assert liveness.reap(store) == []


def test_without_a_lock_to_ask_the_process_decides(store: TrackingStore) -> None:
    alive = store.create_run(NewRun(host=platform.node(), pid=os.getpid()))
    dead = store.create_run(NewRun(host=platform.node()))
    assert [run.run_id for run in liveness.reap(store)] == [dead.run_id]
    assert store.get_run(alive.run_id).status is Status.RUNNING


def test_a_run_that_ends_while_others_look_keeps_its_own_end(
    store: TrackingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = store.create_run(NewRun(host=platform.node(), pid=gone()))
    listed: list[Run] = store.list_runs()
    store.update_run(run.run_id, RunChanges(status=Status.FINISHED))
    monkeypatch.setattr(store, "list_runs", lambda **_: listed)
    assert liveness.reap(store) == []
    assert store.get_run(run.run_id).status is Status.FINISHED


def test_a_run_is_owned_once() -> None:
    folder = paths.run_dir("b" * 32)
    with liveness.hold(folder):
        assert liveness.owner_lives(folder, None)
        with pytest.raises(ServiceError, match="another process owns"), liveness.hold(folder):
            pass
        assert liveness.owner_lives(folder, None)
    assert not liveness.owner_lives(folder, None)
    with liveness.hold(folder):
        pass


def test_a_program_that_the_owner_starts_does_not_keep_the_run_alive() -> None:
    folder = paths.run_dir("c" * 32)
    with liveness.hold(folder):
        child = subprocess.Popen(["cat"], stdin=subprocess.PIPE, close_fds=False)
        lock = folder / liveness.LOCK
        os.link(lock, folder / "kept")
    with child:
        os.rename(folder / "kept", lock)
        assert not liveness.owner_lives(folder, None)
        child.communicate()


def test_a_folder_that_cannot_be_made_is_told() -> None:
    paths.home().mkdir()
    (paths.home() / "runs").write_text("a file")
    with pytest.raises(ServiceError, match=r"alive\.lock"), liveness.hold(paths.run_dir("d" * 32)):
        pass


def test_a_lock_that_may_not_be_looked_at_counts_as_alive() -> None:
    folder = paths.run_dir("e" * 32)
    folder.mkdir(parents=True)
    (folder / liveness.LOCK).symlink_to(liveness.LOCK)  # a loop, which the system refuses to open
    assert liveness.owner_lives(folder, None)


def test_what_a_killed_run_logged_is_read_by_whoever_looks_next_and_what_its_program_adds_later(
    store: TrackingStore,
) -> None:
    run_id = "f" * 32
    with owner(run_id) as process:
        metrics = paths.run_dir(run_id) / log_file.METRICS
        metrics.write_text("a=1\nb=2")
        process.kill()
        process.wait()
        (reaped,) = liveness.reap(store)
        assert (reaped.status, reaped.metrics) == (Status.KILLED, {"a": 1})
        with metrics.open("a") as file:
            file.write("2\nc=3")
        liveness.reap(store)
        assert store.get_run(run_id).metrics == {"a": 1, "b": 22}
    for file in paths.run_dir(run_id).iterdir():
        os.utime(file, (1_000_000, 1_000_000))
    liveness.reap(store)
    assert store.get_run(run_id).metrics == {"a": 1, "b": 22, "c": 3}
    assert list((paths.home() / "late").iterdir()) == []


def test_a_dead_run_that_somebody_else_reads_is_left_to_them(store: TrackingStore) -> None:
    run = store.create_run(NewRun(host=platform.node(), pid=gone()))
    folder = paths.run_dir(run.run_id)
    with liveness.hold(folder):
        (folder / log_file.METRICS).write_text("a=1\n")
        liveness._read_on(store, run.run_id, folder)
    assert store.get_run(run.run_id).metrics == {}


def test_late_lines_of_a_run_that_is_gone_for_good_are_forgotten(store: TrackingStore) -> None:
    run_id = "a" * 32
    with owner(run_id) as process:
        (paths.run_dir(run_id) / log_file.METRICS).write_text("a=1\n")
        process.kill()
        process.wait()
        liveness.reap(store)
    with (paths.run_dir(run_id) / log_file.METRICS).open("a") as file:
        file.write("b=1\n")
    store.update_run(run_id, RunChanges(lifecycle_stage="deleted"))
    store.purge(run_ids=[run_id])
    assert liveness.reap(store) == []
    assert list((paths.home() / "late").iterdir()) == []
