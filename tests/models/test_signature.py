from __future__ import annotations

import json
from typing import Any

import pytest

from mlproj.models import signature
from mlproj.models.signature import Column, DataType, MalformedSignature, Parameter, Tensor


def parsed(inputs: Any, params: Any = None) -> signature.Signature:
    found = signature.parse({"inputs": json.dumps(inputs), "outputs": None, "params": params and json.dumps(params)})
    assert found is not None
    return found


def test_columns_of_every_mlflow_say_whether_they_are_required() -> None:
    of_1x, of_2x, of_3x = (
        parsed([{"name": "a", "type": "long", **more}]) for more in ({}, {"optional": True}, {"required": False})
    )
    assert [one.columns[0].required for one in (of_1x, of_2x, of_3x)] == [True, False, False]


def test_a_column_without_a_name_is_known_by_its_position() -> None:
    assert parsed([{"type": "double"}]).columns == (Column(None, DataType("double")),)


def test_types_with_parts_are_shown_as_a_person_would_write_them() -> None:
    properties = {"q": {"type": "string", "required": True}, "n": {"type": "long", "required": False}}
    array = {"type": "array", "items": {"type": "object", "properties": properties}, "name": "x", "required": True}
    mapping = {"type": "map", "values": {"type": "double"}, "name": "y", "required": True}
    assert [str(column.type) for column in parsed([array, mapping]).columns] == [
        "array({q: string, n?: long})",
        "map(double)",
    ]


def test_tensors_and_parameters_are_read() -> None:
    tensor = {"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 28, 28]}}
    found = parsed([tensor], [{"name": "top", "type": "long", "default": 3, "shape": None}])
    assert found.tensors == (Tensor(None, "float32", (-1, 28, 28)),)
    assert str(found.tensors[0]) == "float32 tensor (any, 28, 28)"
    assert found.params == (Parameter("top", DataType("long"), 3),)
    assert found.columns == ()


def test_no_signature_is_none_and_an_empty_one_is_empty() -> None:
    assert signature.parse(None) is None
    assert parsed([]).inputs == ()


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("text", "expected a mapping"),
        ({"inputs": "{"}, "inputs is no JSON"),
        ({"inputs": "{}"}, "must be a list of objects, found an object"),
        ({"inputs": '[{"type": "int128"}]'}, "there is no type 'int128'"),
        ({"inputs": '[{"type": "double", "name": 3}]'}, "a name must be a text|a column's name must be a text"),
        ({"inputs": '[{"type": "tensor"}]'}, "without tensor-spec"),
        ({"inputs": '[{"type": "tensor", "tensor-spec": {"dtype": "f", "shape": [-2]}}]'}, "list of whole numbers"),
        ({"inputs": '[{"type": "double"}, {"type": "tensor"}]'}, "columns and tensors"),
        ({"inputs": '[{"type": "double", "required": "yes"}]'}, "'required' must be true or false"),
        ({"inputs": '[{"type": "object"}]'}, "without properties"),
        ({"params": '[{"type": "double"}]'}, "a parameter without a name"),
        ({"inputs": "[" * 2000 + "]" * 2000}, "no JSON|must be a list"),
        ({"inputs": json.dumps([{"type": "array"}])}, "expected an object with a type"),
    ],
)
def test_what_is_no_signature_is_said(document: Any, message: str) -> None:
    with pytest.raises(MalformedSignature, match=message):
        signature.parse(document)


def test_types_nested_without_end_are_refused() -> None:
    kind: dict[str, Any] = {"type": "double"}
    for _ in range(40):
        kind = {"type": "array", "items": kind}
    with pytest.raises(MalformedSignature, match="nested"):
        parsed([kind])
