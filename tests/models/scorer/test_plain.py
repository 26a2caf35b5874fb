"""The short way for plain JSON comes out as the long way does, type for type and bit for bit."""

from __future__ import annotations

import json
from typing import Any

import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mlproj.models.scorer.errors import ScoringError
from mlproj.models.scorer.question import Question, Reader
from mlproj.models.scorer.schema import parse_signature

PLAIN: dict[str, st.SearchStrategy[Any]] = {
    "double": st.one_of(st.floats(), st.integers(), st.none()),
    "float": st.one_of(st.floats(), st.integers(), st.none()),
    "long": st.integers(-(2**63) - 1, 2**63),
    "integer": st.integers(-(2**31) - 1, 2**31),
    "boolean": st.booleans(),
    "string": st.one_of(st.text(), st.text(alphabet="a\0")),
}
ANYTHING = st.one_of(*PLAIN.values(), st.just("1.5"), st.just([1]), st.just(10**400), st.just("\ud800"))
FORMS = ("dataframe_split", "dataframe_records", "inputs", "inputs rows", "instances")


def reader_of(kinds: list[str], required: bool = True) -> Reader:
    columns = [{"name": f"c{n}", "type": kind, "required": required} for n, kind in enumerate(kinds)]
    return Reader(parse_signature({"signature": {"inputs": json.dumps(columns)}}))


def body_of(form: str, names: list[str], rows: list[list[Any]]) -> bytes:
    records = [dict(zip(names, row, strict=True)) for row in rows]
    value: Any = {
        "dataframe_split": {"columns": names, "data": rows},
        "inputs": {name: [row[n] for row in rows] for n, name in enumerate(names)},
    }.get(form, records)
    return json.dumps({form.split()[0]: value}).encode()


def read(reader: Reader, body: bytes) -> Question | None:
    try:
        return reader.read("application/json", body)
    except ScoringError:
        return None


def assert_same(short: Any, long: Any) -> None:
    pd.testing.assert_frame_equal(short, long, check_exact=True)
    assert short.columns.dtype == long.columns.dtype
    assert type(short.index) is type(long.index)
    assert short.to_numpy().flags.c_contiguous == long.to_numpy().flags.c_contiguous
    assert short.to_numpy().flags.f_contiguous == long.to_numpy().flags.f_contiguous


@st.composite
def requests(draw: st.DrawFn) -> tuple[list[str], str, list[str], list[list[Any]]]:
    kinds = draw(st.lists(st.sampled_from(sorted(PLAIN)), min_size=1, max_size=3))
    names = [f"c{n}" for n in range(len(kinds))]
    order = draw(st.permutations(range(len(kinds))))
    odd = draw(st.integers(0, 5)) == 0
    cells = [ANYTHING if odd else PLAIN[kinds[n]] for n in order]
    rows = draw(st.lists(st.tuples(*cells).map(list), min_size=1, max_size=3))
    return kinds, draw(st.sampled_from(FORMS)), [names[n] for n in order], rows


@pytest.mark.filterwarnings("ignore:overflow encountered in cast")
@settings(max_examples=200)
@example((["float"], "dataframe_split", ["c0"], [[2**55 + 1]]))
@example((["float"], "inputs", ["c0"], [[2**60 + 2**36 + 1], [0.5]]))
@example((["float"], "dataframe_split", ["c0"], [[1e300]]))
@example((["double"], "dataframe_split", ["c0"], [[10**400]]))
@example((["integer"], "inputs rows", ["c0"], [[1]]))
@example((["string"], "inputs", ["c0"], [["a\0"]]))
@example((["string"], "dataframe_records", ["c0"], [["\ud800"]]))
@given(requests())
def test_what_is_read_the_short_way_is_what_the_long_way_reads(
    request: tuple[list[str], str, list[str], list[list[Any]]],
) -> None:
    kinds, form, names, rows = request
    reader = reader_of(kinds)
    question = read(reader, body_of(form, names, rows))
    if question is None or question.columns is None:
        return
    assert reader.plain is not None
    try:
        short = reader.plain.frame([question.columns])
    except (OverflowError, UnicodeEncodeError):  # then it is read the long way, to say why as MLflow does
        with pytest.raises(ScoringError):
            reader.reread(question)
        return
    assert_same(short, reader.reread(question).data)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("kinds", [["double", "double"], ["long"], ["string", "boolean", "double"]])
def test_a_usual_body_is_read_the_short_way(form: str, kinds: list[str]) -> None:
    values = {"double": 1.5, "long": 7, "string": "x", "boolean": True}
    body = body_of(form, [f"c{n}" for n in range(len(kinds))], [[values[kind] for kind in kinds]] * 2)

    question = read(reader_of(kinds), body)

    assert question is not None
    assert question.columns is not None


def test_several_requests_become_the_frame_that_all_their_rows_at_once_are() -> None:
    kinds = ["double", "string", "long", "float"]
    names = ["c0", "c1", "c2", "c3"]
    reader = reader_of(kinds)
    rows: list[list[Any]] = [[1.5, "x", 1, 0.1], [None, "y", 2, 2], [3, "z", 3, None]]
    bodies = [
        body_of("dataframe_split", names, rows[:1]),
        body_of("inputs", names, rows[1:2]),
        body_of("dataframe_records", names, rows[2:]),
    ]
    columns = [question.columns for body in bodies if (question := read(reader, body)) and question.columns]
    whole = read(reader, body_of("dataframe_records", names, rows))

    assert len(columns) == 3
    assert reader.plain is not None
    assert whole is not None
    assert_same(reader.plain.frame(columns), reader.reread(whole).data)


def test_an_optional_column_may_be_missing() -> None:
    reader = reader_of(["double", "long"], required=False)

    question = read(reader, body_of("dataframe_split", ["c1"], [[5]]))

    assert question is not None
    assert question.columns is not None
    assert question.columns.names == ("c1",)
