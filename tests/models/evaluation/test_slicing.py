from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from mlproj.foundation.errors import UsageError
from mlproj.models.evaluation import slicing
from mlproj.models.evaluation.data_file import Data


def slices(asked: str, **columns: list[Any]) -> dict[str, list[int]]:
    data = Data(Path("d.csv"), pd.DataFrame(columns), "0", 0)
    return {one.shown: one.rows.nonzero()[0].tolist() for one in slicing.slices_of(data, asked)}


def test_each_value_is_a_slice_and_so_are_the_missing_ones() -> None:
    assert slices("x", x=["b", "a", None, "b"]) == {"a": [1], "b": [0, 3], "(missing)": [2]}
    assert slices("x", x=[2, 10, 2]) == {"2": [0, 2], "10": [1]}
    assert slices("x", x=[True, False]) == {"false": [1], "true": [0]}


def test_many_numbers_are_put_into_quarters() -> None:
    found = slices("x", x=[float(one) for one in range(20)] + [float("nan")])
    assert list(found) == ["Q1: 0 to 4.75", "Q2: 4.75 to 9.5", "Q3: 9.5 to 14.25", "Q4: 14.25 to 19", "(missing)"]
    assert sum(map(len, found.values())) == 21


def test_the_number_of_quantiles_can_be_chosen_unless_a_column_is_named_so() -> None:
    assert list(slices("x:2", x=[1, 2, 3, 4])) == ["Q1: 1 to 2.5", "Q2: 2.5 to 4"]
    assert list(slices("x:2", **{"x:2": ["a"], "x": [1]})) == ["a"]
    with pytest.raises(UsageError, match="2 to 30 quantiles"):
        slices("x:1", x=[1])
    with pytest.raises(UsageError, match="not all numbers"):
        slices("x:2", x=["a", "b"])
    with pytest.raises(UsageError, match="no column 'y'"):
        slices("y", x=[1])


def test_one_value_alone_is_one_slice() -> None:
    assert slices("x:4", x=[5, 5, 5]) == {"Q1: 5": [0, 1, 2]}
    assert slices("x", x=[None, None]) == {"(missing)": [0, 1]}


def test_rare_values_beyond_thirty_are_one_slice() -> None:
    values = [f"v{one:02}" for one in range(40) for _ in range(2 if one < 30 else 1)]
    found = slices("x", x=values)
    assert len(found) == 31
    assert len(found["(other): 10 values"]) == 10


def test_names_are_taken_as_they_are() -> None:
    assert slices("x", x=["<script>", "a=b]", "\n"]) == {"\n": [2], "<script>": [0], "a=b]": [1]}
