"""The Open Inference Protocol v2 as clients of KServe, Triton and MLServer use it, over a socket."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.models.serving.served import Server, served, table_model


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder: Path = tmp_path_factory.mktemp("inference")
    with served(table_model(folder / "table"), folder / "log", "--max-body", "10kB") as started:
        yield started


INPUTS = [
    {"name": "a", "datatype": "FP64", "shape": [2], "data": [1.5, 2.5]},
    {"name": "b", "datatype": "INT64", "shape": [2], "data": [1, 2]},
]


@pytest.mark.parametrize(
    ("path", "status", "found"),
    [
        ("/v2/health/live", 200, {"live": True}),
        ("/v2/health/ready", 200, {"ready": True}),
        ("/v2/models/table/ready", 200, {"name": "table", "ready": True}),
        ("/v2/models/table/versions/1/ready", 200, {"name": "table", "ready": True}),
        ("/v2/models/other", 404, {"error": "the model here is 'table', version 1"}),
        ("/v2/models/table/versions/2", 404, {"error": "the model here is 'table', version 1"}),
        ("/v2/models/table/elsewhere", 404, {"detail": "Not Found"}),
        ("/v2/models/table/infer", 405, {"detail": "Method Not Allowed"}),
    ],
)
def test_the_state_of_server_and_model_can_be_asked(server: Server, path: str, status: int, found: object) -> None:
    answer = server.ask("GET", path)
    assert (answer.status, answer.document) == (status, found)


def test_the_model_says_what_it_takes_and_gives(server: Server) -> None:
    assert server.ask("GET", "/v2").document["extensions"] == ["binary_tensor_data"]
    assert server.ask("GET", "/v2/models/table").document == {
        "name": "table",
        "versions": ["1"],
        "platform": "mlflow",
        "inputs": [
            {"name": "a", "datatype": "FP64", "shape": [-1]},
            {"name": "b", "datatype": "INT64", "shape": [-1]},
            {"name": "word", "datatype": "BYTES", "shape": [-1]},
        ],
        "outputs": [{"name": "output-1", "datatype": "FP64", "shape": [-1]}],
    }


def test_tensors_are_predicted(server: Server) -> None:
    answer = server.ask("POST", "/v2/models/table/infer", json.dumps({"id": "x", "inputs": INPUTS}).encode())
    assert answer.document == {
        "model_name": "table",
        "model_version": "1",
        "id": "x",
        "outputs": [{"name": "output-1", "datatype": "FP64", "shape": [2], "data": [4.0, 7.0]}],
    }


def test_tensors_may_be_bytes_both_ways(server: Server) -> None:
    inputs = [
        {"name": "a", "datatype": "FP64", "shape": [1], "parameters": {"binary_data_size": 8}},
        {"name": "b", "datatype": "INT64", "shape": [1], "parameters": {"binary_data_size": 8}},
    ]
    head = json.dumps({"inputs": inputs, "parameters": {"binary_data_output": True}}).encode()
    answer = server.ask(
        "POST",
        "/v2/models/table/versions/1/infer",
        head + struct.pack("<dq", 1.5, 2),
        content_type="application/octet-stream",
        inference_header_content_length=str(len(head)),
    )
    size = int(answer.headers["inference-header-content-length"])
    assert answer.body[size:] == struct.pack("<d", 5.0)
    assert json.loads(answer.body[:size])["outputs"][0]["parameters"] == {"binary_data_size": 8}


def test_mistakes_have_the_protocol_s_form(server: Server) -> None:
    for body, headers in (
        (b"{}", {}),
        (b"{}", {"inference_header_content_length": "x"}),
        (b"{}", {"inference_header_content_length": "7"}),
        (json.dumps({"inputs": INPUTS[:1]}).encode(), {}),
    ):
        answer = server.ask("POST", "/v2/models/table/infer", body, **headers)
        assert (answer.status, list(answer.document)) == (400, ["error"])
    large = server.ask("POST", "/v2/models/table/infer", b" " * 10_001)
    assert large.status == 413
