"""The application's door: what is answered where, and what is refused how."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from mlproj import tracking
from mlproj.foundation import paths
from mlproj.server.admission import Principal
from mlproj.server.app import _TABLES, Settings, create_app
from mlproj.server.guard import LOOPBACK
from mlproj.server.request_fields import LARGEST_BODY
from mlproj.tracking.base import NewRun, TrackingStore

API = "/api/2.0/mlflow/"
CREATE = API + "experiments/create"


@pytest.fixture
def client(application: Any) -> TestClient:
    return TestClient(application, raise_server_exceptions=False)


def refused(answer: Any) -> tuple[int, str]:
    found = answer.json()
    assert set(found) == {"error_code", "message"} and found["message"]
    return answer.status_code, found["error_code"]


@pytest.mark.parametrize(
    "prefix", ["api/2.0/mlflow", "api/2.0/preview/mlflow", "ajax-api/2.0/mlflow", "ajax-api/2.0/preview/mlflow"]
)
def test_every_prefix_is_answered(client: TestClient, prefix: str) -> None:
    assert (
        client.get(f"/{prefix}/experiments/get", params={"experiment_id": "0"}).json()["experiment"]["name"]
        == "Default"
    )


def test_clients_find_out_what_they_talk_to(client: TestClient) -> None:
    assert client.get("/health").text == "OK"
    assert client.get("/version").text == "3.17.2"
    assert client.get("/api/3.0/mlflow/server-info").json()["store_type"] == "SqlStore"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(
            ("GET", "/api/2.0/mlflow/nothing"),
            ("POST", "/api/2.0/mlflow/experiments/get"),
            ("DELETE", "/version"),
            ("GET", "/nothing"),
        ),
        *(
            ("POST", "/api/3.0/mlflow/traces"),
            ("POST", "/v1/traces"),
            ("GET", "/api/2.0/mlflow/"),
            ("PATCH", "/api/9/x"),
        ),
    ],
)
def test_what_is_not_there_is_told_as_mlflows_clients_read_it(client: TestClient, method: str, path: str) -> None:
    assert refused(client.request(method, path)) == (404, "ENDPOINT_NOT_FOUND")


@pytest.mark.parametrize(
    "body",
    [
        *(
            b"{",
            b"[]",
            b'"x"',
            b"null",
            b'{"name": "\xff"}',
            b'{"name": "a", "name": "b"}',
            b'{"name": "\\ud800"}',
            b"[" * 100_000,
        ),
        *(
            b'{"name": ' + b"9" * 5000 + b"}",
            '{"name": "x"}'.encode("utf-16"),
            b'{"tags": [{"key": "a", "key": "b"}], "name": "x"}',
        ),
        *(
            b'{"name": {}}',
            b'{"name": ["a"]}',
            b'{"name": true}',
            b'{"name": "x", "tags": [1]}',
            b'{"name": "x", "tags": {"a": 1}}',
            b"{}",
        ),
        *(b'{"name": ""}', b'{"name": " "}', b'{"name": null}', b'{"name": "x", "tags": [{"value": "v"}]}', b""),
    ],
)
def test_a_body_that_makes_no_sense_is_the_clients_mistake(client: TestClient, body: bytes) -> None:
    assert refused(client.post(CREATE, content=body)) == (400, "INVALID_PARAMETER_VALUE")


def test_a_huge_body_is_refused(client: TestClient) -> None:
    assert refused(client.post(CREATE, content=b" " * (LARGEST_BODY + 1))) == (400, "INVALID_PARAMETER_VALUE")


def test_fields_that_are_not_known_are_ignored(client: TestClient) -> None:
    assert client.post(CREATE, json={"name": "x", "from_the_future": {"a": [1]}}).status_code == 200


def test_a_failure_of_the_store_is_told_as_one_that_may_pass(store: TrackingStore) -> None:
    models = tracking.open_models()
    client = TestClient(create_app(Settings(lambda _request: Principal(store, models), paths.artifacts())))
    store.close()
    assert refused(client.get(API + "experiments/get", params={"experiment_id": "0"})) == (
        503,
        "TEMPORARILY_UNAVAILABLE",
    )
    models.close()


def test_a_bug_is_told_without_its_traceback() -> None:
    def admit(_request: Any) -> Principal:
        return Principal(None, None)  # type: ignore[arg-type]

    client = TestClient(create_app(Settings(admit, paths.artifacts())), raise_server_exceptions=False)
    answer = client.get(API + "experiments/get", params={"experiment_id": "0"})
    assert refused(answer) == (500, "INTERNAL_ERROR") and "NoneType" not in answer.text


def test_other_names_and_other_pages_are_refused_as_mlflows_clients_read_it(store: TrackingStore) -> None:
    models = tracking.open_models()
    application = create_app(Settings(lambda _request: Principal(store, models), paths.artifacts(), hosts=LOOPBACK))
    client = TestClient(application, base_url="http://127.0.0.1:5000")
    assert client.post(CREATE, json={"name": "x"}).status_code == 200
    assert refused(client.post(CREATE, json={"name": "y"}, headers={"host": "evil.example"})) == (
        403,
        "PERMISSION_DENIED",
    )
    assert refused(client.post(CREATE, json={"name": "y"}, headers={"origin": "http://evil.example"})) == (
        403,
        "PERMISSION_DENIED",
    )
    assert [experiment.name for experiment in store.list_experiments()] == ["Default", "x"]
    models.close()


# Whatever a client sends, no answer says that the server is at fault: clients would send it again and again.

FIELDS = (
    "name new_name experiment_id experiment_ids experiment_name run_id run_uuid key value timestamp step metrics params"
    " tags filter order_by max_results page_token view_type run_view_type status end_time start_time lifecycle_stage"
    " artifact_location path metric_key datasets models model_id version stage source alias run_name user_id dataset"
    " info data model_type"
).split()
_odd = st.sampled_from(
    [
        2**63,
        -(2**63) - 1,
        2**63 - 1,
        "9" * 30,
        1e400,
        -1e400,
        "NaN",
        "Infinity",
        1.5,
        "",
        " ",
        "\0",
        "\x7f",
        "é\u2028",
        "0",
        "00",
        "-1",
        "..",
        "a" * 9000,
    ]
)
_value = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | _odd
    | st.sampled_from(["0", "RUNNING", "ACTIVE_ONLY", "run"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4),
    max_leaves=8,
)
ENDPOINTS = sorted({endpoint for table in _TABLES for endpoint in table})


@pytest.fixture(scope="module")
def anything(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, str]]:
    uri = f"sqlite:///{tmp_path_factory.mktemp('any')}/runs.db"
    store, models = tracking.open(uri), tracking.open_models(uri)
    run_id = store.create_run(NewRun()).run_id
    application = create_app(Settings(lambda _request: Principal(store, models), tracking.artifact_folder(uri)))
    yield TestClient(application, raise_server_exceptions=True), run_id
    store.close()
    models.close()


@pytest.mark.parametrize(("method", "path"), ENDPOINTS, ids=lambda part: part)
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(fields=st.dictionaries(st.sampled_from(FIELDS), _value, max_size=8), known=st.booleans())
def test_no_request_makes_the_server_fail(
    anything: tuple[TestClient, str], method: str, path: str, fields: dict[str, Any], known: bool
) -> None:
    client, run_id = anything
    if known:
        fields = {**fields, "run_id": run_id}
    url = API + path.replace("{", "").replace("}", "")
    if method == "GET":
        answer = client.get(
            url, params={key: value for key, value in fields.items() if isinstance(value, (str, int, float))}
        )
    else:
        answer = client.request(method, url, content=json.dumps(fields).encode("utf-8", "surrogatepass"))
    assert answer.status_code < 500, answer.text
    if answer.status_code >= 400:
        refused(answer)
