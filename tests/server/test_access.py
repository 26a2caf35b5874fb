"""Who is let in, and what for."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from mlproj import tracking
from mlproj.foundation import paths
from mlproj.server.access import Scope, asking, needed
from mlproj.server.admission import Principal
from mlproj.server.app import _TABLES, Settings, create_app
from mlproj.server.token_file import TokenFile
from mlproj.tracking.base import TrackingStore

API = "/api/2.0/mlflow/"


@pytest.fixture
def tokens(tmp_path: Path) -> TokenFile:
    return TokenFile(tmp_path / "tokens.json")


@pytest.fixture
def closed(store: TrackingStore, tokens: TokenFile) -> Iterator[TestClient]:
    models = tracking.open_models()
    yield TestClient(create_app(Settings(asking(tokens, Principal(store, models)), paths.artifacts())))
    models.close()


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def test_nobody_is_let_in_without_a_token(closed: TestClient) -> None:
    for method, path in sorted({endpoint for table in _TABLES for endpoint in table}):
        answer = closed.request(method, API + path)
        assert answer.status_code == 401 and answer.json()["error_code"] == "UNAUTHENTICATED"
        assert answer.headers["www-authenticate"].startswith("Basic ")
    for method in ("GET", "PUT", "DELETE"):
        assert closed.request(method, "/api/2.0/mlflow-artifacts/artifacts/0/x").status_code == 401
    for path in (
        "/",
        "/nothing",
        "/api/2.0/mlflow-artifacts/artifacts",
        "/api/3.0/mlflow/server-info",
        "//version",
        "/health/",
    ):
        assert closed.get(path).status_code == 401
    assert closed.get("/health").status_code == closed.get("/version").status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        "",
        "Bearer",
        "Bearer ",
        "Bearer wrong",
        "Basic",
        "Basic %%%",
        "Basic YQ==",
        "Basic YTpi",
        "Digest x",
        "bearer\tx",
        "Basic w7/Dvw==",
    ],
)
def test_what_is_no_token_lets_nobody_in(closed: TestClient, tokens: TokenFile, header: str) -> None:
    tokens.create("a", Scope.ADMIN, None)
    answer = closed.get(API + "experiments/get", params={"experiment_id": "0"}, headers={"Authorization": header})
    assert answer.status_code == 401 and "wrong" not in answer.text


@pytest.mark.parametrize(
    ("agent", "code"),
    [("mlflow-python-client/1.30.0", "CUSTOMER_UNAUTHORIZED"), ("mlflow-python-client/2.0.1", "UNAUTHENTICATED")],
)
def test_old_clients_are_told_with_a_code_that_they_know(closed: TestClient, agent: str, code: str) -> None:
    answer = closed.get(API + "experiments/get", headers={"User-Agent": agent})
    assert (answer.status_code, answer.json()["error_code"]) == (401, code)


def test_a_token_is_taken_as_bearer_and_as_password(closed: TestClient, tokens: TokenFile) -> None:
    secret, _ = tokens.create("a", Scope.READ, None)

    def ask(query: str = "", **more: Any) -> int:
        return int(closed.get(f"{API}experiments/get?experiment_id=0{query}", **more).status_code)

    assert (
        ask(headers=bearer(secret))
        == ask(auth=("anybody", secret))
        == ask(headers={"Authorization": f"bearer  {secret}"})
        == 200
    )
    assert ask(headers=bearer(secret[:-1])) == ask(auth=(secret, "x")) == ask(f"&token={secret}") == 401


def test_a_scope_ends_where_the_next_begins(closed: TestClient, tokens: TokenFile) -> None:
    secrets = {scope: bearer(tokens.create(scope.word, scope, None)[0]) for scope in Scope}

    def status(scope: Scope, method: str, path: str) -> int:
        return int(
            closed.request(
                method, "/api/2.0/" + path, headers=secrets[scope], json=None if method == "GET" else {}
            ).status_code
        )

    asked = {
        Scope.READ: [
            ("GET", "mlflow/runs/get"),
            ("POST", "mlflow/runs/search"),
            ("POST", "mlflow/registered-models/get-latest-versions"),
        ],
        Scope.WRITE: [
            ("POST", "mlflow/runs/create"),
            ("PUT", "mlflow-artifacts/artifacts/0/x"),
            ("POST", "mlflow/runs/log-batch"),
        ],
        Scope.ADMIN: [
            ("POST", "mlflow/experiments/delete"),
            ("DELETE", "mlflow-artifacts/artifacts/0/x"),
            ("POST", "mlflow/runs/delete"),
        ],
    }
    for scope in Scope:
        for needs, endpoints in asked.items():
            for method, path in endpoints:
                assert (status(scope, method, path) == 403) == (scope < needs), (scope, method, path)


@pytest.mark.parametrize(
    "path",
    [
        "/experiments/delete",
        "experiments/delete/",
        "./experiments/delete",
        "x/../experiments/delete",
        "experiments/delete?x",
    ],
)
def test_no_spelling_of_a_path_gets_around_a_scope(
    closed: TestClient, tokens: TokenFile, store: TrackingStore, path: str
) -> None:
    secret, _ = tokens.create("a", Scope.WRITE, None)
    made = store.create_experiment("x")
    raw = ("/api/2.0/mlflow/" + path.replace("?", "%3F")).encode()
    scope = {"path": API + path, "raw_path": raw}
    answer = _raw(closed, scope, secret, made.experiment_id)
    assert answer in {403, 404} and store.get_experiment(name="x").lifecycle_stage == "active"


def _raw(client: TestClient, scope: dict[str, Any], secret: str, experiment_id: str) -> int:
    """The status of a POST to a path that no client would leave as it is."""
    import anyio

    sent: list[Any] = []
    body = json.dumps({"experiment_id": experiment_id}).encode()

    async def receive() -> Any:
        return {"type": "http.request", "body": body}

    async def send(message: Any) -> None:
        sent.append(message)

    headers = [(b"host", b"localhost"), (b"authorization", f"Bearer {secret}".encode())]
    whole = {
        "type": "http",
        "method": "POST",
        "query_string": b"",
        "headers": headers,
        "root_path": "",
        "scheme": "http",
        **scope,
    }
    anyio.run(client.app, whole, receive, send)
    return int(sent[0]["status"])


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("HEAD", "/api/2.0/mlflow-artifacts/artifacts/1/x", Scope.READ),
        ("POST", "/ajax-api/2.0/preview/mlflow/experiments/search", Scope.READ),
        ("POST", "/api/2.0/mlflow/logged-models/search", Scope.READ),
        ("POST", "/api/2.0/mlflow/runs/searching", Scope.WRITE),
        ("POST", "/api/2.0/mlflow/runs/search/x", Scope.WRITE),
        ("POST", "/elsewhere/mlflow/runs/search", Scope.WRITE),
        ("PATCH", "/api/2.0/mlflow/logged-models/m-1", Scope.WRITE),
        ("POST", "/api/2.0/mlflow/logged-models/m-1", Scope.WRITE),
        ("DELETE", "/api/2.0/mlflow/logged-models/m-1", Scope.ADMIN),
        ("DELETE", "/api/2.0/mlflow/logged-models/m-1/tags/t", Scope.WRITE),
        ("DELETE", "/api/2.0/mlflow/registered-models/alias", Scope.WRITE),
        ("DELETE", "/api/2.0/preview/mlflow/registered-models/delete", Scope.ADMIN),
        ("DELETE", "/api/2.0/mlflow/model-versions/delete/", Scope.ADMIN),
        ("POST", "/api/2.0/mlflow/runs/delete-tag", Scope.WRITE),
        ("POST", "/api/2.0/mlflow/runs/restore", Scope.WRITE),
    ],
)
def test_what_a_request_needs(method: str, path: str, scope: Scope) -> None:
    assert needed(method, path) is scope


def test_a_revoked_and_an_expired_token_are_worthless_at_once(
    closed: TestClient, tokens: TokenFile, tmp_path: Path
) -> None:
    elsewhere = TokenFile(tmp_path / "tokens.json")  # as another process has it
    secret, _ = elsewhere.create("a", Scope.READ, None)
    over, _ = elsewhere.create("b", Scope.READ, 0)

    def ask(token: str) -> int:
        return int(
            closed.get(API + "experiments/get", params={"experiment_id": "0"}, headers=bearer(token)).status_code
        )

    assert (ask(secret), ask(over)) == (200, 401)
    elsewhere.revoke("a")
    assert ask(secret) == 401


def test_a_damaged_file_of_tokens_lets_nobody_in(closed: TestClient, tokens: TokenFile, tmp_path: Path) -> None:
    secret, _ = tokens.create("a", Scope.READ, None)
    (tmp_path / "tokens.json").write_text("{")
    assert closed.get(API + "experiments/get", params={"experiment_id": "0"}, headers=bearer(secret)).status_code == 503
