"""What the token of a run reaches: the run, what is below it, the experiment it is in, and new models and versions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from starlette.testclient import TestClient

from mlproj import tracking
from mlproj.artifacts.local import LocalArtifacts
from mlproj.server.confined_reading import ConfinedReading
from mlproj.server.embedded_service import Stores, application
from mlproj.server.run_scoped_experiments import Chosen, RunScopedExperiments
from mlproj.server.run_scoped_registry import RunScopedRegistry
from mlproj.server.run_scoped_store import RunScopedStore
from mlproj.tracking.base import Metric, NewRun, TrackingStore
from mlproj.tracking.model_base import ModelRegistry, ModelStore

OURS, THEIRS, THEIR_MODEL = "a" * 32, "c" * 32, "m-" + "b" * 32


class World(NamedTuple):
    """A run's own server beside other people's things; a confined run's or another's."""

    client: TestClient
    store: TrackingStore
    models: ModelStore
    files: Path
    confined: bool

    def ask(self, method: str, path: str, **fields: Any) -> Any:
        more: dict[str, Any] = {"params": fields} if method == "GET" else {"content": json.dumps(fields)}
        return self.client.request(method, f"/api/2.0/mlflow/{path}", **more)

    def post(self, path: str, **fields: Any) -> Any:
        answer = self.ask("POST", path, **fields)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def file(self, method: str, path: str, content: bytes = b"") -> int:
        return int(
            self.client.request(
                method, f"/api/2.0/mlflow-artifacts/artifacts/{path}", content=content or None
            ).status_code
        )

    def theirs(self) -> Any:
        """All that is other people's, to be the same afterwards."""
        run = self.store.get_run(THEIRS)
        return (
            (run, self.store.metric_history(THEIRS, "m"), self.store.get_experiment(experiment_id="1")),
            [version for version in self.models.search_versions().items if version.run_id == THEIRS],
            self.models.get_registered_model("theirs"),
            self.models.get_logged_model(THEIR_MODEL),
            (self.files / f"1/{THEIRS}/artifacts/kept.txt").read_text(),
        )


@pytest.fixture(params=[True, False], ids=["confined", "free"])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    yield from made(tmp_path, confined=request.param)


@pytest.fixture
def confined(tmp_path: Path) -> Iterator[World]:
    yield from made(tmp_path, confined=True)


@pytest.fixture
def free(tmp_path: Path) -> Iterator[World]:
    yield from made(tmp_path, confined=False)


def made(tmp_path: Path, *, confined: bool) -> Iterator[World]:
    uri = f"sqlite:///{tmp_path}/runs.db"
    folder = tmp_path / "artifacts"
    with closing(tracking.open(uri)) as store, closing(tracking.open_models(uri)) as models:
        other = store.create_experiment("other", tags={"team": "theirs"})
        store.create_run(NewRun(run_id=THEIRS, experiment_id=other.experiment_id, params={"secret": "s"}))
        store.log(THEIRS, metrics=[Metric("m", 1.0, 1)])
        models.create_registered_model("theirs", description="d", tags={"k": "v"})
        models.create_logged_model(other.experiment_id, model_id=THEIR_MODEL, source_run_id=THEIRS)
        models.create_version("theirs", f"models:/{THEIR_MODEL}", run_id=THEIRS)
        models.set_alias("theirs", "champion", 1)
        for run_id, experiment_id in ((THEIRS, "1"), (OURS, "0")):
            place = folder / experiment_id / run_id / "artifacts"
            place.mkdir(parents=True)
            (place / "kept.txt").write_text("as it was")
        run = store.create_run(NewRun(run_id=OURS))
        scoped = RunScopedStore(store, run, Chosen(), tmp_path, confined=confined)
        app = application(scoped, Stores(store, models, LocalArtifacts(folder)), "token", proxied=True)
        with TestClient(app, headers={"Authorization": "Bearer token"}) as client:
            yield World(client, store, models, folder, confined)


