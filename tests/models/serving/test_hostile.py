"""Bodies and requests that nobody means well with: no hang, no 500 for a caller's mistake, no wrong answer.

`MLPROJ_TEST_HOSTILE=10000` sends so many of each kind.
"""

from __future__ import annotations

import json
import os
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.models.serving.served import JSON, Server, read, request, rows, served, table_model

_COUNT = int(os.environ.get("MLPROJ_TEST_HOSTILE", "100"))  # before the tests' own isolation takes it away
_PATIENCE = 20  # seconds

SCALARS = ("boolean", "integer", "long", "float", "double", "string", "binary", "datetime")
SIGNATURE = {
    "inputs": json.dumps(
        [
            {"type": "double", "name": "a", "required": True},
            {"type": "long", "name": "b", "required": True},
            *({"type": kind, "name": kind, "required": False} for kind in SCALARS),
            {"type": "array", "items": {"type": "double"}, "name": "array", "required": False},
            {
                "type": "object",
                "properties": {"x": {"type": "string", "required": False}},
                "name": "object",
                "required": False,
            },
            {"type": "map", "values": {"type": "long"}, "name": "map", "required": False},
        ]
    ),
    "outputs": None,
    "params": json.dumps([{"name": "k", "type": "long", "default": 1, "shape": None}]),
}
CODE = """
class Model:
    def predict(self, data, params=None):
        return (data["a"] * FACTOR + data["b"]).tolist()


def _load_pyfunc(path):
    return Model()
"""
NAMES = ["a", "b", *SCALARS, "array", "object", "map"]

hostile = settings(
    max_examples=_COUNT,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=_COUNT < 1000,
    database=None,
)
numbers = st.one_of(
    st.integers(), st.floats(), st.sampled_from([2**31, 2**63, 2**64, -(2**63) - 1, 10**400, 1e308, 5e-324, -0.0])
)
leaves = st.one_of(st.none(), st.booleans(), numbers, st.text(max_size=12))
values = st.recursive(
    leaves,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(max_size=6), inner, max_size=4)),
)
names = st.one_of(st.sampled_from(NAMES), st.text(max_size=6))
row_dicts = st.dictionaries(names, values, max_size=6)
splits = st.fixed_dictionaries(
    {},
    optional={
        "columns": st.one_of(st.lists(names, max_size=5), values),
        "data": st.one_of(st.lists(st.lists(values, max_size=5), max_size=4), values),
        "index": values,
        "dtype": values,
    },
)
bodies = st.fixed_dictionaries(
    {},
    optional={
        "dataframe_split": st.one_of(splits, values),
        "dataframe_records": st.one_of(st.lists(row_dicts, max_size=4), values),
        "inputs": st.one_of(row_dicts, st.lists(row_dicts, max_size=3), values),
        "instances": st.one_of(st.lists(row_dicts, max_size=4), values),
        "params": st.one_of(st.dictionaries(st.sampled_from(["k", "j"]), values, max_size=2), values),
    },
)
DATATYPES = "BOOL INT8 INT16 INT32 INT64 UINT8 UINT64 FP16 FP32 FP64 BYTES FP8".split()
tensors = st.fixed_dictionaries(
    {},
    optional={
        "name": st.one_of(names, values),
        "datatype": st.one_of(st.sampled_from(DATATYPES), values),
        "shape": st.one_of(st.lists(st.integers(-2, 4), max_size=3), values),
        "data": st.one_of(st.lists(leaves, max_size=5), values),
        "parameters": st.one_of(st.fixed_dictionaries({"binary_data_size": st.integers(-1, 40)}), values),
    },
)
inferences = st.fixed_dictionaries(
    {},
    optional={
        "id": values,
        "inputs": st.one_of(st.lists(tensors, max_size=4), values),
        "outputs": st.one_of(st.lists(st.fixed_dictionaries({"name": names}), max_size=2), values),
        "parameters": values,
    },
)
kinds = st.one_of(
    st.sampled_from([JSON, "text/csv", "application/vnd.apache.parquet", f"{JSON}; charset=utf-8", "text/plain", ""]),
    st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20),
)
lines = st.lists(st.lists(st.text(max_size=5), max_size=4).map(",".join), max_size=4)
tables = st.one_of(
    st.binary(max_size=80),
    lines.map(lambda one: "\n".join(one).encode(errors="replace")),
    st.binary(max_size=60).map(lambda one: b"PAR1" + one + struct.pack("<I", len(one)) + b"PAR1"),
)
beginnings = st.sampled_from([b"", b"GET ", b"POST /invocations HTTP/1.1\r\n", b"PRI * HTTP/2.0\r\n\r\n"])


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder: Path = tmp_path_factory.mktemp("hostile")
    model = table_model(folder / "m", code=CODE, signature=SIGNATURE)
    with served(model, folder / "log") as started:
        yield started
        metrics = started.ask("GET", "/metrics").body.decode()
        assert "mlproj_model_worker_restarts_total 0.0" in metrics, (folder / "log").read_text()[-3000:]
    log = (folder / "log").read_text()
    assert "Exception in ASGI" not in log


