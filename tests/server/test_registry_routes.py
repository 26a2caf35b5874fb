"""The endpoints of the model registry, asked as MLflow's clients ask."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from mlproj import tracking
from mlproj.foundation.errors import UsageError
from mlproj.server.call import ApiError, Call
from mlproj.server.registry_routes import ROUTES
from mlproj.tracking.base import AlreadyExists, NotFound

ResolveRequest = Callable[..., Any]


@pytest.fixture
def ask(tmp_path: Path) -> Iterator[ResolveRequest]:
    uri = f"sqlite:///{tmp_path}/runs.db"
    store, models = tracking.open(uri), tracking.open_models(uri)

    def answer(method: str, path: str, **fields: Any) -> Any:
        return ROUTES[method, path](Call(store=store, models=models, fields=fields))

    yield answer
    store.close()
    models.close()


@pytest.fixture
def version(ask: ResolveRequest) -> Any:
    ask("POST", "registered-models/create", name="m")
    return ask("POST", "model-versions/create", name="m", source="s3://b/x", run_id="r1")["model_version"]


def test_a_registered_model_has_mlflows_fields(ask: ResolveRequest) -> None:
    made = ask(
        "POST",
        "registered-models/create",
        name="m",
        description="d",
        tags=[{"key": "k", "value": "1"}, {"key": "k", "value": "2"}],
    )
    model = made["registered_model"]
    assert isinstance(model.pop("creation_timestamp"), int) and isinstance(model.pop("last_updated_timestamp"), int)
    assert model == {"name": "m", "description": "d", "tags": [{"key": "k", "value": "2"}]}
    with pytest.raises(AlreadyExists):
        ask("POST", "registered-models/create", name="m")


def test_a_version_has_mlflows_fields(ask: ResolveRequest, version: Any) -> None:
    assert isinstance(version.pop("creation_timestamp"), int) and isinstance(version.pop("last_updated_timestamp"), int)
    assert version == {
        "name": "m",
        "version": "1",
        "current_stage": "None",
        "description": "",
        "source": "s3://b/x",
        "run_id": "r1",
        "run_link": "",
        "status": "READY",
    }
    ask("POST", "registered-models/alias", name="m", alias="champion", version="1")
    model = ask("GET", "registered-models/get", name="m")["registered_model"]
    assert model["aliases"] == [{"alias": "champion", "version": "1"}]
    assert [latest["aliases"] for latest in model["latest_versions"]] == [["champion"]]
    assert ask("GET", "registered-models/alias", name="m", alias="champion")["model_version"]["version"] == "1"
    assert ask("DELETE", "registered-models/alias", name="m", alias="champion") == {}


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_models_are_searched_and_paged(ask: ResolveRequest, method: str) -> None:
    for name in "abc":
        ask("POST", "registered-models/create", name=name)
    first = ask(method, "registered-models/search", max_results="2", order_by="name DESC", filter="name LIKE '%'")
    assert [model["name"] for model in first["registered_models"]] == ["c", "b"]
    rest = ask(
        method,
        "registered-models/search",
        max_results=2,
        order_by=["name DESC"],
        filter="name LIKE '%'",
        page_token=first["next_page_token"],
    )
    assert [model["name"] for model in rest["registered_models"]] == ["a"] and "next_page_token" not in rest
    assert ask("GET", "registered-models/search", filter="name = 'z'") == {}
    assert len(ask("GET", "registered-models/list")["registered_models"]) == 3


@pytest.mark.parametrize("most", [0, -1, 1001, "many", True, 10**30])
def test_a_page_of_another_size_is_refused(ask: ResolveRequest, most: Any) -> None:
    if most == 0:
        assert ask("GET", "registered-models/search", max_results=0) == {}
        return
    with pytest.raises(ApiError, match="max_results"):
        ask("GET", "registered-models/search", max_results=most)


def test_a_model_is_described_renamed_tagged_and_deleted(ask: ResolveRequest) -> None:
    ask("POST", "registered-models/create", name="m")
    for method in ("PATCH", "POST"):
        assert (
            ask(method, "registered-models/update", name="m", description=method)["registered_model"]["description"]
            == method
        )
    assert ask("POST", "registered-models/rename", name="m", new_name="n")["registered_model"]["name"] == "n"
    ask("POST", "registered-models/set-tag", name="n", key="k", value="v")
    assert ask("GET", "registered-models/get", name="n")["registered_model"]["tags"] == [{"key": "k", "value": "v"}]
    assert ask("DELETE", "registered-models/delete-tag", name="n", key="k") == {}
    assert ask("DELETE", "registered-models/delete", name="n") == {}
    with pytest.raises(NotFound):
        ask("GET", "registered-models/get", name="n")


def test_a_version_is_described_tagged_moved_and_deleted(ask: ResolveRequest, version: Any) -> None:
    key = {"name": "m", "version": version["version"]}
    assert ask("PATCH", "model-versions/update", **key, description="d")["model_version"]["description"] == "d"
    ask("POST", "model-versions/set-tag", **key, key="k", value="v")
    assert ask("GET", "model-versions/get", **key)["model_version"]["tags"] == [{"key": "k", "value": "v"}]
    ask("DELETE", "model-versions/delete-tag", **key, key="k")
    moved = ask("POST", "model-versions/transition-stage", **key, stage="staging", archive_existing_versions=True)
    assert moved["model_version"]["current_stage"] == "Staging"
    assert ask("GET", "model-versions/get-download-uri", **key) == {"artifact_uri": "s3://b/x"}
    for method in ("GET", "POST"):
        newest = ask(method, "registered-models/get-latest-versions", name="m", stages=["Staging"])["model_versions"]
        assert [each["version"] for each in newest] == ["1"]
        assert ask(method, "registered-models/get-latest-versions", name="m", stages="Production") == {}
    assert ask("GET", "model-versions/search", filter="run_id = 'r1'")["model_versions"][0]["source"] == "s3://b/x"
    assert ask("DELETE", "model-versions/delete", **key) == {}
    assert ask("GET", "model-versions/search") == {}


@pytest.mark.parametrize("name", ["a/b", "x" * 1000, ":", ".."])
def test_a_hostile_name_is_refused(ask: ResolveRequest, name: str) -> None:
    for path in ("registered-models/create", "registered-models/set-tag", "model-versions/create"):
        with pytest.raises(UsageError, match="name"):
            ask("POST", path, name=name, source="s3://b/x", key="k", value="v")


@pytest.mark.parametrize("number", ["one", "-1", "1.5", "9" * 30, "١"])
def test_a_version_that_is_no_number_is_refused(ask: ResolveRequest, version: Any, number: str) -> None:
    with pytest.raises(UsageError, match="no version"):
        ask("GET", "model-versions/get", name="m", version=number)


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("registered-models/create", {}),
        ("registered-models/create", {"name": ""}),
        ("registered-models/create", {"name": ["a"]}),
        ("registered-models/create", {"name": "n", "tags": ["k"]}),
        ("registered-models/create", {"name": "n", "tags": [{"key": {}}]}),
        ("registered-models/get-latest-versions", {"name": "m", "stages": [{}]}),
        ("model-versions/create", {"name": "m"}),
        (
            "model-versions/transition-stage",
            {"name": "m", "version": "1", "stage": "Staging", "archive_existing_versions": "perhaps"},
        ),
        ("registered-models/search", {"order_by": [1]}),
    ],
)
def test_a_field_of_another_shape_is_refused(
    ask: ResolveRequest, version: Any, path: str, fields: dict[str, Any]
) -> None:
    with pytest.raises(ApiError, match="parameter|Invalid"):
        ask("POST", path, **fields)


def test_a_prompt_that_is_too_long_is_refused_as_one(ask: ResolveRequest) -> None:
    prompt = {"key": "mlflow.prompt.is_prompt", "value": "true"}
    ask("POST", "registered-models/create", name="p", tags=[prompt])
    tags = [prompt, {"key": "mlflow.prompt.text", "value": "x" * 100_001}]
    with pytest.raises(UsageError, match="Prompt text exceeds max length of 100000 characters"):
        ask("POST", "model-versions/create", name="p", source="prompt-template", tags=tags)


def test_an_empty_name_is_a_missing_one_and_a_stage_is_told_in_mlflows_words(ask: ResolveRequest, version: Any) -> None:
    with pytest.raises(ApiError, match="Missing value for required parameter 'name'"):
        ask("POST", "registered-models/create", name="")
    with pytest.raises(ApiError, match="Missing value for required parameter 'new_name'"):
        ask("POST", "registered-models/rename", name="m", new_name="")
    stages = "Value must be one of None, Staging, Production, Archived."
    with pytest.raises(UsageError, match=f"Invalid Model Version stage: canary. {stages}"):
        ask("POST", "model-versions/transition-stage", name="m", version=version["version"], stage="canary")
