"""How jobs end, and that nothing of them is left."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from mlproj.backends import supervisor
from mlproj.backends.base import Submission
from mlproj.backends.local import LocalBackend
from mlproj.backends.process_tree import Member, ProcessTree
from mlproj.foundation.dataclass import replace
from mlproj.run_folder import output_log
from tests.backends import witness
from tests.backends.conftest import MakeJob, StartDriver
from tests.backends.driver import REPOSITORY, command

# A daemon as they are written: forks twice, makes a session of its own, closes what it inherited, tells its number in a
# file.
DAEMON = """
import os, signal, sys, time
if len(sys.argv) > 2: signal.signal(signal.SIGTERM, signal.SIG_IGN)
if os.fork(): os._exit(0)
os.setsid()
if os.fork(): os._exit(0)
os.closerange(0, 3)
with open(sys.argv[1] + ".part", "w") as file: file.write(str(os.getpid()))
os.rename(sys.argv[1] + ".part", sys.argv[1])
time.sleep(600)
"""


def daemon(file: Path, *arguments: str) -> str:
    """Shell text that starts the daemon and goes on when it runs."""
    words = shlex.join([sys.executable, "-I", "-S", "-c", DAEMON, str(file), *arguments])
    return f"{words}; while ! test -e {shlex.quote(str(file))}; do sleep 0.01; done"


pytestmark = pytest.mark.needs("ps")

SIGNALS = [signal.SIGINT, signal.SIGTERM, signal.SIGHUP]


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_to_us_ends_the_whole_tree(drive: StartDriver, tmp_path: Path, number: signal.Signals) -> None:
    background = daemon(tmp_path / "daemon")
    driver = drive(
        f"{background}; sleep 600 & a=$!; setsid sleep 600 & b=$!; echo $$ $a $b $(cat {tmp_path}/daemon); wait"
    )
    pids = driver.numbers()

    driver.signal(number)
    told = driver.outcome()

    assert (told["exit_code"], told["stopped_by"], told["signal_number"]) == (128 + number, "signal", number)
    assert len(pids) == 4
    assert not [pid for pid in pids if witness.is_alive(pid)]


@pytest.mark.parametrize("number", SIGNALS)
def test_a_command_may_finish_its_work_when_asked_to_end(drive: StartDriver, number: signal.Signals) -> None:
    driver = drive(f"trap 'echo saved; exit 7' {number}; echo ready; while :; do sleep 0.02; done")
    driver.line()

    driver.signal(number)

    assert driver.line() == b"saved"
    told = driver.outcome()
    assert (told["exit_code"], told["stopped_by"], told["signal_number"]) == (7, "signal", number)


def test_a_command_that_ignores_the_signal_is_killed_after_the_grace_time(drive: StartDriver) -> None:
    driver = drive("trap '' TERM; sleep 600 & echo $$ $!; while :; do wait; done", grace=0.2)
    pids = driver.numbers()

    driver.signal(signal.SIGTERM)
    told = driver.outcome()

    assert (told["exit_code"], told["stopped_by"], told["signal_number"]) == (137, "signal", 15)
    assert not [pid for pid in pids if witness.is_alive(pid)]


def test_the_second_signal_kills_at_once(drive: StartDriver) -> None:
    driver = drive("trap 'echo asked' INT; echo ready; while :; do sleep 0.02; done", grace=3600)
    driver.line()
    driver.signal(signal.SIGINT)
    assert driver.line() == b"asked"

    driver.signal(signal.SIGINT)
    told = driver.outcome()

    assert (told["exit_code"], told["stopped_by"], told["signal_number"]) == (137, "signal", 2)


def test_the_same_termination_told_twice_is_one(make_job: MakeJob, tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    job = make_job(f"trap 'sleep 0.3; exit 5' TERM; mkfifo {ready}; echo go > {ready}; while :; do sleep 0.02; done")
    submission = LocalBackend().submit(job)
    threading.Thread(target=lambda: _await_fifo(ready, submission)).start()

    assert submission.wait().exit_code == 5


def _await_fifo(path: Path, submission: Submission) -> None:
    while not path.exists():
        pass
    path.read_text()
    submission.interrupt(signal.SIGTERM)
    submission.interrupt(signal.SIGTERM)


def test_a_stopped_job_is_woken_to_be_ended(drive: StartDriver) -> None:
    driver = drive(
        "trap 'exit 3' TERM; bash -c 'kill -STOP $$' & echo $! ; kill -STOP $$; while :; do sleep 0.02; done"
    )
    driver.numbers()

    driver.signal(signal.SIGTERM)

    assert driver.outcome()["stopped_by"] == "signal"


def test_keyboard_interrupt_is_passed_on_like_a_signal(drive: StartDriver) -> None:
    driver = drive("trap 'exit 9' INT; echo ready; while :; do sleep 0.02; done", handlers=False)
    driver.line()

    driver.signal(signal.SIGINT)
    told = driver.outcome()

    assert (told["exit_code"], told["stopped_by"], told["signal_number"]) == (9, "signal", 2)


def test_a_job_that_takes_too_long_is_ended(make_job: MakeJob) -> None:
    outcome = LocalBackend().submit(make_job("sleep 600", timeout=0.1)).wait()

    assert (outcome.exit_code, outcome.stopped_by, outcome.signal_number) == (143, "timeout", None)


def test_a_job_that_takes_too_long_and_ignores_it_is_killed(make_job: MakeJob) -> None:
    outcome = (
        LocalBackend().submit(make_job("trap '' TERM; while :; do sleep 0.02; done", timeout=0.1, grace=0.1)).wait()
    )

    assert (outcome.exit_code, outcome.stopped_by) == (137, "timeout")


@pytest.mark.parametrize(("is_passed_on", "out"), [(True, b""), (False, b"asked\n")])
def test_a_job_that_has_its_own_way_of_being_asked_to_end_is_asked_that_way(
    make_job: MakeJob, is_passed_on: bool, out: bytes
) -> None:
    asked: list[int] = []

    def send_signal(number: int) -> bool:
        asked.append(number)
        return is_passed_on

    job = make_job("trap 'echo asked; exit' TERM; while :; do sleep 0.02; done", timeout=0.3, grace=0.3)
    LocalBackend().submit(replace(job, send_signal=send_signal)).wait()

    assert asked == [signal.SIGTERM]
    assert b"".join(output_log.read(job.log_dir, "stdout")) == out


def test_a_job_can_be_cancelled_from_another_thread(make_job: MakeJob) -> None:
    submission = LocalBackend().submit(make_job("sleep 600"))

    threading.Thread(target=submission.cancel).start()
    outcome = submission.wait()

    assert (outcome.exit_code, outcome.stopped_by) == (143, "cancelled")
    assert not witness.is_alive(submission.pid)


def test_a_job_cancelled_before_anyone_waits_ends(make_job: MakeJob) -> None:
    submission = LocalBackend().submit(make_job("sleep 600"))
    submission.cancel()
    submission.cancel()

    assert submission.wait().stopped_by == "cancelled"


# What a command leaves behind.


def test_background_jobs_that_hold_the_streams_are_ended_with_the_command(make_job: MakeJob) -> None:
    job = make_job("sleep 600 & echo $!")

    outcome = LocalBackend().submit(job).wait()

    assert (outcome.exit_code, outcome.stopped_by) == (0, None)
    assert not witness.is_alive(int(b"".join(output_log.read(job.log_dir))))


def test_daemons_are_ended_with_the_command(make_job: MakeJob, tmp_path: Path) -> None:
    LocalBackend().submit(make_job(daemon(tmp_path / "daemon"))).wait()

    assert not witness.is_alive(int((tmp_path / "daemon").read_text()))


def test_a_daemon_that_ignores_sigterm_is_killed(make_job: MakeJob, tmp_path: Path) -> None:
    LocalBackend().submit(make_job(daemon(tmp_path / "daemon", "stubborn"), grace=0.1)).wait()

    assert not witness.is_alive(int((tmp_path / "daemon").read_text()))


def test_what_ends_by_itself_after_the_command_may_finish(make_job: MakeJob, tmp_path: Path) -> None:
    job = make_job("exec > >(cat; echo last); seq 1000")

    LocalBackend().submit(job).wait()

    assert b"".join(output_log.read(job.log_dir)).endswith(b"1000\nlast\n")


def test_a_process_that_nobody_can_find_does_not_hold_the_run(make_job: MakeJob, tmp_path: Path) -> None:
    hidden = tmp_path / "hidden"
    words = shlex.join(
        ["env", "-i", sys.executable, "-I", "-S", "-c", DAEMON.replace("os.closerange(0, 3)", ""), str(hidden)]
    )
    job = make_job(f"{words} & while ! test -e {hidden}; do sleep 0.01; done; echo done")

    outcome = LocalBackend().submit(job).wait()

    subprocess.run(["kill", hidden.read_text()], check=False)
    assert outcome.exit_code == 0
    assert b"".join(output_log.read(job.log_dir)) == b"done\n"


def test_processes_of_other_runs_are_left_alone(make_job: MakeJob, tmp_path: Path) -> None:
    other = LocalBackend().submit(make_job("sleep 600", run_id="other", log_dir=tmp_path / "other"))

    LocalBackend().submit(make_job("sleep 600 & exit 0")).wait()

    assert witness.is_alive(other.pid)
    other.cancel()
    other.wait()


# A reader that does not read.


def test_a_stuck_reader_does_not_keep_a_timeout_from_ending_the_job(drive: StartDriver) -> None:
    driver = drive("yes", timeout=0.5, grace=0.2)  # nobody reads the driver's standard output

    driver.process.wait()

    assert driver.outcome()["stopped_by"] == "timeout"


def test_a_stuck_reader_does_not_keep_a_signal_from_ending_the_job(drive: StartDriver) -> None:
    driver = drive("echo ready; yes", grace=0.2)
    driver.line()

    driver.signal(signal.SIGTERM)
    driver.process.wait()

    assert driver.outcome()["stopped_by"] == "signal"


# Runs inside runs.


def nested(tmp_path: Path, script: str, **options: object) -> tuple[Path, str]:
    """The file with the inner run's outcome, and shell text that starts it."""
    result = tmp_path / "inner.json"
    words = command(result, run_id="inner", argv=["bash", "-c", script], log_dir=str(tmp_path / "inner"), **options)
    return result, f"cd {shlex.quote(str(REPOSITORY))}; {shlex.join(words)}"


