"""Who is let in, and what for."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from mlproj import tracking
from mlproj.foundation import paths
from mlproj.server.access import Scope, asking
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
