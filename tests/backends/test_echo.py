"""Showing a job's output on streams that are slow, gone, or no streams at all."""

from __future__ import annotations

import io
import os
import pty
import select
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from mlproj.backends.echo import Echo


@pytest.fixture
def pipe() -> Iterator[tuple[int, Any]]:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as stream:
        yield reading, stream
    os.close(reading)


class Notebook:
    """A stream that takes text only, such as a notebook's."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> None:
        self.text += text

    def flush(self) -> None: ...


def test_a_pipe_that_is_full_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, pipe: tuple[int, Any]) -> None:
    reading, stream = pipe
    monkeypatch.setattr(sys, "stdout", stream)
    echo = Echo("streams")

    for _ in range(40):
        echo.write(1, b"x" * 65536)

    assert echo.is_full
    assert echo.awaited == stream.fileno()
    shown = 0
    while echo.awaited is not None:
        shown += len(os.read(reading, 65536))
        echo.pump()
    os.set_blocking(reading, False)
    while True:
        try:
            shown += len(os.read(reading, 65536))
        except BlockingIOError:
            break
    assert shown == 40 * 65536
    assert not echo.is_full


def test_a_reader_that_went_away_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    stream = os.fdopen(writing, "w")
    monkeypatch.setattr(sys, "stdout", stream)
    echo = Echo("streams")

    echo.write(1, b"nobody")
    echo.write(1, b"listens")

    assert echo.awaited is None
    stream.close()


def test_a_closed_stream_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    stream.close()
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setattr(sys, "stderr", None)
    echo = Echo("streams")

    echo.write(1, b"a")
    echo.write(2, b"b")

    assert echo.awaited is None


def test_a_stream_closed_meanwhile_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.TextIOWrapper(io.BytesIO())
    monkeypatch.setattr(sys, "stdout", stream)
    echo = Echo("streams")
    stream.close()

    echo.write(1, b"a")

    assert echo.awaited is None


def test_a_notebook_is_given_text_whatever_the_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Notebook()
    monkeypatch.setattr(sys, "stdout", stream)

    Echo("streams").write(1, "grüße".encode() + b"\xff")

    assert stream.text == "grüße\\xff"


def test_a_stream_in_memory_is_given_the_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = io.BytesIO()
    monkeypatch.setattr(sys, "stderr", io.TextIOWrapper(memory))

    Echo("stderr").write(1, b"\xff out")

    assert memory.getvalue() == b"\xff out"


def test_what_was_printed_before_comes_before(monkeypatch: pytest.MonkeyPatch, pipe: tuple[int, Any]) -> None:
    reading, stream = pipe
    monkeypatch.setattr(sys, "stdout", stream)
    stream.write("ours, ")

    Echo("streams").write(1, b"theirs")

    assert os.read(reading, 100) == b"ours, theirs"


def test_a_terminal_shows_it_all(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = pty.openpty()
    monkeypatch.setattr(sys, "stdout", stream := os.fdopen(theirs, "w"))
    echo = Echo("streams")
    text = b"".join(b"line %d\n" % number for number in range(5000))

    echo.write(1, text)
    shown = b""
    while len(shown) < len(text) + 5000:
        readable, _, _ = select.select([ours], [] if echo.awaited is None else [echo.awaited], [])
        shown += os.read(ours, 65536) if readable else b""
        echo.pump()

    assert shown.replace(b"\r\n", b"\n") == text
    assert os.get_blocking(theirs)
    echo.close()
    stream.close()
    os.close(ours)


def test_a_terminal_that_nobody_reads_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = pty.openpty()
    monkeypatch.setattr(sys, "stdout", stream := os.fdopen(theirs, "w"))
    echo = Echo("streams")

    for _ in range(1000):
        echo.write(1, b"0123456789" * 77)

    assert echo.awaited is not None
    echo.close()
    os.close(ours)
    stream.close()


def test_a_file_is_written_whole(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    with (tmp_path / "out").open("w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        Echo("streams").write(1, b"z" * 3_000_000)

    assert (tmp_path / "out").stat().st_size == 3_000_000


def test_nothing_is_shown_when_nothing_is_asked_for(capfd: pytest.CaptureFixture[str]) -> None:
    Echo("nowhere").write(1, b"quiet")

    assert capfd.readouterr().out == ""


def test_what_waits_can_be_dropped(monkeypatch: pytest.MonkeyPatch, pipe: tuple[int, Any]) -> None:
    monkeypatch.setattr(sys, "stdout", pipe[1])
    echo = Echo("streams")
    echo.write(1, b"x" * 2_000_000)

    echo.drop()

    assert echo.awaited is None
    assert not echo.is_full