HARMFUL: list[tuple[str, str, dict[str, Any]]] = [
    *[("POST", f"runs/{word}", {"run_id": THEIRS}) for word in ("update", "delete", "restore")],
    ("POST", "runs/log-metric", {"run_id": THEIRS, "key": "m", "value": 2, "timestamp": 2}),
    ("POST", "runs/log-parameter", {"run_id": THEIRS, "key": "p", "value": "v"}),
    ("POST", "runs/set-tag", {"run_id": THEIRS, "key": "mlflow.parentRunId", "value": OURS}),
    ("POST", "runs/log-batch", {"run_id": THEIRS, "params": [{"key": "p", "value": "v"}]}),
    ("POST", "runs/log-inputs", {"run_id": THEIRS, "datasets": []}),
    ("POST", "runs/outputs", {"run_id": THEIRS, "models": [{"model_id": THEIR_MODEL}]}),
    ("POST", "experiments/set-experiment-tag", {"experiment_id": "1", "key": "team", "value": "ours"}),
    ("POST", "experiments/delete-experiment-tag", {"experiment_id": "1", "key": "team"}),
    ("POST", "experiments/update", {"experiment_id": "1", "new_name": "ours"}),
    ("POST", "experiments/delete", {"experiment_id": "1"}),
    ("POST", "experiments/restore", {"experiment_id": "1"}),
    ("POST", "registered-models/rename", {"name": "theirs", "new_name": "ours"}),
    ("POST", "registered-models/update", {"name": "theirs", "description": "ours"}),
    ("DELETE", "registered-models/delete", {"name": "theirs"}),
    ("POST", "registered-models/set-tag", {"name": "theirs", "key": "k", "value": "ours"}),
    ("DELETE", "registered-models/delete-tag", {"name": "theirs", "key": "k"}),
    ("POST", "registered-models/alias", {"name": "theirs", "alias": "other", "version": "1"}),
    ("DELETE", "registered-models/alias", {"name": "theirs", "alias": "champion"}),
    ("POST", "model-versions/update", {"name": "theirs", "version": "1", "description": "ours"}),
    ("DELETE", "model-versions/delete", {"name": "theirs", "version": "1"}),
    ("POST", "model-versions/set-tag", {"name": "theirs", "version": "1", "key": "k", "value": "ours"}),
    ("DELETE", "model-versions/delete-tag", {"name": "theirs", "version": "1", "key": "k"}),
    ("POST", "model-versions/transition-stage", {"name": "theirs", "version": "1", "stage": "Production"}),
    ("PATCH", f"logged-models/{THEIR_MODEL}", {"status": "LOGGED_MODEL_READY"}),
    ("DELETE", f"logged-models/{THEIR_MODEL}", {}),
    ("PATCH", f"logged-models/{THEIR_MODEL}/tags", {"tags": [{"key": "k", "value": "ours"}]}),
    ("POST", f"logged-models/{THEIR_MODEL}/params", {"params": [{"key": "k", "value": "ours"}]}),
]


def test_nothing_of_others_can_be_changed(world: World) -> None:
    before = world.theirs()
    for method, path, fields in HARMFUL:
        answer = world.ask(method, path, **fields)
        assert (answer.status_code, answer.json()["error_code"]) == (403, "PERMISSION_DENIED"), (path, answer.text)
    assert world.theirs() == before


def test_files_of_others_can_neither_be_changed_nor_added_to(world: World) -> None:
    before = world.theirs()
    for path in (
        f"1/{THEIRS}/artifacts/kept.txt",
        f"1/models/{THEIR_MODEL}/artifacts/MLmodel",
        "1/x",
        "x",
        f"0/{THEIRS}/artifacts/x",
    ):
        assert world.file("PUT", path, b"ours") == 403
        assert world.file("DELETE", path) == 403
    for path in ("1", f"1/{THEIRS}", f"1/{THEIRS}/artifacts", "0", f"0/{OURS}"):
        assert world.file("DELETE", path) == 403
    assert world.theirs() == before and [path.name for path in (world.files / "1").rglob("*.txt")] == ["kept.txt"]


