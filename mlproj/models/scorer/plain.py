"""The short way for plain JSON: named scalar columns whose values already have the kinds of the signature.

Such a body needs neither pandas' guesses at types nor a cast and a check of each column, which take most of the
time of a small request. What is read here comes out as the long way (:mod:`.parsing`, :mod:`.enforcement`) would
have it, type for type and bit for bit; what is not plain is left to that.
"""

from __future__ import annotations

from itertools import chain
from typing import Any, Callable, NamedTuple, Sequence

from .datatype import BOOLEAN, DOUBLE, FLOAT, INTEGER, LONG, STRING, DataType
from .forms import INPUTS, INSTANCES, RECORDS, SPLIT
from .schema import ColSpec, Schema

_NUMBERS: frozenset[type] = frozenset((int, float, type(None)))
_EXACT = 2**53
"""Up to here an integer goes through a double to a float without being rounded twice."""


class Columns(NamedTuple):
    """The columns of one request: lists of Python's values, of one length."""

    names: tuple[str, ...]
    values: list[Sequence[Any]]
    rows: int


class PlainReader:
    """Reads the bodies for one schema."""

    def __init__(self, kinds: dict[str, DataType], required: frozenset[str]) -> None:
        self._kinds = kinds
        self._names = list(kinds)
        self._required = required
        self._indexes: dict[tuple[str, ...], Any] = {}

    def read(self, form: str, value: Any) -> Columns | None:
        """The columns in the order of the schema; None if they are not plain."""
        found = _READERS[form](self, value)
        if found is None or not found.rows or not self._required.issubset(found.names):
            return None
        for name, values in zip(found.names, found.values):
            types, fits = _PLAIN[self._kinds[name]]
            if not types.issuperset(map(type, values)) or not fits(values):
                return None
        return found

    def frame(self, requests: Sequence[Columns]) -> Any:
        """One data frame of the rows of several requests, all with the same columns."""
        import numpy as np
        import pandas as pd

        names = requests[0].names
        values = requests[0].values if len(requests) == 1 else [list(chain(*lists)) for lists in _by_column(requests)]
        kinds = {self._kinds[name] for name in names}
        if kinds == {DOUBLE} or kinds == {LONG}:
            # One block, laid out as that of a frame made of columns: linear algebra rounds by the layout.
            block = np.array(values, dtype=kinds.pop().to_numpy())
            return pd.DataFrame(block.T, columns=self._index(names), copy=False)
        return pd.DataFrame({name: _ARRAY[self._kinds[name]](column) for name, column in zip(names, values)})

    def _index(self, names: tuple[str, ...]) -> Any:
        import pandas as pd

        if names not in self._indexes:
            self._indexes[names] = pd.Index(list(names))
        return self._indexes[names]

    def split(self, value: Any) -> Columns | None:
        """`dataframe_split`, without an index."""
        if type(value) is not dict or value.keys() != {"columns", "data"}:
            return None
        columns, data = value["columns"], value["data"]
        if type(columns) is not list or type(data) is not list or set(map(type, data)) != {list}:
            return None
        if set(map(len, data)) != {len(columns)}:
            return None
        if columns == self._names:
            return Columns(tuple(columns), list(zip(*data)), len(data))
        if set(map(type, columns)) != {str} or len(set(columns)) != len(columns):
            return None
        return self._picked(dict(zip(columns, zip(*data))), len(data))

    def records(self, value: Any) -> Columns | None:
        """`dataframe_records`; each row has the same columns."""
        return self._rows(value, None)

    def instances(self, value: Any) -> Columns | None:
        """`instances`: rows, which have no other columns than those of the schema."""
        columns = self._rows(value, self._kinds.keys())
        return None if columns is None or self._has_odd_text(columns) else columns

    def inputs(self, value: Any) -> Columns | None:
        """`inputs`: columns, or rows."""
        if type(value) is list:
            # Of single values of these two types old versions of pandas make wider ones, which the check refuses.
            narrow = INTEGER in self._kinds.values() or FLOAT in self._kinds.values()
            return None if narrow else self.instances(value)
        if type(value) is not dict or set(map(type, value.values())) != {list}:
            return None
        lengths = set(map(len, value.values()))
        if len(lengths) != 1 or not value.keys() <= self._kinds.keys():
            return None
        columns = self._picked(value, lengths.pop())
        return None if self._has_odd_text(columns) else columns

    def _picked(self, columns: dict[str, Sequence[Any]], rows: int) -> Columns:
        names = tuple(name for name in self._names if name in columns)
        return Columns(names, [columns[name] for name in names], rows)

    def _rows(self, value: Any, allowed: Any) -> Columns | None:
        if type(value) is not list or set(map(type, value)) != {dict}:
            return None
        keys = value[0].keys()
        if any(row.keys() != keys for row in value) or (allowed is not None and not keys <= allowed):
            return None
        names = tuple(name for name in self._names if name in keys)
        return Columns(names, [[row[name] for row in value] for name in names], len(value))

    def _has_odd_text(self, columns: Columns) -> bool:
        """Text that NumPy, which the long way leads through here, does not keep or take."""
        return any(
            self._kinds[name] is STRING and any(type(text) is str and _is_odd(text) for text in values)
            for name, values in zip(columns.names, columns.values)
        )