@pytest.mark.parametrize("number", SIGNALS)
def test_a_run_inside_a_run_can_record_that_it_was_ended(
    drive: StartDriver, tmp_path: Path, number: signal.Signals
) -> None:
    inner, start = nested(tmp_path, "trap 'sleep 0.1; exit 8' INT TERM HUP; echo $$; while :; do sleep 0.02; done")
    driver = drive(f"{start}; exit 1")
    pids = driver.numbers()

    driver.signal(number)

    assert driver.outcome()["stopped_by"] == "signal"
    told = json.loads(inner.read_text())
    assert (told["exit_code"], told["stopped_by"], told["signal_number"]) == (8, "signal", number)
    assert not witness.is_alive(pids[0])


def test_a_run_inside_a_run_that_ignores_everything_is_gone_too(drive: StartDriver, tmp_path: Path) -> None:
    _, start = nested(
        tmp_path,
        f"trap '' TERM; {daemon(tmp_path / 'daemon', 'stubborn')}; echo $$ $(cat {tmp_path}/daemon); while :; do sleep"
        " 0.02; done",
    )
    driver = drive(start, grace=0.3)
    pids = driver.numbers()

    driver.signal(signal.SIGTERM)

    assert driver.outcome()["exit_code"] == 137
    assert not [pid for pid in pids if witness.is_alive(pid)]


