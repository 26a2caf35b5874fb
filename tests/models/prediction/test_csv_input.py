"""A CSV file is cut between its records, whatever is in them."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlproj.models.prediction.inputs import csv_input
from mlproj.models.prediction.inputs.csv_input import CsvInput
from mlproj.models.prediction.inputs.opened_input import OpenedInput
from mlproj.models.prediction.request import InvalidData, PredictionRequest

CELL = st.text(st.sampled_from('ab",\n\r \té'), max_size=6)
ROWS = st.lists(st.tuples(CELL, CELL, CELL), max_size=8)


def parts(content: bytes, rows: int) -> list[bytes]:
    request = PredictionRequest("-", "-", "csv", "csv", rows=rows)
    opened = OpenedInput("data.csv", None, io.BytesIO(content))
    return [portion.buffers[0] for portion in CsvInput(request, opened, None).portions()]


def records(text: str) -> list[list[str]]:
    return [row for row in csv.reader(io.StringIO(text, newline="")) if row]


@settings(max_examples=300, deadline=None)
@given(ROWS, st.integers(1, 4), st.sampled_from(["\n", "\r\n"]), st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]))
def test_no_record_is_cut(rows: list[tuple[str, str, str]], portion: int, newline: str, quoting: int) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator=newline, quoting=quoting)  # type: ignore[arg-type]
    writer.writerows([("x", "y", "z"), *rows])
    found = parts(text.getvalue().encode(), portion)
    assert [row for part in found for row in records(part.decode())] == records(text.getvalue())[1:]


@pytest.mark.parametrize("rows", [1, 2, 3])
def test_quotes_within_a_field_are_letters(rows: int) -> None:
    lines = [b'5" pipe,12"', b'"a ""b""","c\nd"', b'x"y"z,"', b'q"']
    content = b"x,y\n" + b"\n".join(lines) + b"\n"
    assert b"".join(parts(content, rows)) == content[4:]
    assert [row for part in parts(content, rows) for row in records(part.decode())] == [
        ['5" pipe', '12"'],
        ['a "b"', "c\nd"],
        ['x"y"z', "\nq"],
    ]


def test_a_record_without_an_end_is_told_before_memory_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_input, "PORTION_BYTES", 1 << 21)
    for content in (b'x,y\n1,"' + b"a\n" * (1 << 21), b"x,y\n" + b"a" * (1 << 22)):
        with pytest.raises(InvalidData, match=r"data.csv:2: a record has more than"):
            parts(content, 10)
