"""What the endpoints of experiments and runs take and refuse, as MLflow's own server does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

API = "/api/2.0/mlflow/"
ResolveRequest = Callable[..., tuple[int, Any]]


@pytest.fixture
def ask(application: Any) -> ResolveRequest:
    client = TestClient(application)

    def call(endpoint: str, **fields: Any) -> tuple[int, Any]:
        answer = client.post(API + endpoint, json=fields)
        return answer.status_code, answer.json()

    return call


@pytest.fixture
def run_id(ask: ResolveRequest) -> str:
    return str(ask("runs/create", experiment_id="0")[1]["run"]["info"]["run_id"])


def code(answer: tuple[int, Any]) -> tuple[int, str | None]:
    return answer[0], answer[1].get("error_code")


POINT = {"key": "m", "value": 1, "timestamp": 1}


@pytest.mark.parametrize(
    "batch",
    [
        {"metrics": [POINT] * 1001},
        {"params": [{"key": f"p{index}", "value": ""} for index in range(101)]},
        {"tags": [{"key": f"t{index}", "value": ""} for index in range(101)]},
        {
            "metrics": [POINT] * 900,
            "params": [{"key": f"p{index}", "value": ""} for index in range(100)],
            "tags": [{"key": "t", "value": ""}],
        },
        {"params": [{"key": "p", "value": "1"}, {"key": "p", "value": "1"}]},
        {"metrics": [POINT, {**POINT, "value": "abc"}]},
        {"metrics": [POINT, {"key": "m", "value": 1}]},
        {"metrics": [POINT], "params": [{"key": "given", "value": "2"}]},
        {"metrics": [POINT], "tags": "abc"},
    ],
)
def test_a_batch_that_is_refused_leaves_nothing(ask: ResolveRequest, run_id: str, batch: dict[str, Any]) -> None:
    assert ask("runs/log-parameter", run_id=run_id, key="given", value="1")[0] == 200
    assert code(ask("runs/log-batch", run_id=run_id, **batch)) == (400, "INVALID_PARAMETER_VALUE")
    [found] = ask("runs/search", experiment_ids=["0"])[1]["runs"]
    assert found["data"]["params"] == [{"key": "given", "value": "1"}] and "metrics" not in found["data"]


def test_a_batch_as_large_as_may_be_is_taken(ask: ResolveRequest, run_id: str) -> None:
    assert ask("runs/log-batch", run_id=run_id, metrics=[{**POINT, "step": str(step)} for step in range(1000)]) == (
        200,
        {},
    )


@pytest.mark.parametrize(
    "key", ["", "../x", "/abs", "a//b", "a/./b", "a$b", "a\\b", "..", ".", "x" * 251, 5, None, "a\nb"]
)
def test_a_name_that_mlflow_does_not_take_is_refused(ask: ResolveRequest, run_id: str, key: Any) -> None:
    assert code(ask("runs/log-metric", run_id=run_id, **{**POINT, "key": key})) == (400, "INVALID_PARAMETER_VALUE")
    assert code(ask("runs/log-parameter", run_id=run_id, key=key, value="1")) == (400, "INVALID_PARAMETER_VALUE")
    assert code(ask("runs/set-tag", run_id=run_id, key=key, value="1")) == (400, "INVALID_PARAMETER_VALUE")


@pytest.mark.parametrize("key", ["a/b", "a b", "val_loss: x", "été", "a.b-c", "x" * 250])
def test_a_name_that_mlflow_takes_is_taken(ask: ResolveRequest, run_id: str, key: str) -> None:
    assert ask("runs/log-metric", run_id=run_id, **{**POINT, "key": key}) == (200, {})


def test_long_values_are_kept_whole(ask: ResolveRequest, run_id: str) -> None:
    assert ask("runs/log-parameter", run_id=run_id, key="p", value="v" * 10_000) == (200, {})
    [found] = ask("runs/search", experiment_ids=["0"])[1]["runs"]
    assert found["data"]["params"] == [{"key": "p", "value": "v" * 10_000}]


def test_a_tag_that_is_repeated_counts_with_its_last_value(ask: ResolveRequest) -> None:
    tags = [{"key": "t", "value": "1"}, {"key": "t", "value": "2"}]
    made = ask("runs/create", experiment_id="0", start_time="1000", tags=tags)[1]["run"]
    assert {"key": "t", "value": "2"} in made["data"]["tags"] and made["info"]["start_time"] == 1000
    assert made["info"]["run_id"] == made["info"]["run_uuid"]


def test_a_deleted_run_is_not_changed(ask: ResolveRequest, run_id: str) -> None:
    assert ask("runs/delete", run_id=run_id) == (200, {})
    for endpoint, fields in (
        ("runs/log-metric", POINT),
        ("runs/update", {"status": "FAILED"}),
        ("runs/set-tag", {"key": "t", "value": ""}),
    ):
        assert code(ask(endpoint, run_id=run_id, **fields)) == (400, "INVALID_PARAMETER_VALUE")


def test_statuses_are_named_or_numbered(ask: ResolveRequest, run_id: str) -> None:
    assert ask("runs/update", run_id=run_id, status=3)[1]["run_info"]["status"] == "FINISHED"
    told = ask("runs/update", run_uuid=run_id, status="KILLED", end_time="5")[1]["run_info"]
    assert (told["status"], told["end_time"]) == ("KILLED", 5)
    assert code(ask("runs/update", run_id=run_id, status="NONSENSE")) == (400, "INVALID_PARAMETER_VALUE")


def test_a_run_is_named_by_its_whole_id_only(ask: ResolveRequest, run_id: str) -> None:
    for other in (run_id[:8], "x" * 32, "", run_id.upper() + "0"):
        assert ask("runs/set-tag", run_id=other, key="t", value="")[0] in (400, 404)
        assert ask("runs/update", run_id=other, run_name="x")[0] in (400, 404)


def test_numbers_that_json_has_no_word_for_are_answered_as_mlflow_does(ask: ResolveRequest, run_id: str) -> None:
    for key, value in {"nan": "NaN", "inf": "Infinity", "ninf": "-Infinity"}.items():
        ask("runs/log-metric", run_id=run_id, key=key, value=value, timestamp=1)
    [found] = ask("runs/search", experiment_ids=["0"])[1]["runs"]
    values = {metric["key"]: metric["value"] for metric in found["data"]["metrics"]}
    assert values == {"nan": "NaN", "inf": 1.7976931348623157e308, "ninf": -1.7976931348623157e308}


def test_an_experiment_that_is_not_there_is_told(ask: ResolveRequest, application: Any) -> None:
    client = TestClient(application)
    for params in ({"experiment_id": "999"}, {"experiment_name": "none"}):
        answer = client.get(
            API + ("experiments/get" if "experiment_id" in params else "experiments/get-by-name"), params=params
        )
        assert (answer.status_code, answer.json()["error_code"]) == (404, "RESOURCE_DOES_NOT_EXIST")
    assert code(ask("runs/create", experiment_id="999")) == (404, "RESOURCE_DOES_NOT_EXIST")
    assert ask("experiments/create", name="x")[0] == 200
    assert code(ask("experiments/create", name="x")) == (400, "RESOURCE_ALREADY_EXISTS")


def test_a_tag_of_an_experiment_is_set_and_removed(ask: ResolveRequest) -> None:
    made = ask("experiments/create", name="x")[1]["experiment_id"]
    assert ask("experiments/set-experiment-tag", experiment_id=made, key="k", value="v") == (200, {})
    assert ask("experiments/delete-experiment-tag", experiment_id=made, key="k") == (200, {})
    assert code(ask("experiments/delete-experiment-tag", experiment_id=made, key="k")) == (
        404,
        "RESOURCE_DOES_NOT_EXIST",
    )


MISSING = "0" * 32


@pytest.mark.parametrize(
    ("endpoint", "fields", "message"),
    [
        ("runs/update", {"run_id": MISSING}, f"Run with id={MISSING} not found"),
        ("runs/log-metric", {"run_id": MISSING, **POINT}, f"Run with id={MISSING} not found"),
        ("runs/set-tag", {"run_id": "no id", "key": "k", "value": "v"}, "Run with id=no id not found"),
        ("runs/create", {"experiment_id": "-1337"}, "No Experiment with id=-1337 exists"),
        ("experiments/update", {"experiment_id": "1337", "new_name": "n"}, "No Experiment with id=1337 exists"),
        ("registered-models/rename", {"name": "m", "new_name": "n"}, "Registered Model with name=m not found"),
        ("runs/outputs", {"run_id": MISSING, "models": [{"model_id": "m-1"}]}, f"Run with id={MISSING} not found"),
    ],
)
def test_what_is_missing_is_told_in_the_words_that_clients_look_for(
    ask: ResolveRequest, endpoint: str, fields: dict[str, Any], message: str
) -> None:
    status, answer = ask(endpoint, **fields)
    assert (status, answer["error_code"], answer["message"]) == (404, "RESOURCE_DOES_NOT_EXIST", message)


def test_other_refusals_have_the_words_of_mlflow_too(ask: ResolveRequest, run_id: str) -> None:
    def message(endpoint: str, **fields: Any) -> str:
        return str(ask(endpoint, **fields)[1]["message"])

    assert message("runs/delete-tag", run_id=run_id, key="k") == f"No tag with name: k in run with id {run_id}"
    ask("runs/log-parameter", run_id=run_id, key="a", value="1")
    changed = message("runs/log-parameter", run_id=run_id, key="a", value="2")
    assert changed.startswith(
        "Changing param values is not allowed. Param with key='a' was already logged with value='1'"
    )
    ask("experiments/create", name="e")
    assert message("experiments/create", name="e") == "Experiment(name=e) already exists."
    ask("runs/delete", run_id=run_id)
    assert message("runs/set-tag", run_id=run_id, key="k", value="v").startswith(
        f"The run {run_id} must be in the 'active' state"
    )


@pytest.mark.parametrize(
    ("fields", "beginning"),
    [
        ({"key": 31, "value": 1, "timestamp": 1}, "Invalid value 31 for parameter 'key' supplied"),
        ({**POINT, "step": "foo"}, "Invalid value \"foo\" for parameter 'step' supplied"),
        ({**POINT, "value": "foo"}, "Invalid value \"foo\" for parameter 'value' supplied"),
        ({**POINT, "value": ""}, "Invalid value \"\" for parameter 'value' supplied"),
        ({**POINT, "key": "a%b"}, "Invalid value \"a%b\" for parameter 'name' supplied"),
        ({**POINT, "key": "../a"}, "Invalid value \"../a\" for parameter 'name' supplied"),
        *(
            (
                {name: each for name, each in POINT.items() if name != left_out},
                f"Missing value for required parameter {left_out!r}",
            )
            for left_out in POINT
        ),
    ],
)
def test_a_field_that_is_wrong_is_told_as_mlflow_tells_it(
    ask: ResolveRequest, run_id: str, fields: dict[str, Any], beginning: str
) -> None:
    status, answer = ask("runs/log-metric", run_id=run_id, **fields)
    assert status == 400 and answer["message"].startswith(beginning)
    in_batch = ask("runs/log-batch", run_id=run_id, metrics=[POINT, fields])[1]["message"]
    assert in_batch.startswith(beginning.replace("parameter '", "parameter 'metrics[1]."))
    assert ask("runs/log-batch", run_id=run_id, metrics="foo")[1]["message"].startswith(
        "Invalid value \"foo\" for parameter 'metrics'"
    )


def test_a_search_in_an_experiment_that_is_not_there_finds_nothing(ask: ResolveRequest, run_id: str) -> None:
    assert ask("runs/search", experiment_ids=["-1337"])[1] == {"runs": []}
    assert len(ask("runs/search", experiment_ids=["-1337", "0"])[1]["runs"]) == 1


@pytest.mark.parametrize("endpoint", ["runs/log-metric", "runs/log-batch"])
def test_a_metric_of_a_model_that_is_not_there_is_not_kept(ask: ResolveRequest, run_id: str, endpoint: str) -> None:
    point = {**POINT, "model_id": f"m-{MISSING}"}
    fields = (
        point if endpoint == "runs/log-metric" else {"metrics": [POINT, point], "params": [{"key": "p", "value": "1"}]}
    )
    assert code(ask(endpoint, run_id=run_id, **fields)) == (404, "RESOURCE_DOES_NOT_EXIST")
    [found] = ask("runs/search", experiment_ids=["0"])[1]["runs"]
    assert not found["data"].keys() & {"metrics", "params"}


def test_inputs_are_kept_whole_or_not_at_all(ask: ResolveRequest, run_id: str) -> None:
    dataset = {"dataset": {"name": "d", "digest": "1", "source_type": "local", "source": "/d"}}
    assert code(ask("runs/log-inputs", run_id=run_id, datasets=[dataset], models=[{"model_id": 5}])) == (
        400,
        "INVALID_PARAMETER_VALUE",
    )
    assert ask("runs/search", experiment_ids=["0"])[1]["runs"][0]["inputs"] == {}


@pytest.mark.parametrize(
    "location", ["s3://b/p#part", "s3://b/../p", "s3://b/p?x=..", "s3://b/%2e%2e/p", "s3://b/p;x=1", "runs:/1/p"]
)
def test_a_place_that_no_artifacts_can_be_below_is_refused(ask: ResolveRequest, location: str) -> None:
    assert code(ask("experiments/create", name="e", artifact_location=location)) == (400, "INVALID_PARAMETER_VALUE")


def test_the_query_of_a_place_stays_at_its_end(ask: ResolveRequest) -> None:
    made = ask("experiments/create", name="e", artifact_location="s3://b/p?endpoint=x")[1]["experiment_id"]
    info = ask("runs/create", experiment_id=made)[1]["run"]["info"]
    assert info["artifact_uri"] == f"s3://b/p/{info['run_id']}/artifacts?endpoint=x"


def test_two_names_for_one_run_are_refused(ask: ResolveRequest) -> None:
    tags = [{"key": "mlflow.runName", "value": "b"}]
    status, refused = ask("runs/create", experiment_id="0", run_name="a", tags=tags)
    assert status == 400 and refused["message"].startswith("Both 'run_name' argument and 'mlflow.runName' tag are")
    assert ask("runs/create", experiment_id="0", run_name="b", tags=tags)[0] == 200


def test_the_tags_of_a_dataset_are_what_a_client_likes(ask: ResolveRequest, run_id: str) -> None:
    def log(name: str, key: str) -> int:
        dataset = {"name": name, "digest": "1", "source_type": "", "source": ""}
        inputs = [{"dataset": dataset, "tags": [{"key": key, "value": "v"}]}]
        return int(ask("runs/log-inputs", run_id=run_id, datasets=inputs)[0])

    assert log("a", "é%" + "x" * 253) == 200 and log("b", "x" * 256) == 400


def test_runs_are_found_by_the_place_of_artifacts_that_clients_are_told(ask: ResolveRequest, run_id: str) -> None:
    ask("runs/create", experiment_id="0")
    place = f"mlflow-artifacts:/0/{run_id}/artifacts"
    for condition in (f"= '{place}'", f"LIKE '{place[:-4]}%'", f"IN ('{place}', 'x')"):
        found = ask("runs/search", experiment_ids=["0"], filter=f"attributes.artifact_uri {condition}")[1]["runs"]
        assert [run["info"]["run_id"] for run in found] == [run_id], condition
        assert found[0]["info"]["artifact_uri"] == place
    assert len(ask("runs/search", experiment_ids=["0"], filter=f"artifact_uri != '{place}'")[1]["runs"]) == 1
