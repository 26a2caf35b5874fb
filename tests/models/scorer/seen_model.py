"""The code of the models of the tests: they answer with what they were asked with, or what a test wants encoded."""

from __future__ import annotations

import datetime
import decimal
import json
import math


class SeenModel:
    """Says what it sees: types, layout and values."""

    def predict(self, data, params=None):
        return {"data": seen(data), "params": seen(params)}


def seen(data):
    name = type(data).__name__
    if name == "DataFrame":
        return _frame(data)
    if name == "ndarray":
        return {"array": str(data.dtype), "shape": list(data.shape), "values": seen(data.tolist())}
    if isinstance(data, dict):
        return {str(key): seen(value) for key, value in data.items()}
    if isinstance(data, (list, tuple)):
        return [name, *map(seen, data)]
    return f"{name}: {data!r}"


def _frame(data):
    columns = [[repr(name), str(data.dtypes.iloc[n]), seen(data.iloc[:, n].tolist())] for n, name in enumerate(data)]
    values = data.to_numpy()
    layout = [values.flags.c_contiguous, values.flags.f_contiguous, str(values.dtype)]
    return {"columns": columns, "names": str(data.columns.dtype), "index": repr(data.index), "layout": layout}


class SumModel:
    """A row's numbers added up; independent of the other rows."""

    def predict(self, data):
        return data.select_dtypes("number").sum(axis=1).to_numpy()


class ShareModel:
    """A row's share of the whole: depends on the other rows."""

    def predict(self, data):
        return (data["a"] / data["a"].sum()).to_numpy()


class StrictModel:
    """Raises for negative numbers."""

    def predict(self, data):
        if (data["a"] < 0).any():
            raise ValueError("negative")
        return data["a"].to_numpy() * 2


class GivenModel:
    """Answers with the thing of the name that it is asked for in column `a`."""

    def predict(self, data):
        made = THINGS[data["a"][0]]
        return made()


def _numpy():
    import numpy

    return numpy


def _pandas():
    import pandas

    return pandas


def _raise(error):
    raise error


def _mlflow_error(**arguments):
    from mlflow.exceptions import MlflowException

    raise MlflowException("too hard", **arguments)


class Odd:
    pass


THINGS = {
    "double array": lambda: _numpy().array([1.5, 2.0, float("nan"), float("inf"), -float("inf"), 1e300, 1e-7]),
    "float array": lambda: _numpy().array([1.5, 0.1, float("nan")], dtype="float32"),
    "long array": lambda: _numpy().array([1, -(2**62)]),
    "boolean array": lambda: _numpy().array([True, False]),
    "text array": lambda: _numpy().array(["a", "é", "\U0001f600", '"\\\n']),
    "bytes array": lambda: _numpy().array([b"ab", b"c"]),
    "object array": lambda: _numpy().array(
        [1, "a", None, b"x", _numpy().float32(0.1), {"k": _numpy().int64(3)}], object
    ),
    "date array": lambda: _numpy().array(["2024-01-02", "NaT"], dtype="datetime64[ns]"),
    "microsecond array": lambda: _numpy().array(["2024-01-02T03:04:05", "NaT"], dtype="datetime64[us]"),
    "day array": lambda: _numpy().array(["2024-01-02"], dtype="datetime64[D]"),
    "matrix": lambda: _numpy().arange(6).reshape(2, 3) / 4,
    "no rows": lambda: _numpy().empty((0, 3)),
    "number array without dimension": lambda: _numpy().array(3.5),
    "complex array": lambda: _numpy().array([1j]),
    "list of arrays": lambda: [_numpy().array([1, 2]), _numpy().array([b"x"], object), _numpy().array([b"yy"])],
    "dictionary of arrays": lambda: {"p": _numpy().array([[0.25, 0.75]]), "label": _numpy().array(["a"])},
    "frame": lambda: _pandas().DataFrame({"x": [1, 2], "y": [0.5, None], "z": ["a", None], 3: [True, False]}),
    "frame of dates": lambda: _pandas().DataFrame({"t": _pandas().to_datetime(["2024-01-02 03:04:05.5", None])}),
    "frame of bytes": lambda: _pandas().DataFrame({"b": [b"ab", bytearray(b"c" * 100)]}),
    "frame of lists": lambda: _pandas().DataFrame({"l": [[1, 2], _numpy().array([0.5])], "d": [{"k": 1}, None]}),
    "frame of nullable": lambda: _pandas().DataFrame({"n": _pandas().array([1, 2], dtype="Int64")}),
    "frame with a missing nullable": lambda: _pandas().DataFrame({"n": _pandas().array([1, None], dtype="Int64")}),
    "frame of categories": lambda: _pandas().DataFrame({"c": _pandas().Categorical(["u", "v"])}),
    "frame with pairs as names": lambda: _pandas().DataFrame({("a", "b"): [1]}),
    "empty frame": lambda: _pandas().DataFrame({"x": []}),
    "series": lambda: _pandas().Series([1.5, None]),
    "named series": lambda: _pandas().Series(["a", "b"], name="label"),
    "series with an index": lambda: _pandas().Series([1, 2], index=["p", "q"], name="v"),
    "list": lambda: [1, 2.5, "é", None, True, [float("nan")]],
    "text": lambda: "some text",
    "number": lambda: 3,
    "none": lambda: None,
    "bytes": lambda: b"\x00\xff" * 60,
    "tuple": lambda: (1, (2, "x")),
    "numpy scalars": lambda: [_numpy().float32(0.1), _numpy().int8(3), _numpy().bool_(True), _numpy().str_("s")],
    "numpy date": lambda: [_numpy().datetime64("2024-01-02"), _numpy().datetime64("2024-01-02T00:00:00", "ns")],
    "dates": lambda: [datetime.date(2024, 1, 2), datetime.datetime(2024, 1, 2, 3), datetime.time(4, 5)],
    "timestamps": lambda: [_pandas().Timestamp("2024-01-02", tz="UTC"), _pandas().NaT],
    "dictionary": lambda: {"a": 1, 2: "b", None: 3, 1.5: 4, True: 5},
    "dictionary with numpy keys": lambda: {_numpy().int64(1): 2},
    "set": lambda: {1},
    "object": Odd,
    "decimal": lambda: decimal.Decimal("1.5"),
    "generator": lambda: (n for n in range(3)),
    "missing": lambda: [_pandas().NA],
    "itself": lambda: (lambda made: made.append(made) or made)([]),
    "not a number": lambda: math.nan,
    "raises": lambda: _raise(ValueError("so it is")),
    "raises an MLflow error": _mlflow_error,
    "raises an MLflow error with a code": lambda: _mlflow_error(error_code=1001),
    "raises an MLflow error with more": lambda: _mlflow_error(error_code=5, more="x"),
}
KINDS = {"seen": SeenModel, "sum": SumModel, "share": ShareModel, "strict": StrictModel, "given": GivenModel}


def _load_pyfunc(path):
    with open(path) as file:
        return KINDS[json.load(file)]()
