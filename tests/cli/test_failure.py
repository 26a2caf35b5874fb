from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mlproj.cli import failure
from mlproj.foundation import errors, paths
from mlproj.foundation.errors import InvalidProject, MlprojError, Place, SourceError, UsageError
from tests.cli.conftest import Cli
from tests.program import Result, project, start

KEYS = {"kind", "message", "hint", "file", "line", "column", "exit_code"}


def guarded(error: BaseException, capsys: pytest.CaptureFixture[str], *arguments: str) -> Result:
    def command(_arguments: list[str]) -> int:
        raise error

    code = failure.guard(command, list(arguments))
    return Result(code, *capsys.readouterr())


def test_a_mistake_is_told_with_its_line_a_caret_and_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    place = Place("MLproject", 3, 7, "    tpye: int")

    result = guarded(InvalidProject("unknown key 'tpye'", hint="did you mean 'type'?", place=place), capsys)

    assert result.code == 65
    assert result.out == ""
    assert result.err.splitlines() == [
        "error: MLproject:3:7: unknown key 'tpye'",
        "        tpye: int",
        "          ^",
        "hint: did you mean 'type'?",
    ]


def test_a_long_line_is_cut_around_the_place(capsys: pytest.CaptureFixture[str]) -> None:
    text = "a" * 300 + "HERE" + "b" * 300

    _error, excerpt, caret = guarded(InvalidProject("x", place=Place("f", 1, 301, text)), capsys).err.splitlines()

    assert len(excerpt) <= 80
    assert excerpt[caret.index("^") :].startswith("HERE")


def test_the_caret_stands_under_wide_characters_and_tabs(capsys: pytest.CaptureFixture[str]) -> None:
    lines = guarded(InvalidProject("x", place=Place("f", 1, 4, "東\t京x")), capsys).err.splitlines()

    assert lines[1:] == ["    東 京x", "         ^"]


def test_a_projects_words_cannot_drive_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    result = guarded(
        InvalidProject("name is \x1b[2J", hint="\x07", place=Place("f\x1b]0;x\x07", 1, 1, "\x1b[31m")), capsys
    )

    assert "\x1b" not in result.err
    assert "\x07" not in result.err


@pytest.mark.parametrize("arguments", [(), ("--json",)])
def test_no_secret_is_in_an_error(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...]
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", "ghp_123456789")
    error = SourceError(
        "cannot read https://user:hunter2@host/x",
        hint="ghp_123456789",
        place=Place("f", 1, 1, "https://me:ghp_123456789@host"),
    )

    result = guarded(error, capsys, *arguments)

    assert "hunter2" not in result.out + result.err
    assert "ghp_123456789" not in result.out + result.err


@pytest.mark.parametrize(
    "kind",
    [errors.UsageError, errors.InvalidProject, errors.SourceError, errors.ServiceError, errors.EnvironmentFailure],
)
def test_json_errors_are_one_document_with_every_key(
    capsys: pytest.CaptureFixture[str], kind: type[MlprojError]
) -> None:
    result = guarded(kind("what", hint="do", place=Place("f", 2, 3, "text")), capsys, "--json")

    assert result.err == ""
    assert result.document == {
        "schema": 1,
        "error": {
            "kind": kind.kind,
            "message": "what",
            "hint": "do",
            "file": "f",
            "line": 2,
            "column": 3,
            "exit_code": kind.exit_code,
        },
    }
    assert result.code == kind.exit_code


def test_a_wrong_option_is_a_usage_error_in_json_too(cli: Cli) -> None:
    result = cli("runs", "list", "--json", "--lsat", "3")

    assert result.code == 2
    assert set(result.document["error"]) == KEYS
    assert result.document["error"]["kind"] == "usage"
    assert "--lsat" in result.document["error"]["message"]


def test_json_behind_a_double_dash_is_no_option() -> None:
    assert not failure.wants_json(["run", ".", "--", "--json"])


