"""The Open Inference Protocol v2, from bytes to bytes, without a server."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np
import pandas as pd
import pytest

from mlproj.models.scorer.schema import parse_signature
from mlproj.models.scorer.scorer import Answer, Request, Scorer

COLUMNS = [
    {"type": "double", "name": "a", "required": True},
    {"type": "long", "name": "b", "required": True},
    {"type": "string", "name": "word", "required": False},
]
FORM = {"name": "inference", "json": None, "model": "m", "version": "3"}


class Echo:
    """Answers with what *answer* makes of the data, and keeps what it was asked."""

    loaded_by = "test"

    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[Any] = []
        self.params: Any = None

    def predict(self, data: Any, params: Any = None) -> Any:
        self.asked.append(data)
        self.params = params
        return self.answer(data)


def scorer(answer: Any, inputs: Any = None, outputs: Any = None, params: Any = None) -> tuple[Scorer, Echo]:
    written = {
        name: None if value is None else json.dumps(value)
        for name, value in (("inputs", inputs), ("outputs", outputs), ("params", params))
    }
    echo = Echo(answer)
    return Scorer(parse_signature({"signature": written}), echo), echo


def tensor(name: str, datatype: str, shape: list[int], data: Any = None, **parameters: Any) -> dict[str, Any]:
    found: dict[str, Any] = {"name": name, "datatype": datatype, "shape": shape}
    if data is not None:
        found["data"] = data
    return {**found, "parameters": parameters} if parameters else found


def ask(asked: Scorer, *inputs: dict[str, Any], binary: bytes = b"", **keys: Any) -> Answer:
    head = json.dumps({"inputs": list(inputs), **keys}).encode()
    form = {**FORM, "json": len(head) if binary else None}
    (answer,) = asked.answer([Request("application/json", head + binary, form)])
    return answer


def document(answer: Answer) -> Any:
    assert answer.status == 200, answer.body
    return json.loads(answer.body)


def test_columns_are_tensors_by_name() -> None:
    asked, echo = scorer(lambda frame: frame["a"] * 2 + frame["b"], COLUMNS)
    answer = document(
        ask(
            asked,
            tensor("b", "INT64", [2], [1, 2]),
            tensor("a", "FP64", [2, 1], [[0.5], [1.5]]),
            tensor("word", "BYTES", [2], ["x", "y"]),
            id="42",
        )
    )
    assert answer == {
        "model_name": "m",
        "model_version": "3",
        "id": "42",
        "outputs": [{"name": "output-1", "datatype": "FP64", "shape": [2], "data": [2.0, 5.0]}],
    }
    assert list(echo.asked[0].columns) == ["a", "b", "word"]
    assert list(map(str, echo.asked[0].dtypes))[:2] == ["float64", "int64"]


def test_a_frame_answers_with_a_tensor_for_each_column_and_only_those_that_are_wanted() -> None:
    asked, _ = scorer(lambda frame: pd.DataFrame({"p": frame["a"], "label": ["yes"] * len(frame)}), COLUMNS)
    inputs = (tensor("a", "FP32", [1], [0.5]), tensor("b", "INT8", [1], [1]))
    assert [(one["name"], one["datatype"], one["data"]) for one in document(ask(asked, *inputs))["outputs"]] == [
        ("p", "FP64", [0.5]),
        ("label", "BYTES", ["yes"]),
    ]
    (only,) = document(ask(asked, *inputs, outputs=[{"name": "label"}]))["outputs"]
    assert only["name"] == "label"
    assert ask(asked, *inputs, outputs=[{"name": "nothing"}]).status == 400


@pytest.mark.parametrize("datatype", "BOOL INT8 INT16 INT32 INT64 UINT8 UINT16 UINT32 UINT64 FP16 FP32 FP64".split())
def test_every_datatype_comes_and_goes_as_bytes_and_as_json(datatype: str) -> None:
    asked, echo = scorer(lambda array: array)
    dtype = {"BOOL": "bool"}.get(datatype, datatype.lower().replace("fp", "float"))
    values = np.array([[0, 1], [1, 0]], dtype=dtype)
    plain = document(ask(asked, tensor("x", datatype, [2, 2], values.tolist())))["outputs"][0]
    assert (plain["datatype"], plain["shape"], plain["data"]) == (datatype, [2, 2], values.reshape(-1).tolist())
    content = values.astype(values.dtype.newbyteorder("<")).tobytes()
    answer = ask(
        asked,
        tensor("x", datatype, [2, 2], binary_data_size=len(content)),
        binary=content,
        parameters={"binary_data_output": True},
    )
    size = int(answer.headers["Inference-Header-Content-Length"])
    assert answer.type == "application/octet-stream"
    described = json.loads(answer.body[:size])["outputs"][0]
    assert described == tensor("output-1", datatype, [2, 2], binary_data_size=len(content))
    assert answer.body[size:] == content
    assert [str(one.dtype) for one in echo.asked] == [dtype, dtype]


def test_texts_come_and_go_as_bytes() -> None:
    asked, echo = scorer(lambda array: array)
    words = ["", "é", "long" * 100]
    content = b"".join(struct.pack("<I", len(one.encode())) + one.encode() for one in words)
    answer = ask(
        asked,
        tensor("x", "BYTES", [3], binary_data_size=len(content)),
        binary=content,
        outputs=[{"name": "output-1", "parameters": {"binary_data": True}}],
    )
    assert answer.body.endswith(content)
    assert echo.asked[0].tolist() == words


def test_tensors_of_the_signature_are_cast_and_checked() -> None:
    spec = [{"type": "tensor", "name": "x", "tensor-spec": {"dtype": "float32", "shape": [-1, 2]}}]
    asked, echo = scorer(lambda tensors: {"y": tensors["x"].sum(axis=1)}, spec)
    (output,) = document(ask(asked, tensor("x", "FP64", [2, 2], [1, 2, 3, 4])))["outputs"]
    assert (output["name"], output["datatype"], output["data"]) == ("y", "FP32", [3.0, 7.0])
    assert str(echo.asked[0]["x"].dtype) == "float32"
    wrong = ask(asked, tensor("x", "FP32", [1, 3], [1, 2, 3]))
    assert wrong.status == 400
    assert "does not match expected shape" in json.loads(wrong.body)["error"]


def test_requests_are_predicted_together_and_answered_apart() -> None:
    asked, echo = scorer(lambda frame: (frame["a"] + frame["b"]).to_numpy(), COLUMNS)

    def request(*values: float) -> Request:
        inputs = [
            tensor("a", "FP64", [len(values)], list(values)),
            tensor("b", "INT64", [len(values)], [1] * len(values)),
        ]
        return Request("application/json", json.dumps({"inputs": inputs}).encode(), FORM)

    for _ in range(2):  # the first time it is found out whether that may be
        answers = asked.answer([request(1), request(2, 3), request(4)])
    assert [document(one)["outputs"][0]["data"] for one in answers] == [[2.0], [3.0, 4.0], [5.0]]
    assert len(echo.asked[-1]) == 4


def test_parameters_of_the_signature_reach_the_model() -> None:
    params = [{"name": "k", "type": "long", "default": 3, "shape": None}]
    asked, echo = scorer(lambda array: array, params=params)
    ask(asked, tensor("x", "FP64", [1], [1]), parameters={"k": 5, "other": 1})
    assert echo.params == {"k": 5}


def test_what_is_no_number_is_null_in_json() -> None:
    asked, _ = scorer(lambda array: np.array([np.nan, np.inf, 1]))
    assert document(ask(asked, tensor("x", "FP64", [1], [None])))["outputs"][0]["data"] == [None, None, 1.0]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "no JSON"),
        (b"[]", "an object"),
        (b"[" * 100_000, "no JSON"),
        (b"{}", "list of tensors"),
        (b'{"inputs": [1]}', "list of tensors"),
        (b'{"inputs": [{}]}', "no name"),
        (json.dumps({"inputs": [tensor("x", "FP8", [1], [1])]}).encode(), "no datatype"),
        (json.dumps({"inputs": [tensor("x", "FP64", [-1], [1])]}).encode(), "no shape"),
        (json.dumps({"inputs": [tensor("x", "FP64", [2**40, 2**40], [1])]}).encode(), "no shape"),
        (json.dumps({"inputs": [tensor("x", "FP64", [2], [1])]}).encode(), "1 elements"),
        (json.dumps({"inputs": [tensor("x", "FP64", [2], [1, [2]])]}).encode(), "mixed"),
        (json.dumps({"inputs": [tensor("x", "INT8", [1], [300])]}).encode(), "INT8"),
        (json.dumps({"inputs": [tensor("x", "INT64", [1], [1.5])]}).encode(), "has a float"),
        (json.dumps({"inputs": [tensor("x", "BOOL", [1], [1])]}).encode(), "has a int"),
        (json.dumps({"inputs": [tensor("x", "FP64", [1], binary_data_size=8)]}).encode(), "not in the body"),
        (json.dumps({"inputs": [tensor("x", "FP64", [1], [1])] * 2}).encode(), "two inputs"),
        (json.dumps({"inputs": [tensor("x", "FP64", [1], [1])], "outputs": [1]}).encode(), "'outputs'"),
        (json.dumps({"inputs": [tensor("x", "FP64", [1], [1])], "parameters": [1]}).encode(), "'parameters'"),
    ],
)
def test_mistakes_are_told_and_are_the_caller_s(body: bytes, words: str) -> None:
    asked, _ = scorer(lambda array: array)
    (answer,) = asked.answer([Request("application/json", body, FORM)])
    assert answer.status == 400
    assert words in json.loads(answer.body)["error"]


@pytest.mark.parametrize("binary", [b"1234567", b"123456789", struct.pack("<I", 9) + b"1"])
def test_bytes_that_are_too_few_or_too_many_are_told(binary: bytes) -> None:
    asked, _ = scorer(lambda array: array)
    assert ask(asked, tensor("x", "FP64", [1], binary_data_size=8), binary=binary).status == 400
    assert ask(asked, tensor("x", "BYTES", [1], binary_data_size=len(binary)), binary=binary).status == 400


def test_a_model_that_breaks_and_an_answer_that_cannot_be_sent_are_told_as_the_protocol_has_it() -> None:
    def broken(_array: Any) -> Any:
        raise ValueError("no")

    answer = ask(scorer(broken)[0], tensor("x", "FP64", [1], [1]))
    assert (answer.status, set(json.loads(answer.body))) == (400, {"error"})
    answer = ask(scorer(lambda array: object())[0], tensor("x", "FP64", [1], [1]))
    assert (answer.status, set(json.loads(answer.body))) == (500, {"error"})
