"""Files over HTTP, as hostile clients send them."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from starlette.testclient import TestClient

from mlproj import tracking
from mlproj.foundation import paths
from mlproj.server.admission import Principal
from mlproj.server.app import Settings, create_app
from mlproj.tracking.base import TrackingStore
from tests.server.conftest import served

FILES = "/api/2.0/mlflow-artifacts/artifacts"
API = "/api/2.0/mlflow/"


@pytest.fixture
def client(application: Any) -> TestClient:
    return TestClient(application)


def test_a_file_goes_there_and_back(client: TestClient) -> None:
    assert client.put(f"{FILES}/1/r/artifacts/a b/ü.txt", content=b"hello").json() == {}
    assert client.get(f"{FILES}/1/r/artifacts/a b/ü.txt").content == b"hello"
    assert client.get(FILES, params={"path": "1/r/artifacts"}).json() == {"files": [{"path": "a b", "is_dir": True}]}
    assert client.get(FILES, params={"path": "1/r/artifacts/a b"}).json() == {
        "files": [{"path": "ü.txt", "is_dir": False, "file_size": 5}]
    }
    assert client.head(f"{FILES}/1/r/artifacts/a b/ü.txt").headers["content-length"] == "5"
    assert client.delete(f"{FILES}/1/r/artifacts/a b").json() == {}
    missing = client.get(f"{FILES}/1/r/artifacts/a b/ü.txt")
    assert (missing.status_code, missing.json()["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")


def test_a_file_that_is_not_there_is_deleted_without_a_word(client: TestClient) -> None:
    answer = client.delete(f"{FILES}/1/r/artifacts/gone.txt")
    assert (answer.status_code, answer.json()) == (200, {})
    assert client.delete(f"{FILES}/..%2Fgone.txt").status_code == 400


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *(
            (name, "text/plain")
            for name in ("MLmodel", "MLproject", "conda.yaml", "a.YML", "nb.ipynb", "a.json", "a.csv", "a.md", "a.py")
        ),
        ("page.html", "text/html"),
        ("p.png", "image/png"),
        ("model.pkl", "application/octet-stream"),
        ("LICENSE", "application/octet-stream"),
    ],
)
def test_the_type_of_a_file_is_what_mlflow_tells(client: TestClient, name: str, kind: str) -> None:
    client.put(f"{FILES}/1/{name}", content=b"x")
    assert client.get(f"{FILES}/1/{name}").headers["content-type"] == kind


def test_the_files_of_a_logged_model_are_listed(client: TestClient) -> None:
    model = client.post(API + "logged-models", json={"experiment_id": "0"}).json()["model"]["info"]
    place = model["artifact_uri"].removeprefix("mlflow-artifacts:")
    client.put(f"{FILES}{place}/data/model.pkl", content=b"abc")
    listed = API + f"logged-models/{model['model_id']}/artifacts/directories"
    assert client.get(listed).json()["files"] == [{"path": "data", "is_dir": True}]
    inside = client.get(listed, params={"artifact_directory_path": "data"}).json()
    assert inside["files"] == [{"path": "data/model.pkl", "is_dir": False, "file_size": 3}]


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("dog+step+20.png", "filename=dog+step+20.png"),
        ("a b;c.txt", "filename*=UTF-8''a%20b%3Bc.txt"),
        ("\u00fc.txt", "filename*=UTF-8''%C3%BC.txt"),
    ],
)
def test_a_download_is_named_as_the_file_is(client: TestClient, name: str, told: str) -> None:
    client.put(f"{FILES}/1/{name}", content=b"x")
    assert client.get(f"{FILES}/1/{name}").headers["content-disposition"] == f"attachment; {told}"


def test_an_uploaded_page_cannot_act_as_ours(client: TestClient) -> None:
    client.put(f"{FILES}/1/x.html", content=b"<script>alert(1)</script>")
    headers = client.get(f"{FILES}/1/x.html").headers
    assert headers["content-disposition"].startswith("attachment")
    assert headers["x-content-type-options"] == "nosniff" and headers["content-security-policy"].startswith("sandbox")


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/%2e%2e/x",
            "/a/%2e%2e/%2e%2e/x",
            "/..%2fx",
            "/%2fetc/passwd",
            "//etc/passwd",
            "/%252e%252e/x",
            "/%252e%252e%252fx",
            "/a%00b",
        ),
        *("/a%5c..%5cb", "/..%5cx", "/C:%5cx", "/C:/x", "/%ff/%2e%2e/x", "/" + "x" * 300),
    ],
)
def test_no_path_leaves_the_artifacts(serve: Callable[[Any], str], application: Any, path: str) -> None:
    (paths.home() / "x").write_text("secret")
    host, port = urlsplit(serve(application)).netloc.split(":")
    for method in ("GET", "PUT", "DELETE"):
        with socket.create_connection((host, int(port))) as connection:  # clients tidy paths up before they send them
            lines = (
                f"{method} {FILES}{path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length:"
                " 3\r\n\r\nbad"
            )
            connection.sendall(lines.encode("latin-1"))
            answer = connection.makefile("rb").read()
        assert answer.startswith(b"HTTP/1.1 400 ") and b"secret" not in answer
    assert (paths.home() / "x").read_text() == "secret"


def test_a_broken_off_upload_leaves_nothing(application: Any) -> None:
    with served(application) as address:  # which ends when nothing is under way any more
        host, port = urlsplit(address).netloc.split(":")
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(
                f"PUT {FILES}/1/half HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n".encode()
                + b"x" * 600_000
            )
            connection.shutdown(socket.SHUT_WR)
            connection.makefile("rb").read()
    assert list((paths.artifacts() / "1").iterdir()) == []


def test_clients_fall_back_to_one_upload(client: TestClient) -> None:
    answer = client.post("/api/2.0/mlflow-artifacts/mpu/create/1/r/artifacts", json={"path": "x", "num_parts": 2})
    assert answer.status_code == 404
    assert answer.json()["message"].startswith("Multipart upload is not supported for the current artifact repository")


def test_files_of_a_run_are_listed(client: TestClient) -> None:
    run = client.post(API + "runs/create", json={"experiment_id": "0"}).json()["run"]["info"]
    assert run["artifact_uri"] == f"mlflow-artifacts:/0/{run['run_id']}/artifacts"
    client.put(f"{FILES}/0/{run['run_id']}/artifacts/d/a", content=b"x")

    def ask(path: str) -> Any:
        return client.get(API + "artifacts/list", params={"run_id": run["run_id"], "path": path})

    assert ask("").json() == {"root_uri": run["artifact_uri"], "files": [{"path": "d", "is_dir": True}]}
    assert ask("d").json()["files"] == [{"path": "d/a", "is_dir": False, "file_size": 1}]
    for path in ("..", "../..", "/etc", "%2e%2e", "d/../.."):
        assert ask(path).json()["error_code"] == "INVALID_PARAMETER_VALUE"


@pytest.mark.parametrize(
    "place",
    [
        "/etc",
        "file:///etc",
        "FILE:/etc",
        "file:/etc",
        "../x",
        "C:/x",
        "local:///etc",
        "etc",
        "mlflow-artifacts:/../x",
        "mlflow-artifacts:/",
    ],
)
def test_who_may_log_may_not_have_any_file_of_the_server(client: TestClient, place: str) -> None:
    answer = client.post(API + "experiments/create", json={"name": "x", "artifact_location": place})
    assert (answer.status_code, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")


def test_an_experiment_may_have_its_files_elsewhere(client: TestClient, store: TrackingStore) -> None:
    for name, place in {"a": "s3://bucket/x", "b": "mlflow-artifacts:/shared/x"}.items():
        made = client.post(API + "experiments/create", json={"name": name, "artifact_location": place}).json()[
            "experiment_id"
        ]
        assert (
            client.get(API + "experiments/get", params={"experiment_id": made}).json()["experiment"][
                "artifact_location"
            ]
            == place
        )
        run = client.post(API + "runs/create", json={"experiment_id": made}).json()["run"]["info"]
        assert run["artifact_uri"] == f"{place}/{run['run_id']}/artifacts"
        assert client.get(API + "artifacts/list", params={"run_id": run["run_id"]}).json()["files"] == []
    assert store.get_experiment(name="b").artifact_location == paths.artifacts().as_uri() + "/shared/x"


@pytest.mark.parametrize(
    ("agent", "old"),
    [
        ("mlflow-python-client/1.8.0", True),
        ("mlflow-python-client/1.23.1", True),
        ("mlflow-python-client/1.24.0", False),
        ("mlflow-python-client/2.9.2", False),
        ("curl/8", False),
    ],
)
def test_old_clients_on_this_machine_are_told_the_real_place(
    serve: Callable[[Any], str], application: Any, agent: str, old: bool
) -> None:
    import httpx2

    answer = httpx2.get(
        serve(application) + API + "experiments/get", params={"experiment_id": "0"}, headers={"User-Agent": agent}
    )
    assert answer.json()["experiment"]["artifact_location"].startswith("file:" if old else "mlflow-artifacts:")


@pytest.mark.needs("fsspec")
def test_files_may_be_kept_where_fsspec_reaches(store: TrackingStore) -> None:
    models = tracking.open_models()
    client = TestClient(create_app(Settings(lambda _request: Principal(store, models), "memory://bucket")))
    client.put(f"{FILES}/1/a.txt", content=b"x" * 1_000_000)
    answer = client.get(f"{FILES}/1/a.txt")
    assert answer.content == b"x" * 1_000_000 and answer.headers["content-disposition"].startswith("attachment")
    assert client.get(FILES, params={"path": "1"}).json() == {
        "files": [{"path": "a.txt", "is_dir": False, "file_size": 1_000_000}]
    }
    assert client.delete(f"{FILES}/1/a.txt").json() == {}
    models.close()
