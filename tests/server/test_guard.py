from __future__ import annotations

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from mlproj.server.guard import LOOPBACK, Guard


@pytest.fixture
def client() -> TestClient:
    def answer(_request: Request) -> PlainTextResponse:
        return PlainTextResponse("answered")

    return TestClient(
        Guard(Starlette(routes=[Route("/", answer, methods=["GET", "POST"])]), LOOPBACK),
        base_url="http://127.0.0.1:5000",
    )


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:5000", "localhost:80", "LOCALHOST", "[::1]:5000"])
def test_this_machine_is_answered(client: TestClient, host: str) -> None:
    assert client.get("/", headers={"host": host}).text == "answered"


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:5000", "127.0.0.1.evil.example", "", "127.0.0.1@evil.example", "localhost."]
)
def test_another_name_is_refused(client: TestClient, host: str) -> None:
    assert client.get("/", headers={"host": host}).status_code == 403


def test_other_pages_cannot_change_anything(client: TestClient) -> None:
    assert client.post("/", headers={"origin": "http://evil.example"}).status_code == 403
    assert client.post("/", headers={"origin": "null"}).status_code == 403
    assert client.post("/", headers={"origin": "http://127.0.0.1:6000"}).status_code == 403
    assert client.post("/", headers={"sec-fetch-site": "cross-site"}).status_code == 403
    assert (
        client.post("/", headers={"origin": "http://127.0.0.1:5000", "sec-fetch-site": "same-origin"}).status_code
        == 200
    )
    assert client.post("/").status_code == 200  # a program


@pytest.mark.parametrize("path", ["//", "///"])
def test_an_address_that_ends_in_a_slash_is_answered_like_one_that_does_not(client: TestClient, path: str) -> None:
    assert client.get("http://127.0.0.1:5000" + path).text == "answered"
    assert client.get("http://evil.example" + path).status_code == 403
