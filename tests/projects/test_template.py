"""What in a command is a placeholder, and what is the shell's."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlproj.projects.template import Doubled, Field, Piece, Stray, Undeclared, parse


@pytest.mark.parametrize(
    ("command", "pieces"),
    [
        ("", []),
        ("t {a}", ["t ", Field("a", "{a}")]),
        ("{a}{b-c}", [Field("a", "{a}"), Field("b-c", "{b-c}")]),
        ("{a!r:>5} {a.x}", [Field("a", "{a!r:>5}"), " ", Field("a", "{a.x}")]),
        ("{1} {x y}", [Field("1", "{1}"), " ", Field("x y", "{x y}")]),
        ("{nope} {2} {}", [Undeclared("nope", "{nope}"), " {2} {}"]),
        (
            "${nope} ${a} $${a} \\${a}",
            ["${nope} ", Field("a", "{a}", shell_style=True), " $$", Field("a", "{a}"), " \\$", Field("a", "{a}")],
        ),
        ("{{a}} {{z}}", [Doubled("a"), "{a} {z}"]),
        ("{{{a}}}", ["{", Field("a", "{a}"), "}"]),
        ("{{ {a} }}", ["{ ", Field("a", "{a}"), " }"]),
        ('{"x": {"y": 1}}', ['{"x": {"y": 1}}']),
        ('{"x": {a}}', ['{"x": ', Field("a", "{a}"), "}"]),
        ("a}} }", ["a} ", Stray(), "}"]),
        ("{a:99999}", ["{a:99999}"]),
        ("{ä}", [Undeclared("ä", "{ä}")]),
    ],
)
def test_commands_are_taken_apart(command: str, pieces: list[Piece]) -> None:
    assert parse(command, ["a", "b-c", "1", "x y"]) == pieces


@given(st.text(alphabet="{}$\\a!: "))
def test_what_str_format_accepts_means_the_same(command: str) -> None:
    try:
        expected = command.format(a="V")
    except (ValueError, LookupError, AttributeError):
        return
    pieces = parse(command, ["a"])
    if any(isinstance(piece, Field) and piece.shell_style for piece in pieces):
        return
    assert (
        "".join(
            piece if isinstance(piece, str) else piece.token.format(a="V") if isinstance(piece, Field) else ""
            for piece in pieces
        )
        == expected
    )
