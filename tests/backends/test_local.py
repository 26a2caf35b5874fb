"""What a job on this machine is given, and what is told of it."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from mlproj import backends
from mlproj.backends.local import LocalBackend
from mlproj.foundation.dataclass import replace
from mlproj.foundation.errors import ServiceError, UsageError
from mlproj.run_folder import output_log, start_sign
from tests.backends import witness
from tests.backends.conftest import MakeJob, StartDriver


def said(folder: Path, stream: str = "stdout") -> bytes:
    return b"".join(output_log.read(folder, stream))


def test_the_local_backend_is_found_by_name() -> None:
    assert isinstance(backends.open("local"), LocalBackend)


def test_a_backend_that_nobody_provides_is_a_usage_error_with_the_closest_name() -> None:
    with pytest.raises(UsageError, match="did you mean 'local'"):
        backends.open("locale")


@pytest.mark.parametrize("code", [0, 1, 3, 129, 255])
def test_the_exit_code_is_the_commands_own(make_job: MakeJob, code: int) -> None:
    outcome = LocalBackend().submit(make_job(f"exit {code}")).wait()

    assert (outcome.exit_code, outcome.stopped_by) == (code, None)


@pytest.mark.parametrize(
    ("variables", "has_begun"),
    [
        ({}, True),
        ({"SHELLOPTS": "noclobber:errexit"}, True),
        ({"SHELLOPTS": "noexec"}, False),
        ({"BASH_ENV": "e"}, False),
    ],
    ids=str,
)
def test_a_command_that_did_not_begin_is_told_from_one_that_ended_well(
    make_job: MakeJob, tmp_path: Path, variables: dict[str, str], has_begun: bool
) -> None:
    (tmp_path / "e").write_text("exit 0\n")
    (tmp_path / "run").mkdir()
    sign = start_sign.create(tmp_path / "run")
    job = make_job(start_sign.shell_step(sign) + "echo ran", start_sign=sign)

    outcome = LocalBackend().submit(replace(job, environ={**job.environ, **variables})).wait()

    assert (outcome.exit_code, outcome.has_begun, said(job.log_dir)) == (0, has_begun, b"ran\n" if has_begun else b"")
    assert not sign.parent.exists()


def test_of_a_job_without_a_sign_nobody_knows_whether_it_began(make_job: MakeJob) -> None:
    assert LocalBackend().submit(make_job("true")).wait().has_begun is None


def test_the_command_knows_its_run_and_runs_in_its_folder(make_job: MakeJob, tmp_path: Path) -> None:
    job = make_job('echo "$MLPROJ_RUN_ID"; pwd')

    LocalBackend().submit(job).wait()

    assert said(job.log_dir).decode().splitlines() == [job.run_id, str(tmp_path)]


def test_a_command_that_someone_kills_is_told_from_one_that_fails(make_job: MakeJob) -> None:
    outcome = LocalBackend().submit(make_job("kill -KILL $$")).wait()

    assert (outcome.exit_code, outcome.stopped_by, outcome.signal_number) == (137, "signal", 9)


def test_a_program_killed_below_the_shell_counts_as_killed(make_job: MakeJob) -> None:
    outcome = LocalBackend().submit(make_job("bash -c 'kill -KILL $$'; exit $?")).wait()

    assert (outcome.exit_code, outcome.stopped_by, outcome.signal_number) == (137, "signal", 9)


def test_a_crash_is_the_programs_own_failure(make_job: MakeJob) -> None:
    outcome = LocalBackend().submit(make_job("kill -SEGV $$")).wait()

    assert (outcome.exit_code, outcome.stopped_by) == (139, None)


def test_waiting_again_or_in_another_thread_tells_the_same(make_job: MakeJob) -> None:
    submission = LocalBackend().submit(make_job("exit 4"))
    outcomes = []
    threads = [threading.Thread(target=lambda: outcomes.append(submission.wait())) for _ in range(3)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [outcome.exit_code for outcome in outcomes] == [4, 4, 4]


def test_asking_a_job_to_end_that_has_ended_does_nothing(make_job: MakeJob) -> None:
    submission = LocalBackend().submit(make_job("exit 0"))
    before = submission.wait()

    submission.cancel()
    submission.interrupt(15)

    assert submission.wait() is before


def test_jobs_in_several_threads_keep_their_output_apart(make_job: MakeJob, tmp_path: Path) -> None:
    jobs = [
        make_job(f"for i in $(seq 200); do echo {number}; done", run_id=f"r{number}", log_dir=tmp_path / str(number))
        for number in range(6)
    ]
    threads = [threading.Thread(target=lambda job=job: LocalBackend().submit(job).wait()) for job in jobs]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [said(job.log_dir) for job in jobs] == [b"%d\n" % number * 200 for number in range(6)]


def test_a_loop_of_jobs_leaves_no_file_open_and_no_watcher(make_job: MakeJob) -> None:
    job = make_job("true")
    LocalBackend().submit(job).wait()
    before = witness.open_descriptors()

    for _ in range(10):
        LocalBackend().submit(job).wait()

    assert witness.open_descriptors() == before


def test_a_program_that_is_not_there_starts_nothing(make_job: MakeJob, tmp_path: Path) -> None:
    job = make_job("true", run_id="not-started")
    before = witness.open_descriptors()

    with pytest.raises(ServiceError, match="not installed"):
        LocalBackend().submit(type(job)(**{**job.__dict__, "argv": ("no-such-program",)}))

    assert witness.open_descriptors() == before


def test_a_folder_that_is_not_there_is_named(make_job: MakeJob, tmp_path: Path) -> None:
    job = make_job("true")

    with pytest.raises(ServiceError, match="nowhere is not there"):
        LocalBackend().submit(type(job)(**{**job.__dict__, "cwd": tmp_path / "nowhere"}))


def test_a_log_that_cannot_be_written_stops_the_job_before_it_starts(make_job: MakeJob, tmp_path: Path) -> None:
    (tmp_path / "run").write_text("a file where the folder should be")

    with pytest.raises(ServiceError, match="cannot write the log"):
        LocalBackend().submit(make_job("touch started"))

    assert not (tmp_path / "started").exists()


# Standard input.


def test_a_pipe_on_standard_input_reaches_the_command(drive: StartDriver) -> None:
    driver = drive("cat", popen={"stdin": subprocess.PIPE})
    assert driver.process.stdin is not None

    driver.process.stdin.write(b"through \xff the pipe\n")
    driver.process.stdin.close()

    assert driver.line() == b"through \xff the pipe"
    driver.process.stdin = None
    assert driver.outcome()["exit_code"] == 0


def test_a_terminal_on_standard_input_is_not_given_to_the_command(drive: StartDriver) -> None:
    ours, theirs = pty.openpty()
    driver = drive("cat; test -t 0; echo $?", popen={"stdin": theirs, "start_new_session": True})

    assert driver.numbers() == [1]
    assert driver.outcome()["exit_code"] == 0
    os.close(ours)
    os.close(theirs)


def test_closed_standard_input_is_an_empty_one(tmp_path: Path, drive: StartDriver) -> None:
    driver = drive("cat; echo $?", popen={"preexec_fn": lambda: os.close(0)})

    assert driver.numbers() == [0]
    assert driver.outcome()["exit_code"] == 0


# Output.


def test_both_streams_are_kept_byte_by_byte_and_told_apart(make_job: MakeJob) -> None:
    job = make_job(r"printf '\0\377\376ab\r\n'; sleep 0.01; printf '\200\n\0' >&2; sleep 0.01; printf 'end'")

    LocalBackend().submit(job).wait()

    assert said(job.log_dir, "stdout") == b"\0\xff\xfeab\r\nend"
    assert said(job.log_dir, "stderr") == b"\x80\n\0"
    assert len(said(job.log_dir, "all")) == 13


def test_output_is_shown_live_on_the_stream_of_the_same_name(drive: StartDriver) -> None:
    driver = drive("echo out; echo err >&2; read _ ; echo done", popen={"stdin": subprocess.PIPE})
    assert driver.process.stdin is not None and driver.process.stderr is not None

    assert driver.line() == b"out"
    assert driver.process.stderr.readline() == b"err\n"
    driver.process.stdin.write(b"\n")
    driver.process.stdin.flush()
    assert driver.line() == b"done"
    driver.outcome()


def test_output_can_go_to_standard_error_alone(drive: StartDriver) -> None:
    driver = drive("echo out; echo err >&2", echo="stderr")

    out, errors = driver.process.communicate()

    assert out == b""
    assert sorted(errors.split()) == [b"err", b"out"]


def test_much_output_is_kept_in_little_memory(drive: StartDriver) -> None:
    size = 300_000_000
    driver = drive(f"head -c {size} /dev/zero; echo done >&2", popen={"stdout": subprocess.DEVNULL})

    told = driver.outcome()

    assert (driver.log_dir / output_log.LOG).stat().st_size == size + 5
    assert sum(map(len, output_log.read(driver.log_dir, "stderr"))) == 5
    # macOS counts bytes.
    assert told["peak_kib"] < size // 1024 // 2 or sys.platform == "darwin"


def test_a_command_that_closes_its_streams_early_runs_on(make_job: MakeJob, tmp_path: Path) -> None:
    job = make_job("echo before; exec >&- 2>&-; for i in 1 2 3; do :; done; touch reached; exit 6")

    outcome = LocalBackend().submit(job).wait()

    assert outcome.exit_code == 6
    assert (tmp_path / "reached").exists()
    assert said(job.log_dir) == b"before\n"


def test_a_reader_that_goes_away_does_not_end_the_run(drive: StartDriver) -> None:
    driver = drive("echo first; read _; seq 100000; echo end", popen={"stdin": subprocess.PIPE})
    assert driver.process.stdin is not None and driver.process.stdout is not None
    assert driver.line() == b"first"

    driver.process.stdout.close()
    driver.process.stdin.write(b"\n")
    driver.process.stdin.close()
    driver.process.stdin = driver.process.stdout = None

    assert driver.outcome()["exit_code"] == 0
    assert said(driver.log_dir).endswith(b"100000\nend\n")


def test_a_full_disk_is_told_and_does_not_end_the_run(drive: StartDriver, tmp_path: Path) -> None:
    driver = drive(f"seq 1000; echo shown; touch {tmp_path}/reached", file_size=1000, popen={"stdout": subprocess.PIPE})

    out, errors = driver.process.communicate()

    assert b"shown" in out
    assert b"the output is not kept beyond byte 1000" in errors
    assert (tmp_path / "reached").exists()
    assert (driver.log_dir / output_log.LOG).stat().st_size == 1000
