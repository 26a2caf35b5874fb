"""Tools that misbehave, and what is said of them."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from mlproj.foundation import process
from mlproj.foundation.errors import ServiceError, UsageError
from tests.backends import witness


def python(code: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", code]


def test_both_streams_and_the_code_are_returned() -> None:
    done = process.run(["bash", "-c", r"printf 'out\377'; printf 'err\376' >&2; exit 3"])

    assert (done.returncode, done.stdout, done.stderr) == (3, b"out\xff", b"err\xfe")
    assert (done.text, done.error_text) == ("out\\xff", "err\\xfe")


def test_a_tool_is_given_its_folder_and_environment(tmp_path: Path) -> None:
    done = process.run(
        ["bash", "-c", "pwd; echo $ONLY"], cwd=tmp_path, env={"ONLY": "this", "PATH": os.environ["PATH"]}
    )

    assert done.text.splitlines() == [str(tmp_path), "this"]


def test_a_tool_without_input_reads_nothing() -> None:
    assert process.run(["cat"]).stdout == b""


def test_input_larger_than_a_pipe_goes_in_while_output_comes_out() -> None:
    data = os.urandom(1 << 20)

    assert process.run(["cat"], input=data).stdout == data


def test_a_tool_may_leave_its_input_unread() -> None:
    assert process.run(["true"], input=b"x" * (1 << 20)).returncode == 0


def test_a_tool_that_closes_its_streams_still_reads_all_of_its_input(tmp_path: Path) -> None:
    target = tmp_path / "copy"

    process.run(
        python(f"import os, sys; os.close(1); os.close(2); open({str(target)!r}, 'wb').write(sys.stdin.buffer.read())"),
        input=b"x" * 500_000,
    )

    assert target.stat().st_size == 500_000


def test_output_that_fills_both_pipes_does_not_stop_the_tool() -> None:
    done = process.run(python("import sys; sys.stderr.write('e' * 3000000); sys.stdout.write('o' * 3000000)"))

    assert (len(done.stdout), len(done.stderr)) == (3_000_000, 3_000_000)


def test_a_daemon_that_a_tool_leaves_behind_is_not_waited_for() -> None:
    done = process.run(["bash", "-c", "sleep 600 & echo $!"])

    assert done.returncode == 0
    os.kill(int(done.stdout), signal.SIGKILL)


@pytest.mark.needs("ps")
def test_a_tool_that_takes_too_long_is_ended_with_its_children(tmp_path: Path) -> None:
    pids = tmp_path / "pids"

    with pytest.raises(ServiceError, match="bash did not answer within 2 seconds"):
        process.run(["bash", "-c", f"sleep 600 & echo $$ $! > {pids}; wait"], timeout=2)

    assert not [pid for pid in pids.read_text().split() if witness.is_alive(int(pid))]


def test_a_tool_that_closes_its_streams_and_stays_is_timed_too() -> None:
    with pytest.raises(ServiceError, match="did not answer"):
        process.run(["bash", "-c", "exec >&- 2>&-; exec sleep 600"], timeout=0.1)


@pytest.mark.parametrize("call", ["process.run(tool)", "process.follow(tool, print)"])
def test_ctrl_c_ends_the_tool_and_goes_on_as_an_exception(call: str, tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    tool = ["bash", "-c", f"echo $$ > {fifo}; exec sleep 600"]
    imported = "from mlproj.foundation import process"
    code = f"{imported}\ntool = {tool!r}\ntry: {call}\nexcept KeyboardInterrupt: print('caught')"
    ours = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, cwd=Path(__file__).parents[2])
    pid = int(fifo.read_text())

    ours.send_signal(signal.SIGINT)
    out, _ = ours.communicate()

    assert out.strip() == b"caught"
    witness.await_end(pid)


def test_a_signal_that_comes_while_a_tool_is_started_ends_it() -> None:
    code = """
import os, signal, subprocess
from mlproj.foundation import process
started = []
begin = subprocess.Popen
def begin_and_be_interrupted(*arguments, **options):
    started.append(begin(*arguments, **options))
    signal.raise_signal(signal.SIGINT)
    return started[0]
subprocess.Popen = begin_and_be_interrupted
try: process.run(["sleep", "600"])
except KeyboardInterrupt:
    print("caught", started[0].returncode, signal.getsignal(signal.SIGINT) is signal.default_int_handler)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, cwd=Path(__file__).parents[2], check=True)

    assert done.stdout.split() == [b"caught", b"-15", b"True"]


