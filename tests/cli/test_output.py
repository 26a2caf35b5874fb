from __future__ import annotations

import io
import json
import math
import sys

import pytest

from mlproj.cli import output
from mlproj.cli.table import Column


def test_a_document_names_its_schema_first(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_document({"runs": []})

    assert capsys.readouterr().out == '{\n  "schema": 1,\n  "runs": []\n}\n'


def test_numbers_that_json_does_not_know_are_words(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_document({"x": [math.nan, math.inf, -math.inf, 1.5]})

    assert json.loads(capsys.readouterr().out)["x"] == ["NaN", "Infinity", "-Infinity", 1.5]


def test_no_secret_is_in_a_document_at_any_depth(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "abcdef123456")

    output.print_document({"a": {"b": ("https://u:hunter2@h", ["abcdef123456"])}, "c": None, "d": True})

    text = capsys.readouterr().out
    assert "hunter2" not in text
    assert "abcdef123456" not in text
    assert json.loads(text)["d"] is True


def test_a_document_may_name_files_whose_names_are_no_utf8(
    capsysbinary: pytest.CaptureFixture[bytes],
) -> None:
    output.print_document({"path": "caf\udce9.txt"})

    assert json.loads(capsysbinary.readouterr().out)["path"] == "caf\\udce9.txt"


def test_a_document_is_whole_where_unicode_cannot_be_written(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, "ascii"))

    output.print_document({"name": "東京"})
    output.print_lines("東")
    sys.stdout.flush()

    document, _brace, rest = raw.getvalue().decode("ascii").partition("}\n")
    assert json.loads(document + "}")["name"] == "東京"
    assert rest == "\\u6771\n"


def test_lines_cannot_drive_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_lines("a\x1b[2Jb")
    output.print_table((Column("A"),), [["\x1b[2J"]])

    assert "\x1b" not in capsys.readouterr().out


def test_a_table_is_cut_on_a_terminal_and_whole_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    class Screen(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setenv("COLUMNS", "10")
    columns, rows = (Column("A", narrowest=3),), [["0123456789abcdef"]]
    for stream, expected in ((Screen(), "A\n012345678…\n"), (io.StringIO(), "A\n0123456789abcdef\n")):
        monkeypatch.setattr(sys, "stdout", stream)
        output.print_table(columns, rows)
        assert stream.getvalue() == expected


def test_prose_is_broken_between_words_on_a_terminal_only(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = "a sentence of some words and https://example.org/a/long/address"
    output.print_prose(text, hanging=2)
    whole = capsys.readouterr().out
    monkeypatch.setattr(output, "width", lambda: 20)
    output.print_prose(text, hanging=2)

    assert whole == text + "\n"
    assert capsys.readouterr().out == "a sentence of some\n  words and\n  https://example.org/a/long/address\n"
