"""Models over MLflow's REST API, asked of our own server, which speaks it as MLflow's does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mlproj import tracking
from mlproj.http.client import HttpClient
from mlproj.server.app import Principal, Settings, create_app
from mlproj.tracking.base import NewRun, NotFound, Run
from mlproj.tracking.mlflow_rest.models import MlflowModels
from mlproj.tracking.model_base import ModelDataset, ModelMetric, ModelOrder
from tests.server.conftest import served


@pytest.fixture
def served_models(tmp_path: Path) -> Iterator[tuple[MlflowModels, Run]]:
    uri = f"sqlite:///{tmp_path}/runs.db"
    with closing(tracking.open(uri)) as store, closing(tracking.open_models(uri)) as kept:
        everybody = Principal(store, kept)
        application: Any = create_app(Settings(lambda _request: everybody, tmp_path / "artifacts"))
        run = store.create_run(NewRun())
        with served(application) as address, closing(MlflowModels(HttpClient(address))) as models:
            yield models, run


def test_registered_models_are_changed_and_removed(served_models: tuple[MlflowModels, Run]) -> None:
    models, _ = served_models
    models.create_registered_model("old", tags={"t": "v"})
    assert models.update_registered_model("old", description="text").description == "text"
    assert models.rename_registered_model("old", "new").name == "new"
    models.delete_registered_model_tag("new", "t")
    assert models.get_registered_model("new").tags == {}
    version = models.create_version("new", "s3://bucket/model", tags={"t": "v"}).version
    assert models.update_version("new", version, description="words").description == "words"
    models.delete_version_tag("new", version, "t")
    assert models.get_version("new", version).tags == {}
    models.set_alias("new", "champion", version)
    models.delete_alias("new", "champion")
    assert models.get_version("new", version).aliases == ()
    models.delete_version("new", version)
    with pytest.raises(NotFound):
        models.get_version("new", version)
    models.delete_registered_model("new")
    with pytest.raises(NotFound):
        models.get_registered_model("new")


def test_logged_models_are_searched_and_untagged(served_models: tuple[MlflowModels, Run]) -> None:
    models, run = served_models
    made = [models.create_logged_model("0", name=name, tags={"a b.c": "v"}) for name in ("one", "two", "three")]
    models.delete_logged_model_tag(made[0].model_id, "a b.c")
    assert models.get_logged_model(made[0].model_id).tags == {}
    for number, model in enumerate(made[:2]):
        models.log_model_metrics([ModelMetric(model.model_id, "acc", float(number), 1, run_id=run.run_id)])
    by_metric = [ModelOrder("metrics.acc", ascending=False)]
    found = models.search_logged_models(["0"], filter="name != 'three'", order_by=by_metric)
    assert [model.name for model in found.items] == ["two", "one"]
    assert models.search_logged_models(["0"], filter="metrics.acc > 0", datasets=[ModelDataset("none")]).items == []
    page = models.search_logged_models(["0"], limit=2)
    rest = models.search_logged_models(["0"], limit=2, page_token=page.next_page_token)
    assert len({model.model_id for model in [*page.items, *rest.items]}) == 3 and rest.next_page_token is None


def test_a_runs_history_of_models_grows(served_models: tuple[MlflowModels, Run], tmp_path: Path) -> None:
    models, run = served_models
    entry = {"artifact_path": "model", "flavors": {}, "utc_time_created": "now", "run_id": run.run_id}
    models.append_model_history(run.run_id, entry)
    with closing(tracking.open(f"sqlite:///{tmp_path}/runs.db")) as store:
        assert '"model"' in store.get_run(run.run_id).tags["mlflow.log-model.history"]