def test_a_bug_is_told_without_a_traceback_and_written_down(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("API_TOKEN", "s3cr3t-value")

    result = guarded(
        ZeroDivisionError("by s3cr3t-value"), capsys, "run", "https://u:hunter2@h/x", "-P", "password=hunter2"
    )

    (report,) = (paths.home() / "bugs").iterdir()
    assert result.code == 70
    assert "Traceback" not in result.err
    assert str(report) in result.err
    text = report.read_text()
    assert "Traceback" in text
    assert "ZeroDivisionError" in text
    assert "mlproj" in text.splitlines()[0]
    assert "hunter2" not in text
    assert "s3cr3t-value" not in text + result.err


def test_a_bug_in_json_is_a_document(capsys: pytest.CaptureFixture[str]) -> None:
    result = guarded(KeyError("x"), capsys, "--json")

    assert result.code == 70
    assert result.document["error"]["kind"] == "bug"
    assert set(result.document["error"]) == KEYS


def test_a_bug_is_told_even_when_no_report_can_be_written(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("MLPROJ_HOME", str(tmp_path / "file"))

    result = guarded(RuntimeError("odd"), capsys)

    assert result.code == 70
    assert "RuntimeError: odd" in result.err
    assert "test_failure.py:" in result.err


@pytest.mark.parametrize(
    ("leaving", "code"), [(SystemExit(7), 7), (SystemExit(), 0), (SystemExit("no"), 1), (KeyboardInterrupt(), 130)]
)
def test_leaving_keeps_its_code(capsys: pytest.CaptureFixture[str], leaving: BaseException, code: int) -> None:
    assert guarded(leaving, capsys).code == code


def test_a_click_abort_is_an_interruption(capsys: pytest.CaptureFixture[str]) -> None:
    import click

    assert guarded(click.Abort(), capsys).code == 130


def test_a_broken_pipe_of_our_own_is_a_bug(capsys: pytest.CaptureFixture[str]) -> None:
    assert guarded(BrokenPipeError("some socket"), capsys).code == 70


def test_ctrl_c_says_so_in_a_word_and_exits_130() -> None:
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys, time; from mlproj.cli import failure\n"
            "def wait(arguments): print('ready', flush=True); time.sleep(60)\n"
            "sys.exit(failure.guard(wait, []))",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    _out, err = process.communicate()

    assert process.returncode == 130
    assert err == b"interrupted\n"


def test_an_error_document_to_a_reader_who_has_left_is_no_error() -> None:
    read, write = os.pipe()
    os.close(read)
    process = start("runs", "show", "nothing", "--json", stdout=write)
    os.close(write)
    _out, err = process.communicate()

    assert process.returncode == 141
    assert err == b""


def test_what_a_terminal_cannot_write_is_escaped() -> None:
    process = start("runs", "show", "名前", env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    _out, err = process.communicate()

    assert process.returncode == 2
    assert b"\\u540d" in err


def test_usage_errors_of_the_foundation_and_of_click_look_alike(cli: Cli) -> None:
    theirs, ours = cli("runs", "list", "--last", "0"), cli("runs", "show", "nothing")

    assert theirs.err.startswith("error: ")
    assert ours.err.startswith("error: ")
    assert theirs.code == ours.code == UsageError.exit_code
    assert json.loads(cli("runs", "show", "nothing", "--json").out)["error"]["kind"] == "usage"


def test_a_reader_who_leaves_while_a_command_prints_is_no_error(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(failure, "_reader_is_gone", lambda: True)

    assert failure.guard(lambda _arguments: (_ for _ in ()).throw(BrokenPipeError()), []) == 141


FULL = pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no /dev/full")
PRINTING = (
    "--version",
    "--help",
    "schema",
    "runs list --json",
    "show --json",
    "check",
    "run --dry-run",
    "completion bash",
)


@FULL
@pytest.mark.parametrize("arguments", PRINTING)
def test_an_output_that_cannot_be_written_is_told_as_what_it_is(tmp_path: Path, arguments: str) -> None:
    folder = project(tmp_path / "p", "entry_points: {main: {command: 'true'}}")
    with open("/dev/full", "wb") as full:
        process = start(*arguments.split(), cwd=folder, stdout=full)
        _out, err = process.communicate()

    assert err.decode().splitlines()[-1] == "error: the output could not be written: No space left on device"
    assert b"Traceback" not in err
    assert process.returncode == 69
    assert not (paths.home() / "bugs").exists()


@FULL
def test_more_output_than_a_buffer_holds_is_told_too(capfd: pytest.CaptureFixture[str]) -> None:
    code = (
        "import sys; from mlproj.cli import failure; sys.exit(failure.guard(lambda _: sys.stdout.write('x' * 100_000),"
        " []))"
    )
    with open("/dev/full", "wb") as full:
        done = subprocess.run([sys.executable, "-c", code], stdout=full, stderr=subprocess.PIPE, check=False)

    assert (done.returncode, done.stderr) == (69, b"error: the output could not be written: No space left on device\n")


@FULL
def test_messages_that_cannot_be_written_do_not_change_the_exit_code(tmp_path: Path) -> None:
    folder = project(tmp_path / "p", "entry_points: {main: {command: 'exit 3'}}")
    codes = []
    for arguments in (("run", folder), ("runs", "show", "nothing")):
        with open("/dev/full", "wb") as full:
            process = start(*arguments, stderr=full)
            process.communicate()
            codes.append(process.returncode)

    assert codes == [3, UsageError.exit_code]


def test_a_full_disk_is_no_bug(capsys: pytest.CaptureFixture[str]) -> None:
    result = guarded(OSError(errno.ENOSPC, "No space left on device"), capsys)

    assert result.code == 69
    assert result.err.startswith("error: a file could not be written: No space left on device\n")


@pytest.mark.parametrize("arguments", ["--version", "--help", "schema", "runs list --json"])
def test_a_pipe_that_nobody_reads_ends_every_command_quietly(arguments: str) -> None:
    read, write = os.pipe()
    os.close(read)
    process = start(*arguments.split(), stdout=write)
    os.close(write)
    _out, err = process.communicate()

    assert (process.returncode, err) == (141, b"")


def test_which_pipe_is_broken_is_asked_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    read, write = os.pipe()
    with os.fdopen(write, "w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        assert not failure._reader_is_gone()
        os.close(read)
        assert failure._reader_is_gone()


@pytest.mark.parametrize("command", ["runs list", "--version"])
@pytest.mark.parametrize("closed", [">&-", "2>&-"])
def test_a_closed_stream_is_no_bug(command: str, closed: str) -> None:
    done = subprocess.run(["bash", "-c", f'"{sys.executable}" -m mlproj {command} {closed}'], check=False)

    assert done.returncode == 0
    assert not (paths.home() / "bugs").exists()
