"""Requests to models of every kind of signature: what MLflow's scoring server and ours are both asked."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, NamedTuple

JSON = "application/json"
CSV = "text/csv"
PARQUET = "application/vnd.apache.parquet"


class Case(NamedTuple):
    """One request; *model* names a signature of the table and what kind of model has it."""

    name: str
    model: str
    type: str | None
    body: bytes | dict[str, Any]


def column(kind: str, name: str | None = None, **more: Any) -> dict[str, Any]:
    named = {} if name is None else {"name": name}
    return {"type": kind, **named, "required": True, **more}


def tensor(dtype: str, shape: list[int], name: str | None = None) -> dict[str, Any]:
    named = {} if name is None else {"name": name}
    return {**named, "type": "tensor", "tensor-spec": {"dtype": dtype, "shape": shape}}


def param(name: str, kind: str, default: Any, shape: list[int] | None = None) -> dict[str, Any]:
    return {"name": name, "type": kind, "default": default, "shape": shape}


SCALARS = ("boolean", "integer", "long", "float", "double", "string", "binary", "datetime")
DOUBLES: dict[str, Any] = {"type": "array", "items": {"type": "double"}}
POINT: dict[str, Any] = {
    "type": "object",
    "properties": {
        "x": {"type": "double", "required": True},
        "label": {"type": "string", "required": False},
        "tags": {"type": "array", "items": {"type": "string"}, "required": False},
    },
}
SIGNATURES: dict[str, dict[str, Any] | None] = {
    "none": None,
    "ab": {"inputs": [column("double", "a"), column("long", "b")]},
    "doubles": {"inputs": [column("double", name) for name in "xyz"]},
    "longs": {"inputs": [column("long", name) for name in "xy"]},
    **{kind: {"inputs": [column(kind, "c")]} for kind in SCALARS},
    "all": {"inputs": [column(kind, kind) for kind in SCALARS]},
    "optional": {
        "inputs": [
            column("double", "a"),
            column("long", "n", required=False),
            column("string", "s", required=False),
            column("double", "d", required=False),
        ]
    },
    "only optional": {"inputs": [column("double", "a", required=False), column("boolean", "b", required=False)]},
    "unnamed": {"inputs": [column("double"), column("long")]},
    "unnamed text": {"inputs": [column("string")]},
    "first": {"inputs": [{"name": "a", "type": "double"}, {"name": "s", "type": "string"}]},
    "array": {"inputs": [column("array", "v", items={"type": "double"}), column("long", "n")]},
    "array alone": {"inputs": [column("array", "v", items={"type": "long"})]},
    "array old": {"inputs": [{"type": "array", "items": {"type": "string"}, "name": "v"}]},
    "matrix": {"inputs": [column("array", "m", items=DOUBLES)]},
    "object": {"inputs": [{**POINT, "name": "p", "required": True}]},
    "objects": {"inputs": [column("array", "ps", items=POINT, required=False), column("double", "a")]},
    "map": {"inputs": [column("map", "m", values={"type": "double"})]},
    "map of arrays": {"inputs": [column("map", "m", values={"type": "array", "items": {"type": "string"}})]},
    "any": {"inputs": [column("any", "w"), column("double", "a")]},
    "unnamed array": {"inputs": [column("array", items={"type": "string"})]},
    "tensor": {"inputs": [tensor("float64", [-1, 3])]},
    "tensor integers": {"inputs": [tensor("int32", [-1])]},
    "tensor texts": {"inputs": [tensor("str", [-1])]},
    "tensor cube": {"inputs": [tensor("float32", [-1, 2, 2])]},
    "tensor fixed": {"inputs": [tensor("float64", [2, 2])]},
    "tensor objects": {"inputs": [tensor("object", [-1])]},
    "tensor free": {"inputs": [tensor("float64", [-1, -1, 2])]},
    "tensor booleans": {"inputs": [tensor("bool", [-1, 2])]},
    "tensor bytes": {"inputs": [tensor("bytes", [-1], "b")]},
    "tensor named": {"inputs": [tensor("float64", [-1, 2], "x")]},
    "tensors": {"inputs": [tensor("float32", [-1, 2], "x"), tensor("int64", [-1, 1], "y")]},
    "params": {
        "inputs": [column("double", "a")],
        "params": [
            param("t", "double", 0.5),
            param("f", "float", 0.25),
            param("n", "integer", 1),
            param("l", "long", 2),
            param("s", "string", "x"),
            param("b", "boolean", False),
            param("d", "datetime", "2024-01-02T00:00:00"),
            param("ns", "long", [1, 2], [-1]),
            param("ss", "string", ["a"], [-1]),
            param("none", "string", None),
        ],
    },
    "params no inputs": {"params": [param("t", "double", 0.5), param("max", "long", 9)]},
    "object param": {
        "inputs": [column("double", "a")],
        "params": [
            {
                "name": "o",
                "type": "object",
                "properties": {"k": {"type": "long", "required": True}},
                "default": {"k": 1},
                "shape": None,
            }
        ],
    },
    "hint": {"inputs": [column("long")]},
    "chat": {"inputs": [column("array", "messages", items=POINT), column("double", "temperature", required=False)]},
    "prompt": {"inputs": [column("string", "prompt")]},
    "given": {"inputs": [column("string", "a")]},
}
EXAMPLES: dict[str, Any] = {"texts": ["x"], "rows": [{"a": "x"}], "row": {"a": "x"}, "text": "x"}
SIGNATURES.update({f"example of {name}": {"inputs": [column("string", "a")]} for name in EXAMPLES})
MORE: dict[str, dict[str, Any]] = {
    "hint": {"is_signature_from_type_hint": True},
    **{
        f"example of {name}": {
            "is_signature_from_type_hint": False,
            "type_hint_from_example": True,
            "saved_input_example_info": {"artifact_path": "input_example.json", "type": "json_object"},
            "files": {"input_example.json": value},
        }
        for name, value in EXAMPLES.items()
    },
}
KIND = {"given": "given"}

Values = list[Any]


def json_body(document: Any) -> bytes:
    return document if isinstance(document, bytes) else json.dumps(document).encode()


def in_all_forms(columns: dict[str, Values]) -> Iterator[tuple[str, bytes]]:
    """The same columns in each form of a JSON body."""
    rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    split = {"columns": list(columns), "data": [list(row.values()) for row in rows]}
    for form, value in {
        "dataframe_split": split,
        "dataframe_records": rows,
        "inputs": columns,
        "inputs rows": rows,
        "instances": rows,
        "instances columns": columns,
    }.items():
        yield form, json_body({form.split()[0]: value})


COLUMNS: dict[str, list[dict[str, Values]]] = {
    "none": [{"a": [1.5, 2], "s": ["x", "y"]}, {"a": [None, 1], "l": [[1, 2], [3]]}, {"a": [{"k": 1}, {"k": 2}]}],
    "ab": [
        {"a": [1.5, 2.5], "b": [1, 2]},
        {"b": [1], "a": [1.5]},
        {"a": [1], "b": [2]},
        {"a": [1, 2.5], "b": [2**62, -1]},
        {"a": [2**70, -(2**60)], "b": [1, 2]},
        {"a": [10**400], "b": [1]},
        {"a": [1.5], "b": [2**63]},
        {"a": [1.5], "b": [2**64]},
        {"a": [1.5], "b": [2.5]},
        {"a": ["1.5"], "b": ["2"]},
        {"a": ["x"], "b": [1]},
        {"a": [True, False], "b": [True, False]},
        {"a": [True, 2.5], "b": [1, True]},
        {"a": [None, 1.0], "b": [1, 2]},
        {"a": [None, 1], "b": [1, 2]},
        {"a": [None, None], "b": [1, 2]},
        {"a": [1.5], "b": [None]},
        {"a": [1.5, 2], "b": [None, 1]},
        {"a": [1.5]},
        {"b": [1], "c": [3]},
        {"a": [1.5], "b": [1], "extra": ["x"]},
        {"a": [1.5], "b": [1], "extra": [{"k": [1]}]},
        {"a": [[1.5]], "b": [1]},
        {"a": [{"k": 1}], "b": [1]},
        {"a": ["NaN", "inf"], "b": ["1", "2"]},
    ],
    "doubles": [{"x": [1.5, -0.0], "y": [2.5, 1e-320], "z": [3, 4]}, {"z": [1.0], "y": [2.0], "x": [3.0]}],
    "longs": [{"x": [1, 2], "y": [3, 4]}],
    "boolean": [{"c": [values]} for values in (True, 1, 0, "false", "", 0.5, None, [1])] + [{"c": [True, None]}],
    "integer": [{"c": [value]} for value in (1, 2**31 - 1, 2**31, -(2**31), -(2**31) - 1, 2.5, "7", True, None, 2**70)]
    + [{"c": [1, 2.0]}],
    "long": [{"c": [value]} for value in (1, 2**53 + 1, 2.5, 1e300, "7", "7.5", True, None)] + [{"c": [1, None]}],
    "float": [{"c": [value]} for value in (1.5, 0.1, 1e300, -1e300, 1, 2**24 + 1, 2**60 + 1, "0.1", None, True)]
    + [{"c": [0.1, 1]}, {"c": [2**55 + 1, 2**55 + 1]}, {"c": [None, 2]}, {"c": [2**70]}],
    "double": [{"c": [value]} for value in (1.5, 2**53 + 1, 1e300, "1e5", None)],
    "string": [{"c": [value]} for value in ("x", "", 5, 1.5, None, True, "é\U0001f600", "a\x00", "\x00", "\x00b", [1])]
    + [{"c": ["x", None]}, {"c": ["x", 5]}, {"c": [5, 6]}, {"c": [None, None]}, {"c": ["nan", "None"]}],
    "binary": [{"c": [value]} for value in ("aGVsbG8=", "aGVsbG8=\n", "!!", "", 5, None, "a")],
    "datetime": [
        {"c": [value]}
        for value in (
            *("2024-01-02", "2024-01-02T03:04:05", "2024-01-02T03:04:05.123456789", "2024-01-02T03:04:05Z"),
            *("2024-01-02T03:04:05+02:00", 1700000000, 1.5, None, "x", True, "", "01/02/2024", "NaT"),
        )
    ]
    + [{"c": ["2024-01-02", "2024-01-03T00:00:00"]}, {"c": ["2024-01-02", None]}, {"c": ["2024-01-02", 5]}],
    "all": [
        {
            "boolean": [True, False],
            "integer": [1, 2],
            "long": [3, 4],
            "float": [0.5, 0.1],
            "double": [0.1, 2],
            "string": ["x", "y"],
            "binary": ["aGVsbG8=", "aGVsbG8="],
            "datetime": ["2024-01-02", "2024-01-03"],
        }
    ],
    "optional": [
        {"a": [1.5]},
        {"a": [1.5], "n": [None]},
        {"a": [1.5], "n": [1]},
        {"a": [1.5, 2.5], "s": [None, "x"]},
        {"a": [1.5], "s": ["x"], "d": [None]},
        {"a": [1.5], "s": [None], "d": [2]},
        {"n": [1]},
    ],
    "only optional": [{"a": [1.5]}, {"b": [True]}, {"other": [1]}, {"b": [None], "a": [None]}],
    "unnamed": [{"p": [1.5], "q": [2]}, {"p": [1.5], "q": [2], "r": [3]}, {"p": [1.5]}, {"q": [1], "p": [2]}],
    "unnamed text": [{"t": ["x", "y"]}, {"t": [5]}],
    "first": [{"a": [1.5], "s": ["x"]}, {"s": ["x"], "a": [None]}],
    "array": [
        {"v": [[1.5, 2.5], [3.0, 4.0]], "n": [1, 2]},
        {"v": [[1.5], [1.0, 2.0]], "n": [1, 2]},
        {"v": [[1, 2]], "n": [1]},
        {"v": [[]], "n": [1]},
        {"v": [[None]], "n": [1]},
        {"v": [None], "n": [1]},
        {"v": [1.5], "n": [1]},
        {"v": [["x"]], "n": [1]},
        {"v": [[1.5, None]], "n": [1]},
    ],
    "array alone": [{"v": [[1, 2], [3, 4]]}, {"v": [[1], [2, 3]]}, {"v": [[1.5]]}],
    "array old": [{"v": [["a", "b"], ["c"]]}, {"v": [None]}, {"v": [[]]}],
    "matrix": [{"m": [[[1.5, 2.5], [3.5, 4.5]]]}, {"m": [[1.5]]}, {"m": [[[1.5], [2.5, 3.5]]]}],
    "object": [
        {"p": [{"x": 1.5}]},
        {"p": [{"x": 1.5, "label": "a", "tags": ["t"]}, {"x": 2.5}]},
        {"p": [{"x": 1}]},
        {"p": [{"label": "a"}]},
        {"p": [{"x": 1.5, "other": 1}]},
        {"p": [{"x": 1.5, "label": None, "tags": None}]},
        {"p": [{"x": 1.5, "tags": []}]},
        {"p": [None]},
        {"p": ["x"]},
        {"p": [{"x": 1.5, "label": 5}]},
    ],
    "objects": [
        {"a": [1.5], "ps": [[{"x": 1.5}, {"x": 2.5, "label": "b"}]]},
        {"a": [1.5]},
        {"a": [1.5], "ps": [None]},
        {"a": [1.5], "ps": [[]]},
        {"a": [1.5], "ps": [[{"y": 1}]]},
    ],
    "map": [{"m": [{"u": 1.5}]}, {"m": [{}]}, {"m": [{"u": 1}]}, {"m": [{"u": "x"}]}, {"m": [None]}, {"m": [5]}],
    "map of arrays": [{"m": [{"u": ["a"]}, {"v": []}]}, {"m": [{"u": "a"}]}],
    "any": [{"w": [1, "x"], "a": [1.5, 2.5]}, {"w": [None], "a": [1.5]}, {"w": [{"k": [1]}], "a": [1.5]}],
    "unnamed array": [{"v": [["a", "b"]]}],
    "tensor": [
        {"x": [1.5, 2], "y": [1, 2], "z": [1, 2]},
        {"x": [[1.5, 2, 3]]},
        {"x": [1.5], "y": [2]},
        {"x": [[[1.5, 2, 3]]]},
        {"x": ["a"], "y": [1], "z": [2]},
    ],
    "tensor integers": [{"x": [1, 2]}, {"x": [1.5]}],
    "tensor texts": [{"x": ["a", "bc"]}],
    "tensor cube": [{"x": [[1, 2, 3, 4]]}, {"x": [[[1, 2], [3, 4]]]}],
    "tensor bytes": [{"b": ["ab", "c"]}],
    "tensor named": [{"x": [[1.5, 2.5], [3, 4]]}, {"x": [[1, 2]], "extra": [1]}, {"y": [[1, 2]]}, {"x": [[1], [2, 3]]}],
    "tensors": [
        {"x": [[1.5, 2], [3, 4]], "y": [[1], [2]]},
        {"x": [[1.5, 2]], "y": [[2.5]]},
        {"x": [[1.5, 2]], "y": [["7"]]},
        {"x": [[1.5, 2]]},
        {"x": [[1.5, 2]], "y": [1]},
        {"x": [[1.5, 2]], "y": [[1]], "extra": [1]},
    ],
    "hint": [{"c": [1]}],
    **{f"example of {name}": [{"a": ["x"]}, {"a": ["x", "y"]}] for name in ("texts", "rows", "row", "text")},
}

BODIES: dict[str, list[Any]] = {
    "none": [
        {"inputs": [1, 2]},
        {"inputs": [[1.5, 2], [3, 4]]},
        {"inputs": [[1], [2, 3]]},
        {"inputs": 5},
        {"inputs": "x"},
        {"inputs": None},
        {"inputs": []},
        {"inputs": {}},
        {"inputs": {"a": 1}},
        {"instances": [1, 2]},
        {"instances": []},
        {"instances": "x"},
        {"instances": [{"a": 1}, {"a": 2, "b": 3}]},
        {"instances": [{"a": 1}, 5]},
        {"inputs": [{"a": 1}, 5]},
        {"dataframe_split": {"data": [[1, 2]]}},
        {"dataframe_records": []},
        {"dataframe_split": {"data": []}},
        {"messages": [{"role": "user", "content": "hi"}]},
        {"prompt": "x", "max": 3},
        {"input": ["x"], "params": {"t": 1}},
        {"inputs": [1], "messages": 5},
        {"inputs": [1], "params": {"t": 1}},
        {"inputs": [1], "params": 5},
    ],
    "ab": [
        {"dataframe_split": {"data": [[1.5, 2]]}},
        {"dataframe_split": {"columns": ["a", "b"], "data": [[1.5, 2]], "index": [7]}},
        {"dataframe_split": {"columns": ["a", "b"], "data": [[1.5, 2], [2, 3]], "index": ["p", "q"]}},
        {"dataframe_split": {"columns": ["a", "b"], "data": [[1.5, 2]], "index": None}},
        {"dataframe_split": {"columns": ["a", "b"], "data": [[1.5, 2]], "index": [1, 2]}},
        {"dataframe_split": {"columns": ["a", "b"], "data": [[1.5, 2]], "more": 1}},
        {"dataframe_split": {"columns": ["a", "b"]}},
        {"dataframe_split": {"columns": ["a", "b"], "data": []}},
        {"dataframe_split": {"columns": ["a", "b"], "data": [[]]}},
        {"dataframe_split": {"columns": ["a", "b"], "data": [[1.5]]}},
        {"dataframe_split": {"columns": ["a", "b"], "data": [[1.5, 2], [1.5]]}},
        {"dataframe_split": {"columns": ["a", "b"], "data": [[1.5, 2, 3]]}},
        {"dataframe_split": {"columns": ["a", "b"], "data": [1.5, 2]}},
        {"dataframe_split": {"columns": ["a", "b"], "data": 5}},
        {"dataframe_split": {"columns": ["a", "b"], "data": None}},
        {"dataframe_split": {"columns": ["a", "b", "a"], "data": [[1.5, 2, 3]]}},
        {"dataframe_split": {"columns": ["b", "x", "x", "a"], "data": [[1, 2, 3, 4.5]]}},
        {"dataframe_split": {"columns": ["a", 5, "b"], "data": [[1.5, 0, 2]]}},
        {"dataframe_split": {"columns": "ab", "data": [[1.5, 2]]}},
        {"dataframe_split": {"columns": ["a", "b"], "data": [{"a": 1.5, "b": 2}]}},
        {"dataframe_split": {"columns": ["a", "b"], "data": {"a": [1.5], "b": [2]}}},
        {"dataframe_split": []},
        {"dataframe_split": "x"},
        {"dataframe_split": None},
        {"dataframe_split": {}},
        {"dataframe_records": {}},
        {"dataframe_records": "x"},
        {"dataframe_records": None},
        {"dataframe_records": []},
        {"dataframe_records": [{}]},
        {"dataframe_records": [[1.5, 2]]},
        {"dataframe_records": [1, 2]},
        {"dataframe_records": [{"a": 1.5, "b": 2}, {"a": 2.5}]},
        {"dataframe_records": [{"a": 1.5, "b": 2}, {"b": 3}]},
        {"dataframe_records": [{"a": 1.5, "b": 2}, {"b": 3, "a": 1}]},
        {"dataframe_records": [{"a": 1.5, "b": 2}, {"b": 3, "a": 1, "c": 5}]},
        {"dataframe_records": [{"a": 1.5, "b": 2}, None]},
        {"inputs": {"a": 1.5, "b": 2}},
        {"inputs": {"a": [1.5], "b": [1, 2]}},
        {"inputs": {"a": [], "b": []}},
        {"inputs": {"a": [1.5], "b": 2}},
        {"inputs": {"a": [1.5, 2.5], "b": [1, 2], "c": [1]}},
        {"inputs": [[1.5, 2]]},
        {"inputs": [1.5, 2]},
        {"inputs": []},
        {"inputs": {}},
        {"inputs": 5},
        {"inputs": "x"},
        {"inputs": None},
        {"inputs": [{"a": 1.5, "b": 2}, {"a": 1.5}]},
        {"inputs": [{"a": 1.5, "b": 2}, 5]},
        {"instances": [[1.5, 2]]},
        {"instances": [{"a": 1.5, "b": 2}, {"b": 2}]},
        {"instances": [{"a": 1.5, "b": 2, "c": 3}]},
        {"instances": []},
        {"instances": {}},
        {"instances": {"a": [1.5], "b": [1, 2]}},
        {"instances": 5},
        {"instances": None},
        {"inputs": {"a": [1.5], "b": [1]}, "instances": []},
        {"inputs": {"a": [1.5], "b": [1]}, "dataframe_split": {"columns": ["a", "b"], "data": [[1.5, 2]]}},
        {"columns": ["a", "b"], "data": [[1.5, 2]]},
        {"dataframe_split": {"columns": ["a", "b"], "data": [[1.5, 2]]}, "signature_name": "x", "further": 1},
        {"dataframe_split": {"columns": ["a", "b"], "data": [[1.5, 2]]}, "params": {"t": 1}},
        {"dataframe_split": {"columns": ["a", "b"], "data": [[1.5, 2]]}, "params": 5},
        {"dataframe_split": {"columns": ["a", "b"], "data": [[1.5, 2]]}, "params": None},
        {"dataframe_split": {"columns": ["a", "b"], "data": [[1.5, 2]]}, "messages": []},
        {"prompt": "x"},
        {"a": 1.5, "b": 2},
        {},
        [],
        [{"a": 1.5, "b": 2}],
        5,
        "x",
        None,
        True,
        b"",
        b"{",
        b"nonsense",
        b'{"dataframe_split": {"columns": ["a", "b"], "data": [[1.5, 2]]}} {}',
        b'\xff\xfe{"a"',
        b'{"inputs": "\xff"}',
        b'\xef\xbb\xbf{"dataframe_split": {"columns": ["a", "b"], "data": [[1.5, 2]]}}',
        '{"dataframe_split": {"columns": ["a", "b"], "data": [[1.5, 2]]}}'.encode("utf-16"),
        b'{"dataframe_split": {"columns": ["a", "b"], "data": [[NaN, 2], [Infinity, 3], [-Infinity, 4], [1e400, 5]]}}',
        b'{"dataframe_records": [{"a": NaN, "b": 2}]}',
        b'{"inputs": {"a": [NaN, Infinity], "b": [1, 2]}}',
        b'{"dataframe_records": [{"a": 1.5, "b": NaN}]}',
        b'{"dataframe_records": [{"a": 1, "a": 2, "b": 3}]}',
    ],
    "string": [
        b'{"dataframe_records": [{"c": "\\ud800"}]}',
        b'{"dataframe_split": {"columns": ["c"], "data": [["\\udfff"]]}}',
        b'{"inputs": {"c": ["\\ud800"]}}',
        {"inputs": ["x", "y"]},
        {"inputs": "x"},
        {"inputs": {"c": "x"}},
        {"instances": ["x", "y"]},
        {"inputs": {"c": []}},
    ],
    "long": [{"inputs": [1, 2]}, {"inputs": 5}, {"inputs": {"c": 5}}, {"instances": [1, 2]}, {"inputs": [[1, 2]]}],
    "double": [{"inputs": [1.5]}, {"inputs": {"c": [[1.5]]}}, {"instances": {"c": 1.5}}],
    "optional": [{"dataframe_records": [{"a": 1.5}, {"a": 1.5, "n": 2}]}, {"inputs": {"a": [1.5], "d": []}}],
    "unnamed": [
        {"dataframe_split": {"data": [[1.5, 2]]}},
        {"inputs": [[1.5, 2]]},
        {"inputs": {"p": [1.5]}},
        {"inputs": 5},
        {"dataframe_records": [[1.5, 2]]},
        {"dataframe_split": {"data": [[1, 2.5]]}},
    ],
    "unnamed text": [{"inputs": ["x", "y"]}, {"inputs": "x"}, {"inputs": [5]}, {"instances": ["x"]}],
    "array": [{"inputs": {"v": [1.5, 2.5], "n": 1}}, {"inputs": {"v": [1.5], "n": [1]}}],
    "array alone": [{"inputs": [1, 2]}, {"inputs": {"v": [1, 2]}}, {"inputs": [[1, 2]]}, {"instances": [[1, 2]]}],
    "object": [{"inputs": {"p": {"x": 1.5}}}, {"inputs": {"x": 1.5}}],
    "map": [{"inputs": {"m": {"u": 1.5}}}],
    "any": [{"inputs": {"w": [1], "a": 1.5}}],
    "unnamed array": [{"inputs": ["a", "b"]}, {"inputs": [["a", "b"]]}],
    "tensor": [
        {"inputs": [[1.5, 2, 3], [4, 5, 6]]},
        {"inputs": [["1", "2", "3"]]},
        {"inputs": [[1, 2]]},
        {"inputs": [1, 2, 3]},
        {"inputs": [[1, 2], [3]]},
        {"inputs": []},
        {"inputs": 5},
        {"inputs": None},
        {"inputs": [[None, 1, 2]]},
        {"inputs": [["x", 1, 2]]},
        {"inputs": {"x": [[1, 2, 3]]}},
        {"instances": [[1, 2, 3]]},
        {"instances": [{"x": 1}]},
        {"dataframe_split": {"data": [[1, 2, 3]]}},
        {"dataframe_split": {"data": []}},
        {"dataframe_records": [[1, 2, 3]]},
        b'{"inputs": [[NaN, Infinity, 1]]}',
    ],
    "tensor integers": [
        {"inputs": [1, 2]},
        {"inputs": [1.5]},
        {"inputs": [2**31]},
        {"inputs": ["5"]},
        {"inputs": [[1]]},
    ],
    "tensor texts": [{"inputs": ["a", "bcd"]}, {"inputs": [5]}, {"inputs": [None]}, {"instances": ["a"]}],
    "tensor cube": [{"inputs": [[[1, 2], [3, 4]]]}, {"inputs": [[1, 2, 3, 4]]}],
    "tensor fixed": [
        {"inputs": [[1, 2], [3, 4]]},
        {"inputs": [[1, 2]]},
        {"dataframe_split": {"data": [[1, 2], [3, 4]]}},
    ],
    "tensor objects": [{"inputs": [1, "x", None]}, {"inputs": [[1], [2, 3]]}],
    "tensor free": [{"inputs": [[[1, 2]]]}, {"inputs": [[[1, 2]], [[1, 2], [3, 4]]]}],
    "tensor booleans": [{"inputs": [[True, False]]}, {"inputs": [[0, 2]]}, {"inputs": [["", "x"]]}],
    "tensor bytes": [{"inputs": {"b": ["ab"]}}, {"inputs": ["ab"]}],
    "tensor named": [
        {"inputs": [[1, 2]]},
        {"inputs": {"x": [1, 2]}},
        {"instances": [[1, 2]]},
        {"instances": [{"x": [1, 2]}]},
    ],
    "tensors": [
        {"inputs": {"x": [[1, 2]], "y": [[1], [2]]}},
        {"instances": [{"x": [1, 2], "y": [3]}, {"x": [4, 5], "y": [6]}]},
        {"instances": [{"x": [1, 2], "y": [3]}, {"x": [4, 5]}]},
        {"inputs": [[1, 2]]},
    ],
    "params": [
        {"inputs": {"a": [1.5]}, "params": params}
        for params in (
            *({}, None, 5, "x", [], {"unknown": 1}, {"t": 1}, {"t": 2.5}, {"t": "x"}, {"t": None}, {"t": True}),
            *({"t": [1]}, {"f": 0.1}, {"f": 1}, {"n": 5}, {"n": 5.0}, {"n": True}, {"n": 2**40}, {"n": None}, {"l": 5}),
            *({"l": 2**70}, {"l": 1.5}, {"s": "y"}, {"s": 5}, {"s": None}, {"b": True}, {"b": 1}, {"b": "true"}),
            *({"d": "2025-01-02"}, {"d": "2025-01-02T03:04:05"}, {"d": 5}, {"d": "x"}, {"d": None}, {"ns": [3]}),
            *({"ns": 3}, {"ns": []}, {"ns": [1.5]}, {"ns": [[1]]}, {"ns": None}, {"ss": ["p", "q"]}, {"ss": "p"}),
            *({"ss": [None]}, {"t": 1.5, "n": 2, "s": "z", "b": True}, {"t": {"k": 1}}, {"none": "v"}, {"t": 1e400}),
        )
    ]
    + [{"dataframe_split": {"columns": ["a"], "data": [[1.5]]}, "params": {"t": "x"}}]
    + [{"inputs": {"b": [1.5]}, "params": {"t": "x"}}],
    "params no inputs": [
        {"prompt": "x", "t": 0.75, "other": 1},
        {"messages": [], "max": "x"},
        {"input": "x", "params": {"t": 1}},
        {"inputs": [1], "params": {"t": 1.5}},
    ],
    "object param": [
        {"inputs": {"a": [1.5]}, "params": params}
        for params in ({}, {"o": {"k": 5}}, {"o": {"k": "x"}}, {"o": 5}, {"o": {}})
    ],
    "hint": [
        {"inputs": [1, 2]},
        {"inputs": "x"},
        {"inputs": [{"a": 1}]},
        {"instances": [1]},
        {"dataframe_split": {"data": [[1]]}},
        {"inputs": [1], "params": {"t": 1}},
        {},
        {"prompt": "x"},
    ],
    "chat": [
        {"messages": [{"x": 1.5}]},
        {"messages": [{"x": 1.5, "label": "a"}], "temperature": 0.5},
        {"messages": [{"x": 1.5}], "temperature": 1},
        {"messages": [{"y": 1}]},
        {"messages": "x"},
        {"messages": [{"x": 1.5}], "stream": True, "more": [1]},
        {"inputs": {"messages": [{"x": 1.5}]}},
    ],
    "prompt": [{"prompt": "x"}, {"prompt": ["x", "y"]}, {"prompt": 5}, {"prompt": None}, {"input": "x"}],
}

TEXTS: dict[str, list[bytes]] = {
    "none": [b"a,b\n1,x\n2,\n", b"a\n", b"", b"\n\n", b"a,b\n1,2,3\n4\n", b"\xff\xfe", b"a\n1\n2.5\nx\n", b'"a\n1'],
    "ab": [
        b"a,b\n1.5,2\n",
        b"b,a\n1,2\n",
        b"a,b\n1,2\n,3\n",
        b"a,b\n1.5,2.5\n",
        b"a,b\n1.5,\n",
        b"a,b\nx,1\n",
        b"a\n1\n",
        b"a,b,c\n1,2,x\n",
        b"",
        b"a,b\n",
        b"a,a,b\n1,2,3\n",
        b"a,b\nNaN,1\ninf,2\n",
        "a,b\n1.5,2\n".encode("utf-16"),
        b"a;b\n1;2\n",
    ],
    "all": [
        b"boolean,integer,long,float,double,string,binary,datetime\nTrue,1,2,0.5,0.1,x,aGk=,2024-01-02\n",
    ],
    "string": [b"c\nx\n\n5\n", b"c\n5\n", b"c\nNA\n", b'c\n"a,b"\n'],
    "boolean": [b"c\nTrue\nfalse\n", b"c\n1\n", b"c\nx\n"],
    "integer": [b"c\n1\n", b"c\n2147483648\n", b"c\n1.0\n"],
    "datetime": [b"c\n2024-01-02\n"],
    "optional": [b"a\n1.5\n", b"a,s\n1.5,\n", b"a,n\n1.5,\n"],
    "unnamed": [b"p,q\n1.5,2\n", b"0,1\n1.5,2\n"],
    "array": [b"v,n\n[1.5],1\n"],
    "tensor": [b"x,y,z\n1,2,3\n"],
    "params": [b"a\n1.5\n"],
    "hint": [b"c\n1\n"],
}

TABLES: dict[str, list[dict[str, Values]]] = {
    "none": [{"a": [1.5], "s": ["x"]}],
    "ab": [
        {"a": [1.5, 2.5], "b": [1, 2]},
        {"a": [1, 2], "b": [1, 2]},
        {"b": [1], "a": [2.5], "c": ["x"]},
        {"a": [1.5]},
    ],
    "float": [{"c": [0.5]}],
    "string": [{"c": ["x", None]}],
    "array": [{"v": [[1.5, 2.5]], "n": [1]}],
    "tensor": [{"x": [1.5], "y": [2.5], "z": [3.5]}],
}

GOOD = b'{"dataframe_split": {"columns": ["a", "b"], "data": [[1.5, 2]]}}'
TYPES: list[tuple[str | None, bytes]] = [
    (kind, GOOD)
    for kind in (
        *(
            None,
            "",
            "application/json; charset=utf-8",
            "application/json; charset=UTF-8",
            "application/json;charset=Utf-8",
        ),
        *('application/json; charset="utf-8"', "application/json; charset=latin-1", "application/json; charset=utf8"),
        *("application/json; format=pandas-split", "application/json; format=pandas-records; charset=utf-8"),
        *(
            "application/json;",
            "application/json ; ",
            "Application/JSON",
            "APPLICATION/JSON",
            "text/json",
            "text/plain",
        ),
        *("application/json-numpy-split", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"),
        *(
            "application/json; q=1; charset=utf-8",
            "text/csv; header=present",
            "application/octet-stream",
            "é/\xff",
            "*/*",
        ),
        *(
            "application/json, text/csv",
            "application/json; charset",
            "application/json; charset =utf-8",
            " application/json ",
        ),
        *("application/json; Charset=utf-8", "application/vnd.apache.arrow.stream"),
    )
] + [
    ("text/csv; charset=utf-8", b"a,b\n1.5,2\n"),
    ("text/csv;charset=UTF-8", b"a,b\n1.5,2\n"),
    ("text/csv; charset=ascii", b"a,b\n1.5,2\n"),
    ("TEXT/CSV", b"a,b\n1.5,2\n"),
    (PARQUET, b"no parquet"),
    (PARQUET, b""),
    (PARQUET + "; charset=utf-8", b""),
    (JSON, b"a,b\n1.5,2\n"),
    (CSV, GOOD),
]


def cases() -> list[Case]:
    """The whole table."""
    from tests.models.scorer.seen_model import THINGS

    found: list[Case] = []
    for model, tables in COLUMNS.items():
        for number, columns in enumerate(tables):
            found += [Case(f"{model} {number} as {form}", model, JSON, body) for form, body in in_all_forms(columns)]
    for model, bodies in BODIES.items():
        found += [Case(f"{model}: {json_body(body)!r:.100}", model, JSON, json_body(body)) for body in bodies]
    for model, texts in TEXTS.items():
        found += [Case(f"{model} csv: {text!r}", model, CSV, text) for text in texts]
    for model, tables in TABLES.items():
        found += [Case(f"{model} parquet: {table}", model, PARQUET, {"parquet": table}) for table in tables]
    found += [Case(f"type {kind!r} {body!r:.20}", "ab", kind, body) for kind, body in TYPES]
    found += [Case(f"answer: {thing}", "given", JSON, json_body({"inputs": {"a": [thing]}})) for thing in THINGS]
    return found
