"""Signatures as every version of MLflow wrote them."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest

from mlproj.models.scorer.errors import ScoringError
from mlproj.models.scorer.schema import Signature, parse_signature


def parsed(inputs: list[dict[str, Any]] | None = None, **more: Any) -> Signature:
    return parse_signature({"signature": {"inputs": json.dumps(inputs) if inputs else None, **more}})


def test_of_mlflow_1_nothing_says_what_is_required() -> None:
    signature = parsed([{"name": "a", "type": "double"}, {"name": "s", "type": "string"}])

    assert repr(signature.inputs) == "['a': double (required), 's': string (required)]"


def test_of_mlflow_2_5_to_2_9_columns_may_be_optional() -> None:
    signature = parsed([{"name": "a", "type": "double"}, {"name": "n", "type": "long", "optional": True}])

    assert signature.inputs is not None
    assert signature.inputs.optional_input_names() == ["n"]


def test_of_mlflow_3_types_may_be_nested() -> None:
    point = {"x": {"type": "double", "required": True}, "tags": {"type": "array", "items": {"type": "string"}}}
    signature = parsed(
        [
            {"type": "object", "properties": point, "name": "p", "required": True},
            {"type": "map", "values": {"type": "array", "items": {"type": "any"}}, "name": "m", "required": False},
            {"type": "sparkml_vector", "name": "v", "required": True},
        ]
    )

    assert repr(signature.inputs) == (
        "['p': {tags: Array(string) (required), x: double (required)} (required), "
        "'m': Map(str -> Array(Any)) (optional), 'v': SparkML vector (required)]"
    )


def test_tensors_have_a_type_and_a_shape() -> None:
    tensor = {"type": "tensor", "tensor-spec": {"dtype": "float32", "shape": [-1, 28, 28]}}

    assert repr(parsed([tensor]).inputs) == "[Tensor('float32', (-1, 28, 28))]"
    assert repr(parsed([{**tensor, "name": "x"}]).inputs) == "['x': Tensor('float32', (-1, 28, 28))]"


@pytest.mark.parametrize("key", ["type", "dtype"])
def test_parameters_are_parsed_whichever_key_their_type_has(key: str) -> None:
    when = {"name": "d", key: "datetime", "default": "2024-01-02T03:04:05", "shape": None}
    many = {"name": "n", key: "long", "default": [1], "shape": [-1]}

    signature = parsed(params=json.dumps([when, many]))

    assert signature.params is not None
    assert [spec.default for spec in signature.params] == [datetime.datetime(2024, 1, 2, 3, 4, 5), [1]]


@pytest.mark.parametrize(
    "document", [{}, {"signature": None}, {"signature": {"inputs": None}}, {"signature": {"inputs": "[]"}}]
)
def test_a_model_may_have_no_signature(document: dict[str, Any]) -> None:
    signature = parse_signature(document)

    assert (signature.inputs, signature.outputs, signature.params) == (None, None, None)


def test_a_type_hint_counts_only_with_a_signature() -> None:
    assert not parse_signature({"is_signature_from_type_hint": True}).of_type_hint
    assert parse_signature({"signature": {"inputs": "[]"}, "is_signature_from_type_hint": True}).of_type_hint


def test_a_type_that_nobody_knows_is_said() -> None:
    with pytest.raises(ScoringError, match="Unsupported type 'quaternion'"):
        parsed([{"name": "q", "type": "quaternion"}])
