"""Asking a server: what is sent, which way, and what is made of every kind of answer."""

from __future__ import annotations

import base64
import json
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from mlproj.foundation.errors import UsageError
from mlproj.http import client as http_client
from mlproj.http.client import HttpClient, NoSuchEndpoint, Refused, Unauthorized, Unreachable
from mlproj.outbox import destination
from mlproj.tracking.mlflow_rest.runs import MlflowStore
from tests.cli.conftest import Cli, cli

__all__ = ["cli"]  # a fixture

Answers = dict[str, tuple[int, bytes, dict[str, str]]]


class FieldReader(ThreadingHTTPServer):
    """A server that answers what it is told to, and notes what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers: Answers = {}
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        self.connections = 0
        self.broken = 0  # requests to hang up on
        self.address = f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FieldReader

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1

    def log_message(self, *_: Any) -> None:
        pass

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked.append(
            (self.command, self.path, {key.lower(): value for key, value in self.headers.items()}, body)
        )
        if self.server.broken:
            self.server.broken -= 1
            self.close_connection = True
            return
        status, content, headers = self.server.answers.get(self.path.partition("?")[0], (200, b"{}", {}))
        self.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _answer  # noqa: N815  # http.server's names


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> Iterator[FieldReader]:
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with FieldReader() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def test_one_connection_serves_many_requests(told: FieldReader) -> None:
    caller = HttpClient(f"{told.address}/base/")
    for number in range(5):
        caller.call("POST", "/a", {"n": number})
    assert caller.call("GET", "/a", {"q": "ä b", "r": [1, 2]}) == {}
    assert told.connections == 1
    assert told.asked[0][:2] == ("POST", "/base/a") and json.loads(told.asked[4][3]) == {"n": 4}
    assert told.asked[5][1] == "/base/a?q=%C3%A4+b&r=1&r=2"
    assert told.asked[0][2]["user-agent"].startswith("mlproj/") and "authorization" not in told.asked[0][2]


@pytest.mark.parametrize(
    ("status", "content", "headers", "kind", "message"),
    [
        (404, b'{"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no run"}', {}, Refused, "no run"),
        (
            400,
            (
                b'{"error_code": "INVALID_PARAMETER_VALUE", "message": "bad", "mlproj": {"kind": "WrongState", "hint":'
                b' "h"}}'
            ),
            {},
            Refused,
            "bad",
        ),
        (401, b"", {}, Unauthorized, "refused: 401"),
        (403, b'{"error_code": "PERMISSION_DENIED", "message": "read only"}', {}, Refused, "refused: read only"),
        (404, b"<html>nothing here</html>", {}, NoSuchEndpoint, "does not know this request"),
        (405, b"", {}, NoSuchEndpoint, "does not know this request"),
        (302, b"", {"Location": "https://u:secret@other/x"}, NoSuchEndpoint, r"sends to https://\*\*\*\*@other/x"),
        (500, b'{"error_code": "INTERNAL_ERROR", "message": "oh"}', {}, Unreachable, "cannot answer now: oh"),
        (503, b"[1]", {}, Unreachable, "cannot answer now: 503"),
        (200, b"<html></html>", {}, NoSuchEndpoint, "did not answer as a tracking server does"),
        (200, b"\xff\xfe", {}, NoSuchEndpoint, "did not answer as a tracking server does"),
        (200, b'["a list"]', {}, NoSuchEndpoint, "did not answer as a tracking server does"),
        (200, b"[" * 100_000, {}, NoSuchEndpoint, "did not answer as a tracking server does"),
    ],
)
def test_answers_are_told_apart(
    told: FieldReader, status: int, content: bytes, headers: dict[str, str], kind: type[Exception], message: str
) -> None:
    told.answers["/x"] = (status, content, headers)
    caller = HttpClient(told.address, patient=False)
    with pytest.raises(kind, match=message):
        caller.call("POST", "/x", {})
    told.answers["/x"] = (200, b'{"a": 1}', {})
    assert caller.call("POST", "/x", {}) == {"a": 1}


def test_what_an_answer_lacks_shows_another_kind_of_server(told: FieldReader) -> None:
    told.answers["/x"] = (200, b'{"a": {"b": 1}}', {})
    answer = HttpClient(told.address).call("POST", "/x", {})
    assert answer.get("c") is None and answer["a"]["b"] == 1
    with pytest.raises(NoSuchEndpoint, match="no 'run'"):
        answer["a"]["run"]


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"run": None},
        {"run": []},
        {"run": {"info": {"run_id": "1", "status": "RUNNING", "experiment_id": "0", "start_time": "soon"}, "data": {}}},
        {"run": {"info": {"run_id": "1", "status": "ODD", "experiment_id": "0"}, "data": {}}},
        {"run": {"info": {"run_id": "1", "experiment_id": "0"}, "data": {"metrics": [1]}}},
        {"run": {"info": {"run_id": "1", "experiment_id": "0"}, "data": {"params": {"a": 1}}}},
    ],
)
def test_an_odd_server_of_runs_is_no_bug_of_ours(told: FieldReader, answer: Any) -> None:
    told.answers["/api/2.0/mlflow/runs/get"] = (200, json.dumps(answer).encode(), {})
    told.answers["/api/2.0/mlflow/experiments/get"] = (200, b'{"experiment": {"experiment_id": "0", "name": "n"}}', {})
    with pytest.raises(NoSuchEndpoint):
        MlflowStore(HttpClient(told.address)).get_run("0" * 32)


def test_a_server_that_hangs_up_is_asked_again_where_that_does_no_harm(told: FieldReader) -> None:
    told.broken = 1
    assert HttpClient(told.address).call("POST", "/x", {}) == {}
    assert len(told.asked) == 2
    told.broken = 1
    with pytest.raises(Unreachable) as raised:
        HttpClient(told.address).call("POST", "/x", {}, again=False)
    assert raised.value.uncertain and len(told.asked) == 3


def test_a_connection_that_the_server_has_closed_is_not_used(told: FieldReader) -> None:
    told.answers["/bye"] = (200, b"{}", {"Connection": "close"})
    caller = HttpClient(told.address)
    for _ in range(3):
        caller.call("POST", "/bye", {}, again=False)
    assert told.connections == 3


def test_nobody_at_the_address_is_told_and_is_certain() -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(Unreachable, match="out of reach") as raised:
        HttpClient(f"http://127.0.0.1:{port}", patient=False).call("GET", "/x")
    assert not raised.value.uncertain
    with pytest.raises(Unreachable, match="no-such-host"):
        HttpClient("http://no-such-host.invalid", patient=False).call("GET", "/x")
    with pytest.raises(Unreachable, match="out of reach"):
        HttpClient(f"http://a..b{'c' * 70}", patient=False).call("GET", "/x")


def test_a_server_that_is_silent_is_given_up() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as silent,
        pytest.raises(Unreachable, match=r"has not answered for 0\.3 s") as raised,
    ):
        HttpClient(f"http://127.0.0.1:{silent.getsockname()[1]}", timeout=0.3, patient=False).call("POST", "/x", {})
    assert raised.value.uncertain


@pytest.mark.parametrize(
    "command", ["runs list", "runs show abcd", "experiments list", "gc", "runs delete x", "verify x"]
)
def test_no_command_waits_longer_than_one_deadline_for_a_silent_server(
    command: str, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_client, "TIMEOUT", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("MLPROJ_TRACKING_URI", f"http://127.0.0.1:{silent.getsockname()[1]}")
        began = time.monotonic()
        done = cli(*command.split())
        took = time.monotonic() - began
    assert done.code == 69 and "has not answered for 0.5 s" in done.err
    assert took < 1  # a second attempt would double it


def test_the_deadline_is_that_of_a_run() -> None:
    assert http_client.TIMEOUT == destination.TIMEOUT == 20


CREDENTIALS = [
    ({}, "", None),
    ({"MLFLOW_TRACKING_TOKEN": "abc"}, "", "Bearer abc"),
    (
        {"MLFLOW_TRACKING_USERNAME": "me", "MLFLOW_TRACKING_PASSWORD": "pass:word", "MLFLOW_TRACKING_TOKEN": "abc"},
        "",
        "me:pass:word",
    ),
    ({"MLFLOW_TRACKING_TOKEN": "abc"}, "you:p%40ss@", "you:p@ss"),
]


@pytest.mark.parametrize(("variables", "userinfo", "expected"), CREDENTIALS)
def test_credentials_are_found_where_mlflow_looks(
    told: FieldReader, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], userinfo: str, expected: str | None
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    caller = HttpClient(told.address.replace("//", f"//{userinfo}"))
    caller.call("GET", "/x")
    sent = told.asked[0][2].get("authorization")
    if sent and sent.startswith("Basic "):
        sent = base64.b64decode(sent.removeprefix("Basic ")).decode()
    assert sent == expected
    assert "@" not in caller.uri


@pytest.mark.parametrize("token", ["abc\n", "a b", "sëcret", "\t"])
def test_a_token_that_cannot_be_sent_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_TOKEN", token)
    with pytest.raises(UsageError, match="MLFLOW_TRACKING_TOKEN") as raised:
        HttpClient("http://127.0.0.1:9")
    assert token.strip() == "" or token not in f"{raised.value}{raised.value.hint}"


def test_the_file_of_credentials_is_read(told: FieldReader, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".mlflow").mkdir()
    (tmp_path / ".mlflow" / "credentials").write_text(
        "[mlflow]\nmlflow_tracking_username = me\nmlflow_tracking_password = 10%\n"
    )
    HttpClient(told.address).call("GET", "/x")
    assert base64.b64decode(told.asked[0][2]["authorization"].removeprefix("Basic ")) == b"me:10%"
    (tmp_path / ".mlflow" / "credentials").write_text("no section\n")
    HttpClient(told.address).call("GET", "/x")
    assert "authorization" not in told.asked[1][2]


def test_a_proxy_is_gone_through_and_gone_round(told: FieldReader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", told.address)
    monkeypatch.setenv("no_proxy", "here.invalid")
    HttpClient("http://far.invalid:81/base").call("GET", "/x")
    assert told.asked[0][1] == "http://far.invalid:81/base/x" and "proxy-authorization" not in told.asked[0][2]
    monkeypatch.setenv("http_proxy", told.address.replace("//", "//me:p%40ss@"))
    HttpClient("http://far.invalid:81/base").call("GET", "/x")
    assert base64.b64decode(told.asked[1][2]["proxy-authorization"].removeprefix("Basic ")) == b"me:p@ss"
    monkeypatch.setenv("http_proxy", "http://me:secret@proxy:port")
    with pytest.raises(UsageError, match="http_proxy") as raised:
        HttpClient("http://far.invalid").call("GET", "/x")
    assert "secret" not in str(raised.value)
    with pytest.raises(Unreachable):
        HttpClient("http://here.invalid", patient=False).call("GET", "/x")


def test_a_certificate_is_checked(told: FieldReader, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    certificate, key = tmp_path / "c.pem", tmp_path / "k.pem"
    command = (
        "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -addext subjectAltName=IP:127.0.0.1"
    )
    subprocess.run([*command.split(), "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    told.socket = context.wrap_socket(told.socket, server_side=True)
    address = told.address.replace("http:", "https:")
    with pytest.raises(Unreachable, match="no valid certificate") as raised:
        HttpClient(address, patient=False).call("GET", "/x")
    assert "MLFLOW_TRACKING_SERVER_CERT_PATH" in str(raised.value.hint)
    monkeypatch.setenv("MLFLOW_TRACKING_SERVER_CERT_PATH", str(certificate))
    assert HttpClient(address).call("GET", "/x") == {}
    monkeypatch.setenv("MLFLOW_TRACKING_SERVER_CERT_PATH", str(tmp_path / "none.pem"))
    with pytest.raises(UsageError, match="cannot be used"):
        HttpClient(address).call("GET", "/x")
    monkeypatch.delenv("MLFLOW_TRACKING_SERVER_CERT_PATH")
    monkeypatch.setenv("MLFLOW_TRACKING_INSECURE_TLS", "true")
    assert HttpClient(address).call("GET", "/x") == {}


def test_a_file_that_shrinks_on_its_way_is_no_whole_one(told: FieldReader, tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(b"x" * 10)
    with (tmp_path / "f").open("rb") as file, pytest.raises(Unreachable):
        HttpClient(told.address, timeout=0.5).upload("/f", file, 20)
    with (tmp_path / "f").open("rb") as file:
        HttpClient(told.address).upload(
            "/f", file, 5
        )  # it has grown since its size was looked at: the rest comes another time
    assert b"xxxxx" in [asked[3] for asked in told.asked]  # the server hears of the first one's end when it likes
