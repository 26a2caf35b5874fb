"""mlproj is killed, and its job does not run on."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest

from mlproj.backends.local import LocalBackend
from mlproj.backends.watchdog import Watchdog
from mlproj.foundation.errors import ServiceError
from tests.backends import witness
from tests.backends.conftest import MakeJob, StartDriver
from tests.backends.test_supervisor import daemon, nested

pytestmark = pytest.mark.needs("ps")


def test_the_whole_tree_ends_when_we_are_killed(drive: StartDriver, tmp_path: Path) -> None:
    background = daemon(tmp_path / "daemon")
    driver = drive(
        f"{background}; sleep 600 & a=$!; setsid sleep 600 & b=$!; echo $$ $a $b $(cat {tmp_path}/daemon); wait"
    )
    pids = driver.numbers()

    driver.process.kill()

    for pid in pids:
        witness.await_end(pid)
    driver.process.communicate()


def test_a_command_is_asked_before_it_is_killed(drive: StartDriver, tmp_path: Path) -> None:
    driver = drive(
        f"trap 'touch {tmp_path}/asked; exit' TERM; echo $$; exec &> /dev/null; while :; do sleep 0.02; done"
    )
    (pid,) = driver.numbers()

    driver.process.kill()

    witness.await_end(pid)
    assert (tmp_path / "asked").exists()
    driver.process.communicate()


def test_a_command_that_ignores_being_asked_is_killed_after_the_grace_time(drive: StartDriver, tmp_path: Path) -> None:
    driver = drive(
        f"trap '' TERM; {daemon(tmp_path / 'daemon', 'stubborn')}; echo $$ $(cat {tmp_path}/daemon); while :; do sleep"
        " 0.02; done",
        grace=0.2,
    )
    pids = driver.numbers()

    driver.process.kill()

    for pid in pids:
        witness.await_end(pid)
    driver.process.communicate()


def test_the_watcher_ends_when_its_work_is_done(drive: StartDriver) -> None:
    driver = drive("echo $$; sleep 600", run_id="watched-until-killed")
    driver.numbers()
    watchers = witness.watchers("watched-until-killed")
    assert len(watchers) == 1

    driver.process.kill()

    witness.await_end(watchers[0])
    driver.process.communicate()


def test_nothing_of_the_watcher_is_left_after_a_normal_end(make_job: MakeJob) -> None:
    submission = LocalBackend().submit(make_job("exit 0", run_id="watched-to-the-end"))
    assert witness.watchers("watched-to-the-end")

    submission.wait()

    assert not witness.watchers("watched-to-the-end")


def test_nothing_of_the_watcher_is_left_when_the_job_cannot_start(make_job: MakeJob) -> None:
    job = make_job("true", run_id="watched-for-nothing")

    with pytest.raises(ServiceError):
        LocalBackend().submit(type(job)(**{**job.__dict__, "argv": ("no-such-program",)}))

    assert not witness.watchers("watched-for-nothing")


def test_a_job_that_signals_its_group_does_not_end_the_watcher(drive: StartDriver) -> None:
    driver = drive("trap '' TERM; kill -TERM 0; echo $$; sleep 600", run_id="watched-group", grace=0.1)
    (pid,) = driver.numbers()

    assert witness.watchers("watched-group")
    driver.process.kill()

    witness.await_end(pid)
    driver.process.communicate()


def test_a_killed_watcher_does_not_end_the_job(make_job: MakeJob) -> None:
    watchdog = Watchdog("no-watcher", 1.0)
    (watcher,) = witness.watchers("no-watcher")
    watchdog._watcher.send_signal(signal.SIGKILL)
    witness.await_end(watcher)

    watchdog.guard(1)
    watchdog.release()


def test_a_run_inside_a_run_can_record_that_the_outer_one_was_killed(drive: StartDriver, tmp_path: Path) -> None:
    inner, start = nested(
        tmp_path, "trap 'exit 8' TERM; echo $$ $PPID; exec &> /dev/null; while :; do sleep 0.02; done"
    )
    driver = drive(f"{start}; exit 1")
    pids = driver.numbers()

    driver.process.kill()

    for pid in pids:
        witness.await_end(pid)
    told = json.loads(inner.read_text())
    assert (told["exit_code"], told["stopped_by"], told["signal_number"]) == (8, "signal", 15)
    driver.process.communicate()
