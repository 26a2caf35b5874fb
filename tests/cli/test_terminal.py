from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlproj.cli import terminal


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _capable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("CI", raising=False)


def test_a_terminal_gets_colours_and_motion() -> None:
    assert terminal.styled("x", Screen(), "red", "bold") == "\033[31;1mx\033[0m"
    assert terminal.wants_motion(Screen())


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_colours_stay_away_where_they_are_not_wanted(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)

    assert terminal.styled("x", Screen(), "red") == "x"


@pytest.mark.parametrize(("name", "value"), [("CI", "true"), ("TERM", "dumb"), ("TERM", "")])
def test_nothing_moves_in_logs_and_on_dumb_terminals(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(name, value)

    assert not terminal.wants_motion(Screen())


def test_a_file_and_a_closed_stream_are_no_terminals() -> None:
    closed = io.StringIO()
    closed.close()

    assert not terminal.is_terminal(io.StringIO())
    assert not terminal.is_terminal(closed)


@given(st.text())
def test_printable_text_holds_nothing_that_drives_a_terminal(text: str) -> None:
    shown = terminal.printable(text)

    assert all(character in "\n\t" or character.isprintable() or character.isspace() for character in shown)
    assert not any(ord(character) < 32 and character not in "\n\t" for character in shown)
    assert "\x7f" not in shown
    assert "\x9b" not in shown


@given(st.text(), st.integers(min_value=0, max_value=20))
def test_shortened_text_is_never_wider_than_asked(text: str, width: int) -> None:
    assert terminal.width_of(terminal.shortened(text, width)) <= width


def test_text_that_fits_is_left_alone() -> None:
    assert terminal.shortened("abc", 3) == "abc"
    assert terminal.shortened("abcd", 3) == "ab…"