# Systems that lack something.


def test_a_system_without_pidfd_sees_the_end_too(make_job: MakeJob, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "pidfd_open", raising=False)

    outcome = LocalBackend().submit(make_job("exec >&- 2>&-; exit 3")).wait()

    assert outcome.exit_code == 3


def test_a_kernel_that_refuses_pidfd_is_no_hindrance(make_job: MakeJob, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(pid: int) -> int:
        raise PermissionError

    monkeypatch.setattr(os, "pidfd_open", refuse, raising=False)

    assert LocalBackend().submit(make_job("exit 3")).wait().exit_code == 3


def test_a_process_that_the_kernel_does_not_let_go_is_told_of(
    make_job: MakeJob, monkeypatch: pytest.MonkeyPatch
) -> None:
    stuck = Member(pid=4194304, parent=1, group=1, session=1, started=0, run_id=None)  # beyond every process number
    monkeypatch.setattr(supervisor, "_GIVE_UP", 0.1)
    monkeypatch.setattr(ProcessTree, "members", lambda self: [stuck])

    outcome = LocalBackend().submit(make_job("exit 3", grace=0.1)).wait()

    assert (outcome.exit_code, outcome.notes) == (3, ("not ended by SIGKILL: process 4194304",))


def test_a_caller_that_ignores_sigchld_is_served(tmp_path: Path) -> None:
    code = (
        "import signal; signal.signal(signal.SIGCHLD, signal.SIG_IGN); from tests.backends.driver import main; main()"
    )
    result = tmp_path / "result.json"
    arguments = command(result, run_id="ignored", argv=["bash", "-c", "echo seen"], log_dir=str(tmp_path / "log"))

    done = subprocess.run([sys.executable, "-c", code, *arguments[3:]], cwd=REPOSITORY, capture_output=True, check=True)

    assert done.stdout == b"seen\n"
    assert json.loads(result.read_text())["stopped_by"] is None


def test_a_fault_of_ours_leaves_no_process(make_job: MakeJob, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: object, stream: int, data: bytes) -> None:
        raise LookupError("a fault of ours")

    monkeypatch.setattr(output_log.OutputLog, "write", fail)
    submission = LocalBackend().submit(make_job("echo now; sleep 600"))

    with pytest.raises(LookupError):
        submission.wait()

    assert not witness.is_alive(submission.pid)
