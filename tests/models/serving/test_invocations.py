"""What the server of a model answers, byte for byte, and to whom it does not."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.models.serving.served import JSON, Server, read, request, rows, served, table_model
from tests.program import mlproj

LIMITS = ("--timeout", "2s", "--max-body", "20kB", "--max-rows", "3", "--queue", "2", "--max-batch", "1")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("served")
    with served(table_model(folder / "m"), folder / "log", *LIMITS, "--log-requests") as started:
        yield started


def test_a_row_is_predicted(server: Server) -> None:
    answer = server.score(rows([1.5, 2]))
    assert (answer.status, answer.headers["content-type"], answer.body) == (200, JSON, b'{"predictions": [5.0]}')


@pytest.mark.parametrize(
    ("method", "path", "status", "body"),
    [
        ("GET", "/ping", 200, b"\n"),
        ("GET", "/health", 200, b"\n"),
        ("GET", "/version", 200, b"3.17.2"),
        ("HEAD", "/ping", 405, b""),
        ("POST", "/ping", 405, b'{"detail":"Method Not Allowed"}'),
        ("GET", "/invocations", 405, b'{"detail":"Method Not Allowed"}'),
        ("OPTIONS", "/invocations", 405, b'{"detail":"Method Not Allowed"}'),
        ("GET", "/nowhere", 404, b'{"detail":"Not Found"}'),
        ("GET", "/ping/", 307, b""),
    ],
)
def test_the_other_addresses_answer_as_mlflow_s_server(
    server: Server, method: str, path: str, status: int, body: bytes
) -> None:
    with server.connect() as connection:
        connection.sendall(request(method, path, host="localhost", connection="close"))
        with connection.makefile("rb") as stream:
            head, _, found = stream.read().partition(b"\r\n\r\n")
    assert found == body
    assert int(head.split()[1]) == status
    assert status == 307 or f"content-type: {JSON}".encode() in head
    if status == 405:
        assert f"allow: {'POST' if path == '/invocations' else 'GET'}".encode() in head


def test_a_request_that_takes_too_long_is_over_in_mlflow_s_words(server: Server) -> None:
    answer = server.score(rows([1, 2, "sleep 20"]))
    assert (answer.status, answer.headers["content-type"]) == (504, JSON)
    assert answer.body == b"Request processing time exceeded limit"
    deadline = time.monotonic() + 60
    while server.score(rows([1, 2])).status != 200:  # another worker loads the model
        assert time.monotonic() < deadline


def test_bodies_and_rows_have_limits(server: Server) -> None:
    assert server.score(rows(*([1.5, 2] for _ in range(3)))).status == 200
    many = server.score(rows(*([1.5, 2] for _ in range(4))))
    assert (many.status, many.document["error_code"]) == (413, "BAD_REQUEST")
    assert "3 rows at most" in many.document["message"]
    large = server.score(b" " * 20_001)
    assert (large.status, large.document["message"]) == (413, "the body is larger than 20000 bytes")
    chunked = request("POST", "/invocations", host="localhost", content_type=JSON, transfer_encoding="chunked")
    assert server.send(chunked + b"5208\r\n" + b" " * 0x5208 + b"\r\n0\r\n\r\n").status == 413


def test_a_full_queue_says_when_to_come_again(server: Server) -> None:
    answers = []
    asking = [
        threading.Thread(target=lambda: answers.append(server.score(rows([1, 2, "sleep 0.4"])))) for _ in range(8)
    ]
    for thread in asking:
        thread.start()
    for thread in asking:
        thread.join()
    refused = [answer for answer in answers if answer.status == 503]
    assert {answer.status for answer in answers} == {200, 503}
    assert refused[0].headers["retry-after"] == "1"
    assert refused[0].document["error_code"] == "TEMPORARILY_UNAVAILABLE"


def test_connections_are_kept_and_requests_may_come_before_the_answers(server: Server) -> None:
    one = request("POST", "/invocations", rows([1, 1]), host="localhost", content_type=JSON)
    two = request("POST", "/invocations", rows([2, 2]), host="localhost", content_type=JSON)
    with server.connect() as connection, connection.makefile("rb") as stream:
        connection.sendall(one + two + request("GET", "/ping", host="localhost"))
        assert [read(stream).body for _ in range(3)] == [b'{"predictions": [3.0]}', b'{"predictions": [6.0]}', b"\n"]
        connection.sendall(two)
        assert read(stream).body == b'{"predictions": [6.0]}'


def test_bodies_that_are_cut_off_harm_nobody(server: Server) -> None:
    whole = request("POST", "/invocations", rows([1, 1]), host="localhost", content_type=JSON)
    for size in (1, 30, len(whole) - 1):
        with server.connect() as connection:
            connection.sendall(whole[:size])
    assert server.send(whole).status == 200
    assert server.send(b"nonsense\r\n\r\n").status == 400


def test_who_does_not_wait_is_not_predicted(server: Server) -> None:
    first = threading.Thread(target=lambda: server.score(rows([1, 2, "sleep 0.5"])))
    first.start()
    time.sleep(0.2)
    for _ in range(2):
        with server.connect() as connection:
            body = rows([1, 2, "sleep 1.5"])
            connection.sendall(request("POST", "/invocations", body, host="localhost", content_type=JSON))
            time.sleep(0.1)
    first.join()
    begin = time.monotonic()
    assert server.score(rows([1, 2])).status == 200
    assert time.monotonic() - begin < 1.4
    metrics = server.ask("GET", "/metrics").body.decode()
    assert 'mlproj_model_requests_total{route="/invocations",status="499"}' in metrics


def test_pages_of_others_are_refused(server: Server) -> None:
    assert server.send(request("GET", "/ping", host="rebound.example")).status == 403
    asked = request("POST", "/invocations", rows([1, 1]), host="localhost", origin="http://other.example")
    assert server.send(asked).status == 403


def test_requests_are_logged_without_secrets(server: Server) -> None:
    server.send(request("GET", "/ping?token=topsecret", host="localhost"))
    time.sleep(0.1)
    log = server.log.read_text()
    assert '"GET /ping?token=' in log
    assert "topsecret" not in log


def test_other_addresses_ask_for_a_token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLPROJ_HOME", str(tmp_path / "home"))
    model = table_model(tmp_path / "m")
    refused = mlproj("models", "serve", model, "--env-manager", "local", "--host", "0.0.0.0", "--port", "0")
    assert refused.code == 2
    assert "mlproj server token create" in refused.err
    token = mlproj("server", "token", "create", "me").out.strip()
    with served(model, tmp_path / "log", "--host", "0.0.0.0") as server:
        assert server.ask("GET", "/ping").status == 200
        asked = server.score(rows([1, 1]))
        assert (asked.status, asked.document["error_code"]) == (401, "UNAUTHENTICATED")
        assert asked.headers["www-authenticate"].startswith("Basic")
        assert server.score(rows([1, 1]), authorization=f"Bearer {token}").status == 200
        assert server.score(rows([1, 1]), authorization="Bearer mlproj_wrong").status == 401
        mlproj("server", "token", "revoke", "me")
        assert server.score(rows([1, 1]), authorization=f"Bearer {token}").status == 401
    assert token not in (tmp_path / "log").read_text()


def test_a_named_host_asks_for_a_token_unless_told_otherwise(tmp_path: Path) -> None:
    model = table_model(tmp_path / "m")
    with served(model, tmp_path / "log", "--allow-host", "model.example", "--without-tokens") as server:
        assert server.send(request("GET", "/ping", host="localhost")).status == 403
        body = rows([1, 1])
        asked = request("POST", "/invocations", body, host="model.example", content_type=JSON)
        assert server.send(asked).status == 200
