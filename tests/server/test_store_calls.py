"""The stores' own calls over HTTP: who may make them, and what comes of any request."""

from __future__ import annotations

import typing
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from mlproj import tracking
from mlproj.server.access import asking
from mlproj.server.app import Principal, Settings, create_app
from mlproj.server.scope import Scope
from mlproj.server.store_calls import calls, needed
from mlproj.tracking.base import NewRun, RunChanges, TrackingStore
from mlproj.tracking.model_base import ModelStore

_METHODS = [
    (kind, name)
    for kind, protocol in (("tracking", TrackingStore), ("models", ModelStore))
    for name in dir(protocol)
    if not name.startswith("_") and name != "close"
]


class Tokens:
    def scope_of(self, token: str) -> Scope | None:
        return {scope.word: scope for scope in Scope}.get(token)


@pytest.fixture
def client(tmp_path: Path) -> Iterator[TestClient]:
    uri = f"sqlite:///{tmp_path}/runs.db"
    with closing(tracking.open(uri)) as store, closing(tracking.open_models(uri)) as models:
        run = store.create_run(NewRun(run_id="a" * 32, params={"a": "1"}, tags={"t": "v"}))
        models.create_registered_model("m")
        models.create_logged_model("0", model_id="m-" + "b" * 32, source_run_id=run.run_id)
        application = create_app(Settings(asking(Tokens(), Principal(store, models)), tmp_path / "artifacts"))
        with TestClient(application, raise_server_exceptions=False) as made:
            yield made


def call(client: TestClient, path: str, token: str = "admin", **fields: Any) -> Any:
    return client.post(f"/api/2.0/mlproj/{path}", json=fields, headers={"Authorization": f"Bearer {token}"})


def test_what_a_server_is_can_be_asked(client: TestClient) -> None:
    assert client.get("/api/2.0/mlproj/server").status_code == 401
    assert client.get("/api/2.0/mlproj/server", headers={"Authorization": "Bearer read"}).json() == {
        "server": "mlproj",
        "calls": 1,
    }


@pytest.mark.parametrize(
    ("path", "fields", "least"),
    [
        ("tracking/get_run", {"reference": "a" * 32}, "read"),
        ("tracking/search_runs", {}, "read"),
        ("tracking/list_runs", {}, "read"),
        ("tracking/metric_history", {"run_id": "a" * 32, "key": "m"}, "read"),
        ("models/latest_versions", {"name": "m"}, "read"),
        ("tracking/log", {"run_id": "a" * 32, "tags": {"x": "y"}}, "write"),
        ("tracking/update_run", {"run_id": "a" * 32, "changes": {"status": "FAILED"}}, "write"),
        ("tracking/update_run", {"run_id": "a" * 32, "changes": {"lifecycle_stage": "deleted"}}, "admin"),
        ("tracking/purge", {}, "admin"),
        ("models/delete_logged_model", {"model_id": "m-" + "b" * 32}, "admin"),
        ("models/delete_registered_model", {"name": "m"}, "admin"),
    ],
)
def test_each_call_needs_its_scope(client: TestClient, path: str, fields: dict[str, Any], least: str) -> None:
    assert client.post(f"/api/2.0/mlproj/{path}", json=fields).status_code == 401
    for scope in Scope:
        answer = call(client, path, scope.word, **fields)
        assert answer.status_code == (200 if scope >= Scope[least.upper()] else 403), answer.text


def test_each_method_has_a_scope_and_only_questions_can_be_asked_by_readers() -> None:
    readers = {name for kind, name in _METHODS if needed(kind, name) is Scope.READ}
    changing = ("create", "update", "log", "set", "delete", "purge", "rename", "link", "append", "finish", "move")
    assert calls() == _METHODS
    assert not [name for name in readers if name.split("_")[0] in changing]
    assert {name for _, name in _METHODS if name.split("_")[0] not in changing} - readers == set()


@pytest.mark.parametrize(
    "path",
    [
        "tracking/close",
        "tracking/_database",
        "tracking/__class__",
        "tracking/mro",
        "models/register",
        "models/nothing",
        "other/log",
        "tracking/create_run/x",
    ],
)
def test_nothing_else_can_be_called(client: TestClient, path: str) -> None:
    answer = call(client, path)
    assert (answer.status_code, answer.json()["error_code"]) == (404, "ENDPOINT_NOT_FOUND")


def test_files_of_the_server_cannot_be_made_the_place_of_artifacts(client: TestClient, tmp_path: Path) -> None:
    for place in (f"file://{tmp_path}", "/etc", "mlflow-artifacts:/../x"):
        for path, fields in (
            ("tracking/create_run", {"new": {"artifact_uri": place}}),
            ("tracking/create_experiment", {"name": "x", "artifact_location": place}),
        ):
            answer = call(client, path, "write", **fields)
            assert answer.status_code == 400 and "artifact location" in answer.json()["message"], answer.text
    made = call(client, "tracking/create_run", "write", new={}).json()["result"]
    assert made["artifact_uri"] == f"mlflow-artifacts:/0/{made['run_id']}/artifacts"


_TEXT = st.text(max_size=8) | st.sampled_from(["a" * 32, "m-" + "b" * 32, "m", "0", "Default", "deleted", "active"])
_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.sampled_from([2**63, -(2**63) - 1, 2**200, 10**400, -1])
    | st.floats(allow_nan=False, allow_infinity=False)
    | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT, inner, max_size=3),
    max_leaves=6,
)


def _arguments(name: str, kind: str) -> st.SearchStrategy[dict[str, Any]]:
    method = getattr({"tracking": TrackingStore, "models": ModelStore}[kind], name)
    names = method.__code__.co_varnames[1 : method.__code__.co_argcount + method.__code__.co_kwonlyargcount]
    hints = typing.get_type_hints(method)
    values = {name: _values(hints[name]) for name in names}
    return st.fixed_dictionaries({}, optional=values) if names else st.just({})


def _values(hint: Any) -> st.SearchStrategy[Any]:
    """Any JSON; for what a run is made with or changed to, mostly its fields with any JSON."""
    if hint not in (NewRun, RunChanges):
        return _JSON
    return st.fixed_dictionaries({}, optional=dict.fromkeys(typing.get_type_hints(hint), _JSON)) | _JSON


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
@pytest.mark.parametrize(("kind", "name"), _METHODS)
def test_no_call_makes_the_server_fail(client: TestClient, kind: str, name: str, data: st.DataObject) -> None:
    answer = call(client, f"{kind}/{name}", **data.draw(_arguments(name, kind)))
    assert answer.status_code in (200, 400, 404), answer.text


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b'{"a":1,"a":2}', b'"x"', b"null"])
def test_a_body_that_is_no_object_is_told(client: TestClient, body: bytes) -> None:
    answer = client.post("/api/2.0/mlproj/tracking/log", content=body, headers={"Authorization": "Bearer admin"})
    assert answer.status_code == 400 and "Traceback" not in answer.text
