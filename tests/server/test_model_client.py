"""MLflow's own client registers, finds and loads models through the server."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mlproj import tracking
from mlproj.foundation import paths
from mlproj.server.app import Principal, Settings, create_app
from mlproj.tracking.base import TrackingStore

pytestmark = [pytest.mark.needs("mlflow"), pytest.mark.filterwarnings("ignore::FutureWarning")]


@pytest.fixture(params=["proxied", "local"])
def client(
    request: pytest.FixtureRequest, serve: Callable[[Any], str], store: TrackingStore, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Any]:
    """MLflow's client of a server that keeps the artifacts, or of one on the same machine."""
    from mlflow import MlflowClient

    models = tracking.open_models()
    settings = Settings(
        lambda _request: Principal(store, models), paths.database().parent / "artifacts", local=request.param == "local"
    )
    address = serve(create_app(settings))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    yield MlflowClient(address, address)
    models.close()


def test_a_model_is_registered_and_found(client: Any) -> None:
    client.create_registered_model("digits", tags={"team": "a"}, description="what it is")
    for number in (1, 2, 3):
        version = client.create_model_version("digits", f"s3://b/{number}", tags={"n": str(number)}, description="d")
        assert (
            version.version in (number, str(number)) and version.status == "READY" and version.current_stage == "None"
        )
    client.set_registered_model_alias("digits", "champion", "2")
    found = client.get_model_version_by_alias("digits", "champion")
    assert (str(found.version), found.aliases, found.tags, found.source) == ("2", ["champion"], {"n": "2"}, "s3://b/2")
    assert client.get_model_version_download_uri("digits", "2") == "s3://b/2"
    model = client.get_registered_model("digits")
    assert {alias: str(version) for alias, version in model.aliases.items()} == {"champion": "2"}
    assert (model.tags, model.description, model.latest_versions[0].tags) == ({"team": "a"}, "what it is", {"n": "3"})
    client.delete_registered_model_alias("digits", "champion")
    assert client.get_registered_model("digits").aliases == {}


def test_versions_move_through_stages(client: Any) -> None:
    client.create_registered_model("digits")
    for _ in range(2):
        client.create_model_version("digits", "s3://b/x")
    client.transition_model_version_stage("digits", "1", "Production")
    client.transition_model_version_stage("digits", "2", "Production", archive_existing_versions=True)
    assert client.get_model_version("digits", "1").current_stage == "Archived"
    assert [str(version.version) for version in client.get_latest_versions("digits", ["Production"])] == ["2"]


def test_searches_give_pages(client: Any) -> None:
    for name in ("a", "b", "c"):
        client.create_registered_model(name)
        client.create_model_version(name, "s3://b/x", run_id="r" + name)
    page = client.search_registered_models(max_results=2, order_by=["name DESC"])
    assert [model.name for model in page] == ["c", "b"]
    rest = client.search_registered_models(max_results=2, order_by=["name DESC"], page_token=page.token)
    assert [model.name for model in rest] == ["a"] and not rest.token
    assert [model.name for model in client.search_registered_models("name ILIKE 'B%'")] == ["b"]
    assert [version.name for version in client.search_model_versions("run_id = 'rc'")] == ["c"]


def test_a_model_is_changed_and_removed(client: Any) -> None:
    client.create_registered_model("old")
    client.create_model_version("old", "s3://b/x")
    client.rename_registered_model("old", "new")
    client.update_registered_model("new", "better")
    client.update_model_version("new", "1", "best")
    client.set_model_version_tag("new", "1", "k", "v")
    client.delete_model_version_tag("new", "1", "k")
    client.set_registered_model_tag("new", "k", "v")
    client.delete_registered_model_tag("new", "k")
    assert (client.get_registered_model("new").description, client.get_model_version("new", "1").description) == (
        "better",
        "best",
    )
    client.delete_model_version("new", "1")
    client.delete_registered_model("new")
    assert client.search_registered_models() == []