def test_mlflows_pages_lead_to_no_more_than_its_own(world: World) -> None:
    pages = "/ajax-api/2.0/mlflow/"

    def upload(run_id: str) -> int:
        params = {"run_uuid": run_id, "path": "kept.txt"}
        return int(world.client.post(f"{pages}upload-artifact", params=params, content=b"ours").status_code)

    before = world.theirs()
    assert upload(THEIRS) == 403 and world.theirs() == before
    looks = [
        ("/get-artifact", {"run_id": THEIRS, "path": "kept.txt"}),
        (f"{pages}metrics/get-history-bulk", {"run_id": THEIRS, "metric_key": "m"}),
        (f"{pages}metrics/get-history-bulk-interval", {"run_ids": THEIRS, "metric_key": "m"}),
    ]
    for address, params in looks:
        assert world.client.get(address, params=params).status_code == (403 if world.confined else 200), address
    assert upload(OURS) == 200
    assert world.client.get("/get-artifact", params={"run_id": OURS, "path": "kept.txt"}).content == b"ours"


def test_no_place_for_artifacts_leads_into_another_runs(world: World) -> None:
    inside = f"mlflow-artifacts:/1/{THEIRS}/artifacts"
    made = world.post("experiments/create", name="trap", artifact_location=inside)["experiment_id"]
    world.post("runs/create", experiment_id="0")
    child = world.post("runs/create", experiment_id=made)["run"]["info"]
    place = child["artifact_uri"].removeprefix("mlflow-artifacts:/")
    assert THEIRS in place
    assert (world.file("PUT", f"{place}/x", b"ours"), world.file("DELETE", place)) == (403, 403)


def test_its_own_files_are_its_own(world: World) -> None:
    place = world.post("runs/create", experiment_id="0")["run"]["info"]["artifact_uri"].removeprefix(
        "mlflow-artifacts:/"
    )
    child = world.post("runs/create", experiment_id="0")["run"]["info"]
    for own in (place, child["artifact_uri"].removeprefix("mlflow-artifacts:/")):
        assert world.file("PUT", f"{own}/d/new.txt", b"new") == 200
        assert world.client.get(f"/api/2.0/mlflow-artifacts/artifacts/{own}/d/new.txt").content == b"new"
        assert world.file("DELETE", f"{own}/d/new.txt") == 200
    model = world.post("logged-models", experiment_id="0", source_run_id=OURS)["model"]["info"]
    assert world.file("PUT", model["artifact_uri"].removeprefix("mlflow-artifacts:/") + "/MLmodel", b"m") == 200
    listed = world.ask("GET", "artifacts/list", run_id=OURS).json()["files"]
    assert [file["path"] for file in listed] == ["d", "kept.txt"]


LOOKS: list[tuple[str, str, dict[str, Any]]] = [
    ("GET", "runs/get", {"run_id": THEIRS}),
    ("GET", "metrics/get-history", {"run_id": THEIRS, "metric_key": "m"}),
    ("GET", "artifacts/list", {"run_id": THEIRS}),
    ("GET", "experiments/get", {"experiment_id": "1"}),
    ("GET", "registered-models/get", {"name": "theirs"}),
    ("GET", "registered-models/alias", {"name": "theirs", "alias": "champion"}),
    ("GET", "model-versions/get", {"name": "theirs", "version": "1"}),
    ("GET", "model-versions/get-download-uri", {"name": "theirs", "version": "1"}),
    ("GET", f"logged-models/{THEIR_MODEL}", {}),
]
SEARCHES: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "runs/search", {"experiment_ids": ["0", "1"]}),
    ("POST", "runs/search", {"experiment_ids": ["1"], "filter": "params.secret = 's'"}),
    ("POST", "experiments/search", {"filter": "name = 'other'"}),
    ("GET", "experiments/list", {}),
    ("GET", "registered-models/search", {}),
    ("GET", "model-versions/search", {"filter": "name = 'theirs'"}),
    ("POST", "registered-models/get-latest-versions", {"name": "theirs"}),
    ("POST", "logged-models/search", {"experiment_ids": ["1"]}),
]


def test_a_confined_program_reads_its_own_only_and_another_reads_all(world: World) -> None:
    for method, path, fields in LOOKS:
        assert world.ask(method, path, **fields).status_code == (403 if world.confined else 200), path
    for method, path, fields in SEARCHES:
        found = world.ask(method, path, **fields)
        assert found.status_code == 200, found.text
        assert ("theirs" in found.text or THEIRS in found.text) is not world.confined, path
    read = [world.file("GET", path) for path in (f"1/{THEIRS}/artifacts/kept.txt",)]
    listed = world.client.get(
        "/api/2.0/mlflow-artifacts/artifacts", params={"path": f"1/{THEIRS}/artifacts"}
    ).status_code
    assert [*read, listed] == [403 if world.confined else 200] * 2


