"""Parts of the data that are judged by themselves: the values of a column, or quarters of its numbers."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from mlproj.foundation.dataclass import dataclass
from mlproj.foundation.errors import UsageError
from mlproj.models.evaluation.data_file import Data
from mlproj.models.evaluation.label import is_missing, ordered, text_of
from mlproj.models.evaluation.sample import Array

FEW = 30
"""Slices of fewer rows are marked: what is measured of them is mostly chance."""
MISSING = "(missing)"
_REST = "(other)"
_MOST_VALUES = 30
_MOST_DISTINCT_NUMBERS = 10
_QUANTILES = 4


@dataclass(frozen=True)
class Slice:
    """Rows with one ``value`` of a column; ``shown`` says more where the value is a name as Q1. ``rows`` is a mask."""

    column: str
    value: str
    shown: str
    rows: Array


def slices_of(data: Data, asked: str) -> list[Slice]:
    """The slices of a column, ``COLUMN`` or ``COLUMN:N`` with N quantiles of its numbers. Numbers with more than ten
    values are put into quarters; of more than thirty other values the rarer ones are one slice. Raises UsageError."""
    import numpy

    name, quantiles = _parsed(data, asked)
    column = data.column(name)
    missing = numpy.array([is_missing(one) for one in column.tolist()])
    if quantiles is None and _is_measured(column):
        quantiles = _QUANTILES
    found = _by_value(name, column, missing) if quantiles is None else _by_quantile(name, column, missing, quantiles)
    return [*found, *([Slice(name, MISSING, MISSING, missing)] if missing.any() else [])]


def _parsed(data: Data, asked: str) -> tuple[str, int | None]:
    name, colon, number = asked.rpartition(":")
    if asked in data.frame.columns or not colon or not number.isdecimal():
        return asked, None
    if not 2 <= int(number) <= _MOST_VALUES:
        raise UsageError(f"--slice {asked}: expected 2 to {_MOST_VALUES} quantiles")
    return name, int(number)


def _is_measured(column: Any) -> bool:
    return getattr(column.dtype, "kind", "O") in "iuf" and int(column.nunique()) > _MOST_DISTINCT_NUMBERS


def _by_value(name: str, column: Any, missing: Array) -> list[Slice]:
    import numpy

    texts = numpy.array([text_of(one) for one in column.tolist()], dtype=object)
    values, counts = numpy.unique(texts[~missing], return_counts=True)
    kept = [str(one) for one in values[numpy.argsort(-counts, kind="stable")][:_MOST_VALUES]]
    found = [Slice(name, value, value, (texts == value) & ~missing) for value in ordered(kept)]
    if len(values) > len(kept):
        rest = ~missing & ~numpy.isin(texts, kept)
        found.append(Slice(name, _REST, f"{_REST}: {len(values) - len(kept)} values", rest))
    return found


def _by_quantile(name: str, column: Any, missing: Array, quantiles: int) -> list[Slice]:
    import numpy
    import pandas

    numbers = pandas.to_numeric(column, errors="coerce").to_numpy(dtype=float, na_value=float("nan"))
    if not numpy.isfinite(numbers[~missing]).all() or missing.all():
        raise UsageError(f"--slice {name}:{quantiles}: its values are not all numbers")
    codes, edges = pandas.qcut(numbers, quantiles, labels=False, retbins=True, duplicates="drop")
    if len(edges) == 1:  # one value alone
        return [Slice(name, "Q1", f"Q1: {edges[0]:g}", ~missing)]
    return [
        Slice(name, f"Q{number + 1}", f"Q{number + 1}: {low:g} to {high:g}", codes == number)
        for number, (low, high) in enumerate(pairwise(edges))
    ]