def test_mistakes_have_mlflows_codes(client: Any) -> None:
    from mlflow.exceptions import MlflowException

    def code(call: Any, *arguments: Any) -> str:
        with pytest.raises(MlflowException) as raised:
            call(*arguments)
        return str(raised.value.error_code)

    client.create_registered_model("m")
    assert code(client.create_registered_model, "m") == "RESOURCE_ALREADY_EXISTS"
    assert code(client.get_registered_model, "none") == "RESOURCE_DOES_NOT_EXIST"
    assert code(client.get_model_version, "m", "1") == "RESOURCE_DOES_NOT_EXIST"
    assert code(client.get_model_version_by_alias, "m", "none") == "INVALID_PARAMETER_VALUE"
    assert code(client.create_registered_model, "a/b") == "INVALID_PARAMETER_VALUE"
    assert code(client.search_model_versions, "name ~ 'x'") == "INVALID_PARAMETER_VALUE"
    assert code(client.get_logged_model, "m-" + "0" * 32) == "RESOURCE_DOES_NOT_EXIST"


def test_a_logged_model_is_saved_registered_and_downloaded(client: Any, tmp_path: Path) -> None:
    import mlflow

    mlflow.set_tracking_uri(client.tracking_uri)
    (tmp_path / "MLmodel").write_text("flavors: {}\n")
    with mlflow.start_run() as run:
        model = client.create_logged_model(
            "0", name="digits", source_run_id=run.info.run_id, params={str(n): "x" for n in range(150)}
        )
        client.log_model_artifact(model.model_id, str(tmp_path / "MLmodel"))
        client.finalize_logged_model(model.model_id, "READY")
        client.set_logged_model_tags(model.model_id, {"k": "v", "l": "w"})
        client.delete_logged_model_tag(model.model_id, "l")
        client.log_metric(
            run.info.run_id, "acc", 0.5, step=1, model_id=model.model_id, dataset_name="d", dataset_digest="1"
        )
        client.log_outputs(run.info.run_id, [mlflow.entities.LoggedModelOutput(model.model_id, 3)])
    found = client.get_logged_model(model.model_id)
    assert (len(found.params), found.tags["k"], found.status.value) == (150, "v", "READY")
    assert [(metric.key, metric.value, metric.run_id) for metric in found.metrics] == [("acc", 0.5, run.info.run_id)]
    assert [output.model_id for output in client.get_run(run.info.run_id).outputs.model_outputs] == [model.model_id]
    assert [file.path for file in client.list_logged_model_artifacts(model.model_id)] == ["MLmodel"]
    assert [each.model_id for each in client.search_logged_models(["0"], "metrics.acc > 0.1")] == [model.model_id]
    version = mlflow.register_model(f"models:/{model.model_id}", "digits")
    client.set_registered_model_alias("digits", "champion", version.version)
    assert version.run_id == run.info.run_id
    noted = json.loads(client.get_logged_model(model.model_id).tags["mlflow.modelVersions"])
    assert {"name": "digits", "version": "1"} in noted
    for uri in ("models:/digits/1", "models:/digits@champion", f"models:/{model.model_id}"):
        folder = Path(mlflow.artifacts.download_artifacts(uri))
        assert (folder / "MLmodel").read_text().startswith("flavors:")
    client.copy_model_version("models:/digits@champion", "copied")
    assert (Path(mlflow.artifacts.download_artifacts("models:/copied/1")) / "MLmodel").is_file()
    client.delete_logged_model(model.model_id)
    assert client.search_logged_models(["0"]) == []


def test_prompts_are_kept_apart_from_models(client: Any) -> None:
    client.create_registered_model("model")
    client.register_prompt("greet", "Hello {{name}}")
    assert [model.name for model in client.search_registered_models()] == ["model"]
    assert [prompt.name for prompt in client.search_prompts()] == ["greet"]