@pytest.mark.parametrize(
    "filter", ["tags.a = 'x", 'tags.a = "x', "tags.`a = 'x'", "tags.a = 'x' OR run_id != ''", "tags.a = 'x' AND"]
)
def test_no_filter_leads_a_search_out_of_the_run_tree(confined: World, filter: str) -> None:
    answer = confined.ask("POST", "runs/search", experiment_ids=["0", "1"], filter=filter)
    assert answer.status_code == 400 and OURS not in answer.text


def test_an_experiment_that_is_there_can_be_chosen_and_tagged_once_the_run_is_in_it(world: World) -> None:
    found = world.ask("GET", "experiments/get-by-name", experiment_name="other").json()["experiment"]
    assert ("tags" in found and bool(found["tags"])) is not world.confined
    assert (
        world.ask("POST", "experiments/set-experiment-tag", experiment_id="1", key="mine", value="x").status_code == 403
    )
    assert world.post("runs/create", experiment_id="1")["run"]["info"]["run_id"] == OURS
    world.post("experiments/set-experiment-tag", experiment_id="1", key="mine", value="x")
    assert world.store.get_experiment(experiment_id="1").tags["mine"] == "x"


def test_an_experiment_of_its_own_is_its_own(world: World) -> None:
    made = world.post("experiments/create", name="mine")["experiment_id"]
    world.post("experiments/set-experiment-tag", experiment_id=made, key="k", value="v")
    world.post("experiments/update", experiment_id=made, new_name="renamed")
    assert world.ask("GET", "experiments/get", experiment_id=made).json()["experiment"]["tags"] == [
        {"key": "k", "value": "v"}
    ]
    world.post("experiments/delete", experiment_id=made)
    world.post("experiments/restore", experiment_id=made)


def test_models_and_versions_that_it_registers_are_its_own(world: World) -> None:
    world.post("registered-models/create", name="mine")
    world.post("registered-models/set-tag", name="mine", key="k", value="v")
    assert (
        world.ask("POST", "registered-models/create", name="theirs").json()["error_code"] == "RESOURCE_ALREADY_EXISTS"
    )
    for name in ("mine", "theirs"):
        version = world.post("model-versions/create", name=name, source=f"runs:/{OURS}/model", run_id=OURS)[
            "model_version"
        ]["version"]
        world.post("model-versions/set-tag", name=name, version=version, key="k", value="v")
        world.post("registered-models/alias", name=name, alias="newest", version=version)
        world.post("model-versions/transition-stage", name=name, version=version, stage="Staging")
        assert world.ask("GET", "model-versions/get", name=name, version=version).json()["model_version"][
            "aliases"
        ] == ["newest"]
        seen = world.ask("GET", "registered-models/get", name=name).json()["registered_model"]
        assert ("description" in seen) is (name == "theirs" and not world.confined)
    world.post("registered-models/rename", name="mine", new_name="renamed")
    assert world.ask("DELETE", "registered-models/delete", name="renamed").status_code == 200


def test_a_registered_model_with_others_versions_stays(world: World) -> None:
    world.post("registered-models/create", name="mine")
    world.models.create_version("mine", f"models:/{THEIR_MODEL}", run_id=THEIRS)
    for method, path, more in (
        ("DELETE", "registered-models/delete", {}),
        ("POST", "registered-models/rename", {"new_name": "x"}),
    ):
        assert world.ask(method, path, name="mine", **more).status_code == 403


def test_an_alias_moves_to_a_new_version_unless_the_run_is_confined(world: World) -> None:
    version = world.post("model-versions/create", name="theirs", source=f"runs:/{OURS}/m", run_id=OURS)[
        "model_version"
    ]["version"]
    moved = world.ask("POST", "registered-models/alias", name="theirs", alias="champion", version=version).status_code
    archived = world.ask(
        "POST",
        "model-versions/transition-stage",
        name="theirs",
        version=version,
        stage="Production",
        archive_existing_versions=True,
    ).status_code
    assert [moved, archived] == ([403, 403] if world.confined else [200, 200])


