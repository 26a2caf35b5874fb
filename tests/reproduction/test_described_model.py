from __future__ import annotations

import json

import pytest

from mlproj.reproduction.described_model import without_identity

MODEL = """
artifact_path: {path}
flavors:
  python_function: {{loader_module: mlflow.sklearn, model_path: model.pkl}}
model_id: {id}
model_uuid: {id}
run_id: {id}
utc_time_created: '{time}'
model_size_bytes: {size}
signature: {{inputs: '{inputs}'}}
"""


def test_the_same_model_has_the_same_description_whenever_it_was_logged() -> None:
    one = MODEL.format(path="a", id="0" * 32, time="2024-01-01", size=10, inputs="x").encode()
    two = MODEL.format(path="b", id="1" * 32, time="2025-01-01", size=11, inputs="x").encode()
    other = MODEL.format(path="a", id="0" * 32, time="2024-01-01", size=10, inputs="y").encode()
    assert without_identity(one) == without_identity(two) != without_identity(other)
    assert json.loads(without_identity(one))["flavors"]["python_function"]["model_path"] == "model.pkl"


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"- a\n", b"a: [", b"text", b"{1: 2, a: 3}"])
def test_what_is_no_description_of_a_model_is_compared_as_it_is(content: bytes) -> None:
    assert without_identity(content) in (content, b'{\n "1": 2,\n "a": 3\n}')