@pytest.fixture(autouse=True)
def others(server: Server) -> Iterator[None]:
    """Others ask at the same time, and get what they asked for."""
    stop = threading.Event()
    wrong: list[Any] = []

    def ask(number: int) -> None:
        body = request("POST", "/invocations", rows([number, 1], [number, 2]), host="localhost", content_type=JSON)
        expected = json.dumps({"predictions": [number * 2.0 + 1, number * 2.0 + 2]}).encode()
        with server.connect(_PATIENCE) as connection, connection.makefile("rb") as stream:
            while not stop.is_set() and not wrong:
                connection.sendall(body)
                answer = read(stream)
                if (answer.status, answer.body) != (200, expected):
                    wrong.append(answer)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    yield
    stop.set()
    for thread in threads:
        thread.join()
    assert not wrong


def asked(server: Server, path: str, body: bytes, **headers: str) -> int:
    content = request("POST", path, body, host="localhost", **headers)
    with server.connect(_PATIENCE) as connection, connection.makefile("rb") as stream:
        connection.sendall(content)
        answer = read(stream)
    assert answer.status in (200, 400, 404, 413, 415), (answer, content)
    if answer.status in (400, 413) and answer.headers["content-type"] == JSON:
        assert {"error_code", "error"} & answer.document.keys()
    return answer.status


@hostile
@given(bodies)
def test_documents(server: Server, body: Any) -> None:
    asked(server, "/invocations", json.dumps(body).encode(), content_type=JSON)


@hostile
@given(st.binary(max_size=60), st.integers(0, 200), st.integers(0, 30))
def test_bodies_that_are_damaged(server: Server, patch: bytes, place: int, length: int) -> None:
    whole = rows([1.5, 2, "x"], [2.5, 3, "y"])
    asked(server, "/invocations", whole[:place] + patch + whole[place + length :], content_type=JSON)


@hostile
@given(tables, kinds)
def test_tables_and_types(server: Server, body: bytes, kind: str) -> None:
    asked(server, "/invocations", body, content_type=kind)


@hostile
@given(inferences, st.binary(max_size=40), st.one_of(st.none(), st.integers(-5, 300)))
def test_tensors(server: Server, body: Any, binary: bytes, length: int | None) -> None:
    head = json.dumps(body).encode()
    headers = {} if length is None else {"inference_header_content_length": str(len(head) if length > 200 else length)}
    asked(server, "/v2/models/m/infer", head + binary if headers else head, **headers)


@hostile
@given(
    st.binary(max_size=200),
    st.sampled_from([b"", b"GET ", b"POST /invocations HTTP/1.1\r\n", b"PRI * HTTP/2.0\r\n\r\n"]),
)
def test_what_is_no_http(server: Server, content: bytes, beginning: bytes) -> None:
    with server.connect(_PATIENCE) as connection, connection.makefile("rb") as stream:
        connection.sendall(beginning + content)
        connection.shutdown(socket.SHUT_WR)
        try:
            answer = read(stream)
        except ConnectionError:
            return
    assert answer.status in (0, 200, 307, 400, 403, 404, 405, 413, 415), answer


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 200_000,
        b'{"inputs": ' + b"[" * 200_000,
        b'{"a":' * 50_000,
        b'{"dataframe_split": {"columns": ["a", "b"], "data": [[' + b"9" * 100_000 + b", 1]]}}",
        b'{"dataframe_records": [{"a": "' + b"\\ud800" * 100 + b'", "b": 1}]}',
        b'{"dataframe_records": [' + b",".join(b'{"%d": 1}' % number for number in range(5000)) + b"]}",
        json.dumps({"inputs": {"a": [1.0], "b": [1], "datetime": ["99999999-01-01"]}}).encode(),
        rows([float("nan"), 1]),
        b'{"dataframe_split": {"columns": ["a", "b"], "data": [[1e999, 1]]}}',
        b"\x00" * 1000,
        b"\xef\xbb\xbf" + rows([1, 1]),
        json.dumps({"dataframe_split": {"columns": ["a", "b"], "data": [[1, 1]]}}).encode("utf-16"),
    ],
    ids=range(12),
)
def test_bodies_that_broke_others(server: Server, body: bytes) -> None:
    asked(server, "/invocations", body, content_type=JSON)