_READERS: dict[str, Callable[[PlainReader, Any], Columns | None]] = {
    SPLIT: PlainReader.split,
    RECORDS: PlainReader.records,
    INPUTS: PlainReader.inputs,
    INSTANCES: PlainReader.instances,
}


def plain_reader(schema: Schema | None) -> PlainReader | None:
    """A reader for *schema*, if all of its columns are named and of a plain type."""
    if schema is None or schema.is_tensor_spec or not schema.has_input_names:
        return None
    kinds: dict[str, DataType] = {}
    for spec in schema.inputs:
        if not isinstance(spec, ColSpec) or spec.type not in _PLAIN or not spec.name or spec.name in kinds:
            return None
        kinds[spec.name] = spec.type  # type: ignore[assignment]
    return PlainReader(kinds, frozenset(schema.required_input_names()))


def _is_odd(text: str) -> bool:
    """Zero bytes at its end, or half of a surrogate pair."""
    return text.endswith("\0") or (not text.isascii() and any("\ud800" <= one <= "\udfff" for one in text))


def _by_column(requests: Sequence[Columns]) -> Any:
    return zip(*(request.values for request in requests))


def _always(_: Sequence[Any]) -> bool:
    return True


def _within(bits: int) -> Callable[[Sequence[Any]], bool]:
    limit = 2 ** (bits - 1)
    return lambda values: min(values) >= -limit and max(values) < limit


def _has_no_vast_integer(values: Sequence[Any]) -> bool:
    return all(type(value) is not int or -_EXACT <= value <= _EXACT for value in values)


_PLAIN: dict[Any, tuple[frozenset[type], Callable[[Sequence[Any]], bool]]] = {
    DOUBLE: (_NUMBERS, _always),
    FLOAT: (_NUMBERS, _has_no_vast_integer),
    LONG: (frozenset((int,)), _within(64)),
    INTEGER: (frozenset((int,)), _within(32)),
    BOOLEAN: (frozenset((bool,)), _always),
    STRING: (frozenset((str,)), _always),
}
"""Of each type the Python types of its values (exactly these: True is no number), and a further condition."""


def _of_type(dtype: str) -> Callable[[Sequence[Any]], Any]:
    def array(values: Sequence[Any]) -> Any:
        import numpy as np

        return np.array(values, dtype=dtype)

    return array


def _floats(values: Sequence[Any]) -> Any:
    import numpy as np

    with np.errstate(over="ignore"):  # what is too large becomes infinite
        return np.array(values, dtype="float64").astype("float32")


_ARRAY: dict[DataType, Callable[[Sequence[Any]], Any]] = {
    DOUBLE: _of_type("float64"),
    FLOAT: _floats,
    LONG: _of_type("int64"),
    INTEGER: _of_type("int32"),
    BOOLEAN: _of_type("bool"),
    STRING: list,  # of which pandas makes what it makes of texts
}
