"""Columns on their way to a worker become what pandas makes of the same file; and back."""

from __future__ import annotations

import datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlproj.models.prediction import arrow_arrays, arrow_columns
from mlproj.models.scorer.table import decoding, encoding
from mlproj.models.scorer.table.wire import padded

MOMENTS = [datetime.datetime(2024, 1, 2, 3, 4, 5), None, datetime.datetime(1960, 1, 1)]
ARRAYS = {
    **{f"{kind}": pa.array([1, 0, 100], getattr(pa, kind)()) for kind in ("int8", "int16", "int32", "int64")},
    **{f"{kind}": pa.array([1, 0, 100], getattr(pa, kind)()) for kind in ("uint8", "uint16", "uint32", "uint64")},
    "large unsigned": pa.array([2**64 - 1, 0, 1], pa.uint64()),
    "gaps": pa.array([1, None, 3]),
    "small gaps": pa.array([1, None, 3], pa.int8()),
    "no values": pa.array([None, None, None], pa.int64()),
    "half": pa.array(np.array([0.5, 1.5, 2.5], "float16")),
    "float": pa.array([0.5, None, float("inf")], pa.float32()),
    "double": pa.array([0.5, None, float("nan")]),
    "truths": pa.array([True, False, True]),
    "truths with gaps": pa.array([True, None, False]),
    "texts": pa.array(["", "é\0x", None]),
    "large texts": pa.array(["a", None, "b"], pa.large_string()),
    "text views": pa.array(["a", None, "a text that is long enough"], pa.string_view()),
    "bytes": pa.array([b"", b"\xff\0", None]),
    "byte views": pa.array([b"", b"\xff\0", None], pa.binary_view()),
    "fixed bytes": pa.array([b"ab", None, b"cd"], pa.binary(2)),
    "days": pa.array([datetime.date(2024, 1, 2), None, datetime.date(1, 1, 1)]),
    **{f"moments in {unit}": pa.array(MOMENTS, pa.timestamp(unit)) for unit in ("s", "ms", "us", "ns")},
    "moments of a zone": pa.array(MOMENTS, pa.timestamp("us", "Asia/Tokyo")),
    "spans": pa.array([datetime.timedelta(1), None, datetime.timedelta(0, 1)]),
    "times": pa.array([datetime.time(1, 2), None, datetime.time(3)]),
    "decimals": pa.array([Decimal("1.50"), None, Decimal("-0.01")]),
    "nothing": pa.nulls(3),
    "categories": pa.array(["x", None, "y"]).dictionary_encode(),
    "categories of numbers": pa.array([3, 1, 3]).dictionary_encode(),
    "lists": pa.array([[1.0, 2.0], [], None]),
    "lists of texts": pa.array([["a", None], [], None]),
    "lists of lists": pa.array([[[1, 2], []], [], None]),
    "large lists": pa.array([[1], None, [2, 3]], pa.large_list(pa.int64())),
    "fixed lists": pa.array([[1, 2], [3, 4], [5, 6]], pa.list_(pa.int64(), 2)),
    "structs": pa.array([{"p": "x", "q": 1}, {"p": None, "q": 2}, None]),
    "structs of lists": pa.array([{"p": [1, 2]}, {"p": []}, {"p": None}]),
}


def sent(table: pa.RecordBatch, **options: Any) -> pd.DataFrame:
    columns, buffers = arrow_columns.message_columns(table, **options)
    return decoding.frame(columns, table.num_rows, memoryview(b"".join(map(bytes, buffers))))


def comparable(frame: pd.DataFrame) -> list[Any]:
    """Values with arrays as lists, as two arrays are not simply equal."""

    def plain(value: Any) -> Any:
        if isinstance(value, np.ndarray | list):
            return [plain(one) for one in value]
        if isinstance(value, dict):
            return {name: plain(one) for name, one in value.items()}
        return None if value is None or value is pd.NaT or value != value else value

    return [repr([plain(value) for value in frame[name].tolist()]) for name in frame.columns]


@pytest.mark.parametrize("kind", ARRAYS)
@pytest.mark.parametrize("part", [slice(0, 3), slice(1, 3), slice(2, 3), slice(0, 0)], ids=str)
def test_a_column_becomes_what_pandas_makes_of_it(kind: str, part: slice) -> None:
    whole = pa.record_batch({"x": ARRAYS[kind], "y": pa.array([1, 2, 3])})
    batch = whole[part]
    gaps = ["x"] if ARRAYS[kind].null_count and pa.types.is_integer(ARRAYS[kind].type) else []
    ours, theirs = sent(batch, gaps=gaps), pa.table(whole).to_pandas()[part]
    assert comparable(ours) == comparable(theirs)
    if batch.num_rows == 3:
        assert str(ours["x"].dtype) == str(theirs["x"].dtype)


def test_maps_are_dictionaries_as_the_signature_wants_them() -> None:
    kind = pa.map_(pa.string(), pa.int64())
    batch = pa.record_batch({"x": pa.array([[("a", 1), ("b", 2)], [], None], kind)})
    assert sent(batch)["x"].tolist() == [{"a": 1, "b": 2}, {}, None]
    assert sent(batch[1:])["x"].tolist() == [{}, None]


def test_categories_are_told_apart_where_there_is_no_signature_only() -> None:
    batch = pa.record_batch({"x": ARRAYS["categories"]})
    assert sent(batch)["x"].dtype == "category"
    assert sent(batch, categories=False)["x"].dtype != "category"


@settings(max_examples=100, deadline=None)
@given(
    st.one_of(
        st.lists(st.one_of(st.none(), st.text(max_size=5)), max_size=5),
        st.lists(st.one_of(st.none(), st.binary(max_size=5)), max_size=5),
        st.lists(st.integers(-(2**63), 2**63 - 1), max_size=5),
        st.lists(st.floats(), max_size=5),
        st.lists(st.booleans(), max_size=5),
        st.lists(st.lists(st.integers(0, 9), max_size=3), max_size=5),
        st.lists(st.datetimes(datetime.datetime(1700, 1, 1), datetime.datetime(2200, 1, 1)), max_size=5).map(
            lambda found: pd.Series(found, dtype="datetime64[us]")
        ),
    )
)
def test_an_answer_comes_back_as_it_was(values: Any) -> None:
    described, buffers = encoding.column("x", values)
    body = memoryview(b"".join(map(bytes, padded(buffers))))
    ((name, array),) = arrow_arrays.arrays([described], body)
    expected = values.dt.to_pydatetime().tolist() if isinstance(values, pd.Series) and len(values) else list(values)
    assert name == "x"
    assert repr(array.to_pylist()) == repr(expected)
