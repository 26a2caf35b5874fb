from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
import threading

import pytest

from mlproj.cli import reporter
from mlproj.cli.reporter import AnimatedReporter, PlainReporter, make_reporter


@pytest.fixture
def _slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """No step lasts long enough to be told of."""
    monkeypatch.setattr(reporter, "PATIENCE", 3600)


def say(told: PlainReporter, capsys: pytest.CaptureFixture[str]) -> str:
    told.note("a note")
    told.warn("a warning")
    with told.step("a step"):
        told.detail("a detail")
    out, err = capsys.readouterr()
    assert out == ""
    return err


@pytest.mark.parametrize(
    ("verbosity", "expected"),
    [
        (-1, "warning: a warning\n"),
        (0, "a note\nwarning: a warning\n"),
        (1, "a note\nwarning: a warning\na step\n  a detail\n"),
    ],
)
@pytest.mark.usefixtures("_slow")
def test_verbosity_decides_what_is_told(capsys: pytest.CaptureFixture[str], verbosity: int, expected: str) -> None:
    assert say(PlainReporter(verbosity), capsys) == expected


def test_a_step_that_lasts_is_told_while_it_lasts(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reporter, "PATIENCE", 0)
    told = threading.Event()
    plain = PlainReporter()
    monkeypatch.setattr(plain, "note", lambda text: (PlainReporter.note(plain, text), told.set()))

    with plain.step("resolving"):
        assert told.wait(60)
        assert capsys.readouterr().err == "resolving\n"


@pytest.mark.usefixtures("_slow")
def test_secrets_and_control_characters_are_not_told(capsys: pytest.CaptureFixture[str]) -> None:
    PlainReporter().note("https://u:hunter2@h \x1b[2J")

    assert capsys.readouterr().err == "https://****@h \\x1b[2J\n"


def test_nothing_moves_for_programs_and_pipes() -> None:
    assert type(make_reporter()) is PlainReporter
    assert type(make_reporter(json=True)) is PlainReporter


def test_a_reader_who_has_left_is_no_reason_to_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    class Gone:
        encoding = None

        def write(self, _text: str) -> None:
            raise BrokenPipeError

        def isatty(self) -> bool:
            return False

    monkeypatch.setattr(sys, "stderr", Gone())

    PlainReporter().warn("nobody hears this")


SCRIPT = """
import sys, threading, time
from mlproj.cli import reporter
reporter.PATIENCE = float(sys.argv[1])
told = reporter.make_reporter()
with told.step("quick"):
    pass
with told.step("resolving \\x1b[2J"):
    while sys.argv[1] == "0" and told._spinner is None:
        time.sleep(0.01)
    told.detail("numpy")
    told.warn("careful")
    with told.step("inner"):
        told.note("in between")
    if told._spinner: told._spinner._live.refresh()
sys.stdout.write("the job's own words\\n")
assert "rich" not in sys.modules or sys.argv[1] == "0"
"""


def on_terminal(*arguments: str) -> tuple[int, str]:
    """What a terminal is sent by the script above; its line ends are those of a terminal."""
    master, slave = pty.openpty()
    environ = {**os.environ, "TERM": "xterm", "CI": "", "COLUMNS": "80"}
    process = subprocess.Popen(
        [sys.executable, "-c", SCRIPT, *arguments], stdin=slave, stdout=slave, stderr=slave, env=environ
    )
    os.close(slave)
    seen = b""
    while True:
        try:
            block = os.read(master, 65536)
        except OSError:  # Linux says EIO when the last writer has left
            break
        if not block:
            break
        seen += block
    os.close(master)
    return process.wait(), seen.decode()


def test_a_step_that_lasts_is_shown_with_its_time_and_is_gone_before_the_job_speaks() -> None:
    code, seen = on_terminal("0")

    assert code == 0, seen
    assert "resolving \\x1b[2J" in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen)
    assert re.search(r" \d+ s", re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen))
    before, _words, after = seen.partition("the job's own words")
    assert before.rindex("\x1b[?25h") > before.rindex("\x1b[?25l"), "the cursor is visible again"
    assert after == "\r\n"
    assert before.endswith("\x1b[2K"), "the line is empty again"


def test_quick_steps_neither_move_nor_load_rich() -> None:
    code, seen = on_terminal("3600")

    assert code == 0, seen
    assert re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", seen) == "warning: careful\r\nin between\r\nthe job's own words\r\n"


def test_a_step_that_lasted_a_second_leaves_its_time(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter([10.0, 13.5])
    monkeypatch.setattr(reporter, "PATIENCE", 3600)
    monkeypatch.setattr(reporter.time, "monotonic", lambda: next(clock))

    with AnimatedReporter().step("installing"):
        pass

    assert capsys.readouterr().err == "installing (3.5 s)\n"
