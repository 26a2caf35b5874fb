"""Files at the addresses of MLflow's web pages."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

PAGES = "/ajax-api/2.0/mlflow/"
FILES = "/api/2.0/mlflow-artifacts/artifacts/"


@pytest.fixture
def client(application: Any) -> TestClient:
    return TestClient(application)


def make(client: TestClient, path: str, **fields: Any) -> Any:
    answer = client.post(f"/api/2.0/mlflow/{path}", json=fields)
    assert answer.status_code == 200, answer.text
    return answer.json()


def put(client: TestClient, place: str, content: bytes) -> None:
    assert client.put(FILES + place.removeprefix("mlflow-artifacts:/"), content=content).status_code == 200


@pytest.fixture
def run(client: TestClient) -> Any:
    return make(client, "runs/create", experiment_id="0")["run"]["info"]


def test_a_file_of_a_run_is_sent(client: TestClient, run: Any) -> None:
    put(client, f"{run['artifact_uri']}/a/b c.txt", b"hello")
    for name in ("run_id", "run_uuid"):
        answer = client.get("/get-artifact", params={name: run["run_id"], "path": "a/b c.txt"})
        assert (answer.content, answer.headers["content-type"]) == (b"hello", "text/plain")
    assert answer.headers["content-disposition"].startswith("attachment")
    for path, status in (("none.txt", 404), ("../x", 400), ("a", 404)):
        assert client.get("/get-artifact", params={"run_id": run["run_id"], "path": path}).status_code == status
    assert client.get("/get-artifact", params={"run_id": run["run_id"]}).status_code == 400
    assert client.get("/get-artifact", params={"run_id": "f" * 32, "path": "a"}).status_code == 404


def test_a_file_of_a_version_and_of_a_logged_model_is_sent(client: TestClient) -> None:
    model = make(client, "logged-models", experiment_id="0")["model"]["info"]
    put(client, f"{model['artifact_uri']}/MLmodel", b"flavors: {}")
    address = f"{PAGES}logged-models/{model['model_id']}/artifacts/files"
    assert client.get(address, params={"artifact_file_path": "MLmodel"}).content == b"flavors: {}"
    refused = client.get(address)
    assert (refused.status_code, refused.json()["error_code"]) == (400, "BAD_REQUEST")
    make(client, "registered-models/create", name="digits")
    make(client, "model-versions/create", name="digits", source=f"models:/{model['model_id']}")
    answer = client.get("/model-versions/get-artifact", params={"name": "digits", "version": "1", "path": "MLmodel"})
    assert answer.content == b"flavors: {}"
    for unknown in ("/model-versions/get-artifact?name=none&version=1", f"/get-artifact?run_id={'f' * 32}"):
        assert client.get(f"{unknown}&path=../x").json()["message"] == "Invalid path"


def test_a_file_elsewhere_is_not_fetched_for_who_asks(client: TestClient) -> None:
    made = make(client, "experiments/create", name="far", artifact_location="s3://bucket/far")
    run = make(client, "runs/create", experiment_id=made["experiment_id"])["run"]["info"]
    answer = client.get("/get-artifact", params={"run_id": run["run_id"], "path": "a"})
    assert answer.status_code == 404 and "s3://bucket/far" in answer.json()["message"]


def test_a_small_file_is_uploaded_to_a_run(client: TestClient, run: Any) -> None:
    def upload(content: bytes, **params: str) -> Any:
        return client.post(f"{PAGES}upload-artifact", params=params, content=content)

    assert upload(b"\x00{not json", run_uuid=run["run_id"], path="a/x.bin").status_code == 200
    sent = client.get("/get-artifact", params={"run_id": run["run_id"], "path": "a/x.bin"})
    assert sent.content == b"\x00{not json"
    big = b"x" * (10 * 1024 * 1024 + 1)
    for content, params, said in (
        (b"x", {}, "Request must specify run_uuid."),
        (b"x", {"run_uuid": run["run_id"]}, "Request must specify path."),
        (b"", {"run_uuid": run["run_id"], "path": "../x"}, "Invalid path"),
        (b"", {"run_uuid": run["run_id"], "path": "x"}, "Request must specify data."),
        (big, {"run_uuid": run["run_id"], "path": "x"}, "Artifact size is too large"),
    ):
        refused = upload(content, **params)
        assert refused.status_code == 400 and said in refused.json()["message"]


def test_a_tag_of_a_logged_model_whose_key_has_slashes_is_removed(client: TestClient) -> None:
    tags = [{"key": "a/b/c", "value": "1"}, {"key": "a", "value": "2"}]
    model_id = make(client, "logged-models", experiment_id="0", tags=tags)["model"]["info"]["model_id"]
    address = f"/api/2.0/mlflow/logged-models/{model_id}"
    assert client.delete(f"{address}/tags/a/b/c").status_code == 200
    assert client.get(address).json()["model"]["info"]["tags"] == [{"key": "a", "value": "2"}]
    assert client.delete(f"{address}/tags/a/b/c").status_code == 404
