"""The endpoints of logged models, asked as MLflow's clients ask."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mlproj import tracking
from mlproj.foundation.errors import UsageError
from mlproj.server import run_model, run_routes
from mlproj.server.call import ApiError, Call
from mlproj.server.logged_model_routes import ROUTES
from mlproj.tracking.base import NewRun, NotFound, Run, TrackingStore
from mlproj.tracking.model_base import ModelStore, RunModel

ResolveRequest = Callable[..., Any]


@pytest.fixture
def uri(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/runs.db"


@pytest.fixture
def store(uri: str) -> Iterator[TrackingStore]:
    opened = tracking.open(uri)
    yield opened
    opened.close()


@pytest.fixture
def models(uri: str) -> Iterator[ModelStore]:
    opened = tracking.open_models(uri)
    yield opened
    opened.close()


@pytest.fixture
def run(store: TrackingStore) -> Run:
    return store.create_run(NewRun())


@pytest.fixture
def ask(store: TrackingStore, models: ModelStore, tmp_path: Path) -> ResolveRequest:
    root = f"{tmp_path.as_uri()}/artifacts"

    def answer(method: str, path: str, **fields: Any) -> Any:
        place = lambda uri: uri.replace(root, "mlflow-artifacts:")  # noqa: E731
        return ROUTES[method, path](Call(store=store, models=models, fields=fields, artifact_place=place))

    return answer


def create(ask: ResolveRequest, **fields: Any) -> Any:
    return ask("POST", "logged-models", **{"experiment_id": "0", "name": "digits", **fields})["model"]


def test_a_logged_model_has_mlflows_fields(ask: ResolveRequest, run: Run) -> None:
    made = create(ask, source_run_id=run.run_id, params=[{"key": "a", "value": "1"}], tags=[{"key": "k", "value": "v"}])
    info = made["info"]
    model_id = info["model_id"]
    assert isinstance(info.pop("creation_timestamp_ms"), int) and isinstance(info.pop("last_updated_timestamp_ms"), int)
    assert made == {
        "info": {
            "model_id": model_id,
            "experiment_id": "0",
            "name": "digits",
            "artifact_uri": f"mlflow-artifacts:/0/models/{model_id}/artifacts",
            "status": "LOGGED_MODEL_PENDING",
            "model_type": "",
            "source_run_id": run.run_id,
            "tags": [{"key": "k", "value": "v"}],
        },
        "data": {"params": [{"key": "a", "value": "1"}]},
    }


@pytest.mark.parametrize("status", ["LOGGED_MODEL_READY", 2, "2"])
def test_a_model_is_finished(ask: ResolveRequest, status: Any) -> None:
    model_id = create(ask)["info"]["model_id"]
    finished = ask("PATCH", "logged-models/{model_id}", model_id=model_id, status=status)
    assert finished["model"]["info"]["status"] == "LOGGED_MODEL_READY"
    for wrong in ("READY?", 0, 4):
        with pytest.raises(ApiError, match="status"):
            ask("PATCH", "logged-models/{model_id}", model_id=model_id, status=wrong)


def test_a_model_gets_tags_and_parameters_and_is_deleted(ask: ResolveRequest) -> None:
    model_id = create(ask)["info"]["model_id"]
    ask(
        "PATCH",
        "logged-models/{model_id}/tags",
        model_id=model_id,
        tags=[{"key": "a", "value": "1"}, {"key": "b", "value": "2"}],
    )
    ask("DELETE", "logged-models/{model_id}/tags/{tag_key:path}", model_id=model_id, tag_key="a")
    ask("POST", "logged-models/{model_id}/params", model_id=model_id, params=[{"key": "p", "value": "1"}])
    model = ask("GET", "logged-models/{model_id}", model_id=model_id)["model"]
    assert (model["info"]["tags"], model["data"]["params"]) == (
        [{"key": "b", "value": "2"}],
        [{"key": "p", "value": "1"}],
    )
    assert ask("DELETE", "logged-models/{model_id}", model_id=model_id) == {}
    with pytest.raises(NotFound):
        ask("GET", "logged-models/{model_id}", model_id=model_id)
    assert ask("GET", "logged-models/{model_id}", model_id=model_id, allow_deleted="true")["model"]


def test_models_are_searched_by_metric(ask: ResolveRequest, store: TrackingStore, models: ModelStore, run: Run) -> None:
    for index, name in enumerate("abc"):
        model_id = create(ask, name=name)["info"]["model_id"]
        point = {
            "key": "acc",
            "value": float(index),
            "timestamp": 5,
            "step": 1,
            "model_id": model_id,
            "dataset_name": "d",
        }
        fields = {"run_id": run.run_id, "metrics": [point, {"key": "x", "value": 1, "timestamp": 1}]}
        call = Call(store=store, models=models, fields=fields)
        run_model.log_metrics(call, run_model.read_metrics(call, fields["metrics"]))  # type: ignore[arg-type]
    order = [{"field_name": "metrics.acc", "ascending": False}]
    first = ask("POST", "logged-models/search", experiment_ids=["0"], order_by=order, max_results=2)
    assert [model["info"]["name"] for model in first["models"]] == ["c", "b"]
    assert first["models"][0]["data"]["metrics"][0] == {
        "key": "acc",
        "value": 2.0,
        "timestamp": 5,
        "step": 1,
        "dataset_name": "d",
        "model_id": first["models"][0]["info"]["model_id"],
        "run_id": run.run_id,
    }
    rest = ask(
        "POST",
        "logged-models/search",
        experiment_ids=["0"],
        order_by=order,
        max_results=2,
        page_token=first["next_page_token"],
    )
    assert [model["info"]["name"] for model in rest["models"]] == ["a"]
    assert ask("POST", "logged-models/search", experiment_ids=["0"], filter="name = 'none'") == {}
    about = ask(
        "POST", "logged-models/search", experiment_ids=["0"], filter="metrics.acc > 1", datasets=[{"dataset_name": "d"}]
    )
    assert [model["info"]["name"] for model in about["models"]] == ["c"]


def test_runs_tell_the_models_they_made_and_used(
    ask: ResolveRequest, store: TrackingStore, models: ModelStore, run: Run
) -> None:
    made, used = (create(ask)["info"]["model_id"] for _ in range(2))
    assert ask("POST", "runs/outputs", run_id=run.run_id, models=[{"model_id": made, "step": "7"}]) == {}
    call = Call(store=store, models=models, fields={"run_id": run.run_id, "models": [{"model_id": used}]})
    run_model.log_models(call, run_model.read_models(call, output=False))
    assert models.models_of_runs([run.run_id])[run.run_id] == [RunModel(used, 0, output=False), RunModel(made, 7)]
    shown = json.loads(run_routes.ROUTES["GET", "runs/get"](call))["run"]
    assert shown["outputs"] == {"model_outputs": [{"model_id": made, "step": 7}]}
    assert shown["inputs"] == {"model_inputs": [{"model_id": used}]}


def test_a_model_of_an_old_client_is_in_the_runs_history(ask: ResolveRequest, store: TrackingStore, run: Run) -> None:
    model = {
        "run_id": run.run_id,
        "artifact_path": "model",
        "utc_time_created": "2020-01-01",
        "flavors": {"sklearn": {"code": None, "config": {"x": 1}}},
        "signature": "large",
    }
    for _ in range(2):
        assert ask("POST", "runs/log-model", run_id=run.run_id, model_json=json.dumps(model)) == {}
    history = json.loads(store.get_run(run.run_id).tags["mlflow.log-model.history"])
    kept = {key: model[key] for key in ("run_id", "artifact_path", "utc_time_created")}
    assert history == [{**kept, "flavors": {"sklearn": {"code": None}}}] * 2
    for wrong in ("no json", "[]", "{}", "[" * 100_000):
        with pytest.raises(ApiError, match="odel"):
            ask("POST", "runs/log-model", run_id=run.run_id, model_json=wrong)


@pytest.mark.parametrize("name", ["a/b", "..", "a'b", "a:b"])
def test_a_hostile_name_is_refused(ask: ResolveRequest, name: str) -> None:
    with pytest.raises(UsageError, match="name"):
        create(ask, name=name)


@pytest.mark.parametrize("model_id", ["m-0", "../x", "x" * 1000, "%"])
def test_an_unknown_model_is_not_found(ask: ResolveRequest, model_id: str) -> None:
    with pytest.raises(NotFound):
        ask("GET", "logged-models/{model_id}", model_id=model_id)


@pytest.mark.parametrize(
    "fields", [{"order_by": ["name"]}, {"order_by": [{}]}, {"datasets": [{}]}, {"max_results": 100_000}]
)
def test_a_search_of_another_shape_is_refused(ask: ResolveRequest, fields: dict[str, Any]) -> None:
    with pytest.raises(ApiError):
        ask("POST", "logged-models/search", experiment_ids=["0"], **fields)
