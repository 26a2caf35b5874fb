"""Run with the Python of an MLflow installation: what its `predict()` makes of data, and what ours makes of the same.

Arguments: the path of our launcher. Prints a JSON list with, of each case, its name, and both outcomes as text.
"""

from __future__ import annotations

import datetime
import decimal
import json
import runpy
import sys
import warnings


def column(kind, name=None, **more):
    return {"type": kind, **({} if name is None else {"name": name}), "required": True, **more}


def tensor(dtype, shape, name=None):
    return {
        "type": "tensor",
        "tensor-spec": {"dtype": dtype, "shape": shape},
        **({} if name is None else {"name": name}),
    }


KINDS = ("boolean", "integer", "long", "float", "double", "string", "binary", "datetime")
NUMBERS = (
    *("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("float16", "float32", "float64"),
)
NULLABLE = ("Int32", "Int64", "Float64")


def columns():
    """One column of every type that pandas and NumPy have."""
    import numpy as np
    import pandas as pd

    found = {dtype: np.array([0, 1], dtype=dtype) for dtype in NUMBERS}
    found.update({f"{dtype} 3": np.array([3, 5], dtype=dtype) for dtype in NUMBERS})
    found.update({f"nullable {dtype}": pd.array([3, 5], dtype=dtype) for dtype in NULLABLE})
    found.update({f"nullable {dtype} with NA": pd.array([3, None], dtype=dtype) for dtype in NULLABLE})
    found.update(
        {
            "float64 with NaN": np.array([1.0, np.nan]),
            "float64 broken with NaN": np.array([1.5, np.nan]),
            "texts": ["a", "b"],
            "objects that are texts": pd.Series(["a", None], dtype=object),
            "nullable booleans": pd.array([True, None], dtype="boolean"),
            "text type": pd.array(["a", None], dtype="string"),
            "fixed texts": np.array(["a", "bc"]),
            "bytes": [b"a", b"b"],
            "fixed bytes": np.array([b"a", b"bc"]),
            "mixed": [1, "a"],
            "Nones": [None, None],
            "booleans with None": [True, None],
            "numbers with None": pd.Series([1, None], dtype=object),
            "objects that are integers": pd.Series([1, 2], dtype=object),
            "objects that are doubles": pd.Series([1.5, 2], dtype=object),
            "texts of numbers": pd.Series(["1.5", "2"], dtype=object),
            "decimals": [decimal.Decimal("1.5"), decimal.Decimal(2)],
            "dates": [datetime.date(2024, 1, 2)] * 2,
            "times": [datetime.datetime(2024, 1, 2, 3)] * 2,
            "times with a zone": pd.to_datetime(["2024-01-02", "2024-01-03"], utc=True),
            "seconds": np.array(["2024-01-02", "2024-01-03"], "datetime64[s]"),
            "nanoseconds": np.array(["2024-01-02", "NaT"], "datetime64[ns]"),
            "texts of dates": pd.Series(["2024-01-02", "x"], dtype=object),
            "durations": np.array([1, 2], "timedelta64[s]"),
            "categories": pd.Categorical(["a", "b"]),
            "complex": np.array([1j, 2]),
            "lists": [[1.5], [2.5]],
            "dictionaries": [{"x": 1.5}, {"x": 2.5}],
        }
    )
    return found


def cases():
    """Name, inputs of the signature, parameters of the signature, and what makes the data."""
    import numpy as np
    import pandas as pd
    from scipy.sparse import csr_matrix

    for name, values in columns().items():
        for kind in KINDS:
            yield f"{name} for {kind}", [column(kind, "c")], lambda values=values: pd.DataFrame({"c": values})
    two = [column("double", "a"), column("long", "b")]
    array = [column("array", "v", items={"type": "double"}), column("double", "a", required=False)]
    point = {"x": {"type": "double", "required": True}, "s": {"type": "string", "required": False}}
    thing = [column("object", "o", properties=point)]
    unnamed = [column("double"), column("string")]
    named = [tensor("float64", [-1, 2], "x"), tensor("int64", [-1], "y")]
    several = {
        "a frame": lambda: pd.DataFrame({"b": [1], "a": [1.5], "z": ["x"]}, index=[7]),
        "columns missing": lambda: pd.DataFrame({"b": [1], "z": [1]}),
        "a dictionary of lists": lambda: {"a": [1.5], "b": [1]},
        "a dictionary of scalars": lambda: {"a": 1.5, "b": 1},
        "a dictionary of arrays": lambda: {"a": np.array([1.5]), "b": np.array([1])},
        "a dictionary of matrices": lambda: {"a": np.array([[1.5]]), "b": np.array([[1]])},
        "a dictionary of texts": lambda: {"a": ["x", "y"], "b": "z"},
        "a dictionary of uneven lists": lambda: {"a": [1.5], "b": [1, 2]},
        "a list of dictionaries": lambda: [{"a": 1.5, "b": 1}],
        "a list of lists": lambda: [[1.5, 1]],
        "a matrix": lambda: np.array([[1.5, 1]]),
        "a series": lambda: pd.Series([1.5], name="a"),
        "a number": lambda: 5,
        "nothing": lambda: None,
        "an empty frame": lambda: pd.DataFrame({"a": pd.Series([], dtype=float), "b": pd.Series([], dtype="int64")}),
        "columns twice": lambda: pd.DataFrame([[1.5, 2.5, 1]], columns=["a", "a", "b"]),
        "a set": lambda: {1},
    }
    for name, make in several.items():
        yield f"{name} for two columns", two, make
        yield f"{name} for unnamed columns", unnamed, make
        yield f"{name} for named tensors", named, make
        yield f"{name} for a tensor", [tensor("float64", [-1, 2])], make
        yield f"{name} for one column", [column("double", "a")], make
    nested = {
        "arrays": lambda: pd.DataFrame({"v": [[1.5], [2.5, 3.5]]}),
        "NumPy arrays": lambda: pd.DataFrame({"v": [np.array([1.5]), np.array([2], dtype="int32")]}),
        "arrays of integers": lambda: pd.DataFrame({"v": [[1, 5]]}),
        "a dictionary": lambda: {"v": [1.5, 2.5]},
        "an array of its own": lambda: pd.DataFrame({"v": [[1.5]], "a": [None]}),
    }
    for name, make in nested.items():
        yield f"{name} for an array", array, make
    for value in ({"x": 1.5}, {"x": np.float32(1.5), "s": None}, {"x": 1}, {"s": "a"}, {"x": 1.5, "t": 1}, None, 5):
        yield f"{value} for an object", thing, lambda value=value: pd.DataFrame({"o": [value]})
    tensors = {
        "float64": lambda: np.ones((3, 2)),
        "float32": lambda: np.ones((3, 2), "float32"),
        "flat": lambda: np.ones(3),
        "wide": lambda: np.ones((3, 3)),
        "sparse": lambda: csr_matrix(np.eye(2)),
        "objects": lambda: np.array([[1], [2, 3]], dtype=object),
        "a frame of numbers": lambda: pd.DataFrame(np.ones((3, 2))),
        "a frame of integers": lambda: pd.DataFrame(np.ones((3, 2), "int64")),
        "a frame of lists": lambda: pd.DataFrame({"x": [[1, 2], [3, 4]]}),
        "a frame of arrays": lambda: pd.DataFrame({"x": [np.ones(2), np.ones(2)]}),
        "a frame of uneven lists": lambda: pd.DataFrame({"x": [[1, 2], [3]]}),
        "a frame of matrices": lambda: pd.DataFrame({"x": [[[1, 2]], [[3, 4]]]}),
        "a dictionary": lambda: {"x": np.ones((2, 2)), "y": np.arange(2)},
        "a dictionary of lists": lambda: {"x": [[1, 2]], "y": [1]},
        "a dictionary with less": lambda: {"x": np.ones((2, 2))},
        "a frame of both": lambda: pd.DataFrame({"x": [[1, 2], [3, 4]], "y": [1.5, 2]}),
        "a list": lambda: [1.0, 2.0],
    }
    specs = {"a matrix": [tensor("float64", [-1, 2])], "named ones": named, "one named": named[:1]}
    specs.update({"a vector": [tensor("float64", [-1])], "a fixed one": [tensor("float64", [3, 2])]})
    specs.update({"objects": [tensor("object", [-1])], "ragged": [tensor("float64", [-1, -1])]})
    for spec_name, spec in specs.items():
        for name, make in tensors.items():
            yield f"tensor {name} for {spec_name}", spec, make


PARAMS = [
    {"name": "t", "type": "double", "default": 0.5, "shape": None},
    {"name": "n", "type": "integer", "default": 1, "shape": None},
    {"name": "d", "type": "datetime", "default": "2024-01-02", "shape": None},
    {"name": "ss", "type": "string", "default": ["a"], "shape": [-1]},
]


def param_cases():
    import numpy as np

    given = [np.float32(1.5), np.int64(2), np.int32(2), np.float64(2), np.bool_(True), 1, 2.5, "x", None, np.str_("s")]
    for name in ("t", "n"):
        yield from ({name: value} for value in given)
    yield from ({"d": value} for value in (datetime.date(2024, 1, 2), np.datetime64("2024-01-02T03"), "2024", 5))
    yield from ({"ss": value} for value in (np.array(["a", "b"]), ["a"], ("a",), np.array([["a"]]), [1]))
    yield from ({5: 1}, {}, None, {"t": 1, "other": 2}, [1])


def outcome(made, make):
    """What a function makes of data, or its error, as text."""
    try:
        return shown(made(make()))
    except Exception as error:
        return f"{getattr(error, 'error_code', None) or getattr(error, 'code', '?')}: {error}"


def shown(data):
    name = type(data).__name__
    if name == "DataFrame":
        cells = [[f"{type(cell).__name__} {cell!r}" for cell in data.iloc[:, n]] for n in range(data.shape[1])]
        return f"frame {list(data.columns)} {list(map(str, data.dtypes))} {data.index!r} {cells}"
    if name == "ndarray":
        return f"array {data.dtype} {data.shape} {data.tolist()}"
    if isinstance(data, dict):
        return {str(key): shown(value) for key, value in data.items()}
    return f"{name} {data!r}" if not hasattr(data, "toarray") else f"{name} {data.toarray().tolist()}"


def main(launcher):
    warnings.simplefilter("ignore")
    runpy.run_path(launcher)["load_package"]()
    found = [[name, *both(make, inputs)] for name, inputs, make in cases()]
    found += [[f"params {params!r}", *both_of_params(params)] for params in param_cases()]
    print(json.dumps(found))


def both(make, inputs):
    from mlflow.pyfunc import _validate_prediction_input
    from mlflow.types import Schema
    from mlproj_scorer.enforcement import enforce
    from mlproj_scorer.schema import parse_signature

    written = json.dumps(inputs)
    theirs, ours = Schema.from_json(written), parse_signature({"signature": {"inputs": written}}).inputs
    yield outcome(lambda data: _validate_prediction_input(data, None, theirs, None)[0], make)
    yield outcome(lambda data: enforce(ours, data), make)


def both_of_params(params):
    from mlflow.pyfunc import _validate_prediction_input
    from mlflow.types import ParamSchema
    from mlproj_scorer.params import enforce_params
    from mlproj_scorer.schema import parse_signature

    written = json.dumps(PARAMS)
    theirs, ours = ParamSchema.from_json(written), parse_signature({"signature": {"params": written}}).params
    yield outcome(lambda given: _validate_prediction_input(None, given, None, theirs)[1], lambda: params)
    yield outcome(lambda given: enforce_params(ours, given), lambda: params)


if __name__ == "__main__":
    main(*sys.argv[1:])