def test_a_confined_program_registers_nothing_of_others(confined: World) -> None:
    for fields in (
        {"source": f"runs:/{THEIRS}/model"},
        {"source": f"models:/{THEIR_MODEL}"},
        {"source": "models:/theirs/1"},
        {"source": "models:/theirs@champion"},
        {"source": "s3://b/x", "run_id": THEIRS},
        {"source": "s3://b/x", "model_id": THEIR_MODEL},
    ):
        assert confined.ask("POST", "model-versions/create", name="theirs", **fields).status_code == 403, fields
    metric = {"run_id": OURS, "key": "m", "value": 1, "timestamp": 1, "model_id": THEIR_MODEL}
    assert confined.ask("POST", "runs/log-metric", **metric).status_code == 403


def test_what_would_change_nothing_is_no_offence(free: World) -> None:
    """So that a program which says the same things each time runs twice."""
    before = free.theirs()
    free.post("registered-models/update", name="theirs", description="d")
    free.post("registered-models/set-tag", name="theirs", key="k", value="v")
    free.post("registered-models/alias", name="theirs", alias="champion", version="1")
    free.post("experiments/set-experiment-tag", experiment_id="1", key="team", value="theirs")
    versions = [{"key": "mlflow.modelVersions", "value": "[]"}]  # what register_model adds by itself
    assert free.ask("PATCH", f"logged-models/{THEIR_MODEL}/tags", tags=versions).status_code == 200
    assert free.theirs() == before


def test_the_stores_own_calls_are_not_there(world: World) -> None:
    answer = world.client.post("/api/2.0/mlproj/tracking/get_run", content=json.dumps({"reference": THEIRS}))
    assert (answer.status_code, answer.json()["error_code"]) == (404, "ENDPOINT_NOT_FOUND")


def test_no_method_of_a_store_is_forgotten() -> None:
    def public(protocol: type) -> set[str]:
        return {name for name in dir(protocol) if not name.startswith("_")}

    assert public(ModelRegistry) <= vars(RunScopedRegistry).keys()
    assert public(TrackingStore) <= vars(ConfinedReading).keys()
    assert public(TrackingStore) <= vars(RunScopedStore).keys() | vars(RunScopedExperiments).keys()


def test_values_of_secret_variables_are_in_no_field_that_a_program_writes(
    world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    secret = "t0ken-of-mine"
    monkeypatch.setenv("DEPLOY_TOKEN", secret)
    own = {"run_id": OURS}
    tags = [{"key": f"a {secret}", "value": f"b {secret}"}]
    world.post("runs/log-batch", **own, tags=tags, params=[{"key": f"p {secret}", "value": secret}])
    world.post("runs/log-metric", **own, key=f"loss {secret}", value=1, timestamp=1)
    dataset = {"name": secret, "digest": secret, "source_type": secret, "source": secret, "schema": f'"{secret}"'}
    world.post("runs/log-inputs", **own, datasets=[{"dataset": dataset, "tags": tags}])
    experiment = world.post("experiments/create", name=f"e {secret}", tags=tags)["experiment_id"]
    world.post("experiments/update", experiment_id=experiment, new_name=f"f {secret}")
    world.post("registered-models/create", name=f"m {secret}", description=secret, tags=tags)
    world.post("registered-models/set-tag", name=f"m {secret}", key=secret, value=secret)
    source = (world.files / "0" / OURS / "artifacts" / "model").as_uri()
    made = world.post("model-versions/create", name=f"m {secret}", source=source, run_id=OURS, description=secret)
    assert made["model_version"]["version"] == "1"
    world.post("registered-models/alias", name=f"m {secret}", alias="best", version="1")
    world.post("logged-models", experiment_id="0", name=secret, source_run_id=OURS, params=tags, tags=tags)

    assert world.ask("GET", "registered-models/get", name=f"m {secret}").status_code == 200, (
        "it is found as it was kept"
    )
    database = b"".join(file.read_bytes() for file in tmp_path.glob("runs.db*"))
    assert secret.encode() not in database and b"loss ****" in database and b"m ****" in database
