"""What a client says wrongly is its mistake: no answer says that the server failed, and nothing is kept that cannot be
shown."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.testclient import TestClient

from mlproj import artifacts, tracking
from mlproj.foundation import paths
from mlproj.server.pages import site
from mlproj.tracking.base import NewRun, TrackingStore

NANOSECONDS = 1_764_412_345_678_000_000


@pytest.fixture
def client(application: Any) -> TestClient:
    return TestClient(application, raise_server_exceptions=False)


@pytest.fixture
def run_id(store: TrackingStore) -> str:
    return store.create_run(NewRun()).run_id


def refused(answer: Any) -> bool:
    return (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize("time", [NANOSECONDS, -NANOSECONDS, 253_402_300_800_000, str(NANOSECONDS), 2**63 - 1])
def test_a_time_that_no_calendar_has_is_refused(client: TestClient, run_id: str, time: Any) -> None:
    for path, fields in (
        ("mlflow/runs/create", {"start_time": time}),
        ("mlflow/runs/update", {"run_id": run_id, "end_time": time}),
        ("mlflow/runs/log-metric", {"run_id": run_id, "key": "m", "value": 1, "timestamp": time}),
        ("mlflow/runs/log-batch", {"run_id": run_id, "metrics": [{"key": "m", "value": 1, "timestamp": time}]}),
        ("mlproj/tracking/create_run", {"new": {"start_time": time}}),
        ("mlproj/tracking/update_run", {"run_id": run_id, "changes": {"end_time": time}}),
        ("mlproj/tracking/log", {"run_id": run_id, "metrics": [{"key": "m", "value": 1.0, "timestamp": time}]}),
    ):
        assert refused(client.post(f"/api/2.0/{path}", content=json.dumps(fields))), path


DEEP: Any = "x"
for _ in range(30):
    DEEP = [DEEP]


@pytest.mark.parametrize(
    "fields",
    [
        *(
            {"source": document}
            for document in ("x", [], {"commit": 1}, {"uri": {}}, {"dirty": "yes"}, {"further": DEEP})
        ),
        *(
            {"environment": document}
            for document in (1, {"lock": 5}, {"lock": "../x"}, {"machine": []}, {"machine": {"variables": [1]}})
        ),
        *({"environment": {"image": document}} for document in ("x", {"id": 1})),
        *(
            {"inputs": document}
            for document in ("x", ["x"], [{"sha256": 1}], [{"sha256": "no digits"}], [{"size": "1"}], [{"size": 2**70}])
        ),
        *(
            {"outputs": document}
            for document in ([{"path": "a", "sha256": 1, "size": 1}], [{"path": "a", "sha256": "zz", "size": 1}])
        ),
    ],
    ids=json.dumps,
)
def test_a_document_of_another_kind_is_refused(client: TestClient, run_id: str, fields: dict[str, Any]) -> None:
    if "outputs" not in fields:
        assert refused(client.post("/api/2.0/mlproj/tracking/create_run", content=json.dumps({"new": fields})))
    changes = {"run_id": run_id, "changes": fields}
    changed = client.post("/api/2.0/mlproj/tracking/update_run", content=json.dumps(changes))
    assert refused(changed)
    found = next(iter(fields.values()))
    assert not isinstance(found, dict) or next(iter(fields)) in changed.json()["message"]


@pytest.mark.parametrize(
    ("path", "fields", "status"),
    [
        (
            "mlflow/runs/log-inputs",
            {"datasets": [{"dataset": {"name": "d", "digest": "d", "source_type": "s", "source": "s"}, "tags": True}]},
            400,
        ),
        ("mlproj/tracking/mro", {}, 404),
        ("mlproj/tracking/register", {}, 404),
        ("mlproj/tracking/update_run", {"changes": {"lifecycle_stage": "gone"}}, 400),
        ("mlproj/tracking/update_experiment", {"experiment_id": "0", "lifecycle_stage": "gone"}, 400),
        ("mlproj/tracking/search_runs", {"lifecycle_stage": "gone"}, 400),
        ("mlproj/tracking/list_runs", {"limit": -1}, 400),
        ("mlproj/tracking/search_runs", {"limit": 2**63 - 1}, 200),
        ("mlproj/tracking/search_experiments", {"limit": 2**63 - 1}, 200),
        ("mlproj/models/search_registered_models", {"limit": 2**63 - 1}, 200),
        ("mlproj/models/search_versions", {"limit": 2**63 - 1}, 200),
        ("mlproj/models/search_logged_models", {"experiment_ids": ["0"], "limit": 2**63 - 1}, 200),
    ],
)
def test_what_is_asked_wrongly_is_the_clients_mistake(
    client: TestClient, run_id: str, path: str, fields: dict[str, Any], status: int
) -> None:
    if path.endswith(("log-inputs", "update_run")):
        fields = {"run_id": run_id, **fields}
    answer = client.post(f"/api/2.0/{path}", content=json.dumps(fields))
    assert answer.status_code == status and str(paths.home()) not in answer.text, answer.text


def test_files_with_a_tab_or_a_backslash_go_through_the_server(client: TestClient, run_id: str) -> None:
    place = f"/api/2.0/mlflow-artifacts/artifacts/0/{run_id}/artifacts"
    for name, quoted in (("a\tb", "a%09b"), ("a\\b", "a%5Cb")):
        assert client.put(f"{place}/{quoted}", content=b"x").status_code == 200
        assert client.get(f"{place}/{quoted}").content == b"x"
        listed = client.get("/api/2.0/mlflow/artifacts/list", params={"run_id": run_id}).json()["files"]
        assert name in [file["path"] for file in listed]
        assert client.delete(f"{place}/{quoted}").status_code == 200


@pytest.fixture
def pages(store: TrackingStore) -> TestClient:
    models = tracking.open_models()
    return TestClient(
        Starlette(routes=site.routes(lambda _request: store, lambda _request: models, artifacts.open_recorded))
    )


def test_a_table_that_is_none_and_texts_that_cannot_be_sent_are_shown(pages: TestClient, store: TrackingStore) -> None:
    run = store.create_run(NewRun())
    folder = Path(run.artifact_uri.removeprefix("file://"))
    folder.mkdir(parents=True)
    (folder / "long.csv").write_text("a,b\n" + "x" * 200_000 + ",1\n")
    (folder / "half.json").write_text('{"a": "\\ud800"}')
    (folder / "a\tb\\c.txt").write_text("kept")
    for name in ("long.csv", "half.json", "a%09b%5Cc.txt"):
        assert pages.get(f"/runs/{run.run_id}/artifacts/{name}").status_code == 200, name
    assert "a%09b%5Cc.txt" in pages.get(f"/runs/{run.run_id}").text
    assert pages.get(f"/runs/{run.run_id}/raw/a%09b%5Cc.txt").text == "kept"


@pytest.mark.parametrize("name", ["x" * 5000, "%2e%2e%2fsite.py", "%00", "é", "x%0a"])
def test_a_page_that_cannot_be_is_not_found(pages: TestClient, name: str) -> None:
    assert pages.get(f"/static/{name}").status_code == 404