def test_a_stubborn_tool_is_killed() -> None:
    tool = process.start(["bash", "-c", "trap '' TERM; echo ready; while :; do sleep 0.02; done"])
    assert tool.stdout is not None and tool.stderr is not None
    tool.stdout.readline()

    process.kill_group(tool, grace=0.1)

    assert tool.returncode == -signal.SIGKILL
    tool.stdout.close()
    tool.stderr.close()


# Following.


def test_lines_are_told_as_they_come(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    lines: list[str] = []

    def hear(line: str) -> None:
        lines.append(line)
        if line == "waiting":
            threading.Thread(target=lambda: fifo.write_text("go\n")).start()

    done = process.follow(["bash", "-c", f"echo waiting >&2; read word < {fifo}; echo $word >&2; echo result"], hear)

    assert lines == ["waiting", "go"]
    assert (done.stdout, done.stderr) == (b"result\n", b"waiting\ngo\n")


def test_progress_bars_and_windows_line_ends_are_lines() -> None:
    lines: list[str] = []

    process.follow(["bash", "-c", r"printf '10%%\r20%%\r' >&2; printf '100%%\r\n\nno end \377' >&2"], lines.append)

    assert lines == ["10%", "20%", "100%", "", "no end \\xff"]


def test_an_endless_line_is_told_in_pieces() -> None:
    lines: list[str] = []

    done = process.follow(python("import sys; sys.stderr.write('x' * 1000000)"), lines.append)

    assert "".join(lines) == "x" * 1_000_000
    assert len(lines) > 1
    assert len(done.stderr) == 1_000_000


@pytest.mark.needs("ps")
def test_a_listener_that_fails_ends_the_tool() -> None:
    pids: list[int] = []

    def hear(line: str) -> None:
        pids.append(int(line))
        raise LookupError("a fault of ours")

    with pytest.raises(LookupError):
        process.follow(["bash", "-c", "echo $$ >&2; exec sleep 600"], hear)

    assert not witness.is_alive(pids[0])


# What cannot be started.


def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(ServiceError, match="no-such-tool is not installed or not on PATH"):
        process.run(["no-such-tool"])


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ServiceError, match=r"the folder .*gone is not there"):
        process.run(["true"], cwd=tmp_path / "gone")


def test_a_file_is_no_folder_to_run_in(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(ServiceError, match=r"the folder .*file is not there"):
        process.run(["true"], cwd=tmp_path / "file")


def test_a_file_that_is_no_program_is_told(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("just text")

    with pytest.raises(ServiceError, match="cannot be executed: Permission denied"):
        process.run([tmp_path / "text"])


def test_a_broken_program_is_told(tmp_path: Path) -> None:
    (tmp_path / "broken").write_bytes(b"\x7fELF")
    (tmp_path / "broken").chmod(0o755)

    with pytest.raises(ServiceError, match="cannot be executed"):
        process.run([tmp_path / "broken"])


def test_a_command_line_that_is_too_long_is_told() -> None:
    with pytest.raises(ServiceError, match="longer than this system allows"):
        process.run(["true", "x" * 10_000_000])


@pytest.mark.parametrize("argument", ["a\0b", "\ud800"])
def test_an_argument_that_no_program_can_be_given_is_a_usage_error(argument: str) -> None:
    with pytest.raises(UsageError, match="cannot run 'true'"):
        process.run(["true", argument])


# Terminals. A session of our own with a terminal is what a person has; the test's own may have none.

ASKER = (
    "try: open('/dev/tty').close(); print('can ask', file=sys.stderr)\nexcept OSError: print('cannot ask',"
    " file=sys.stderr)"
)


def at_a_terminal(call: str) -> str:
    """What a program of ours prints that makes *call* while it has a controlling terminal."""
    code = (
        "import sys\nfrom mlproj.foundation import process\ntool = [sys.executable, '-c',"
        f" {'import sys' + chr(10) + ASKER!r}]\nprint({call})"
    )
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(Path(__file__).parents[2])
        os.execv(sys.executable, [sys.executable, "-c", code])
    shown = b""
    while True:
        try:
            data = os.read(terminal, 4096)
        except OSError:  # Linux's way to say that the other side was closed
            break
        if not data:
            break
        shown += data
    os.waitpid(pid, 0)
    os.close(terminal)
    return shown.decode().strip()


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_tool_cannot_hang_on_a_question_at_the_terminal() -> None:
    assert at_a_terminal("process.run(tool).error_text.strip()") == "cannot ask"


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_tool_may_ask_the_person_when_that_is_wanted() -> None:
    assert at_a_terminal("process.run(tool, terminal=True).error_text.strip()") == "can ask"


@pytest.mark.needs("ps")
def test_a_tool_in_our_group_is_ended_alone() -> None:
    with pytest.raises(ServiceError, match="did not answer"):
        process.run(["sleep", "600"], timeout=0.1, terminal=True)
