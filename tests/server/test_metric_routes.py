"""The points of metrics, as clients and MLflow's charts ask for them."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

METRICS = "/ajax-api/2.0/mlflow/metrics/"


@pytest.fixture
def client(application: Any) -> TestClient:
    return TestClient(application)


def log(client: TestClient, *points: tuple[int, int, float]) -> str:
    """A run with the points (timestamp, step, value) of the metric ``m``."""
    answer = client.post("/api/2.0/mlflow/runs/create", json={"experiment_id": "0"})
    run_id = answer.json()["run"]["info"]["run_id"]
    metrics = [{"key": "m", "timestamp": at, "step": step, "value": str(value)} for at, step, value in points]
    client.post("/api/2.0/mlflow/runs/log-batch", json={"run_id": run_id, "metrics": metrics})
    return str(run_id)


def steps(client: TestClient, path: str, **params: Any) -> list[tuple[str, int]]:
    answer = client.get(METRICS + path, params={"metric_key": "m", **params})
    assert answer.status_code == 200, answer.text
    return [(point["run_id"], point["step"]) for point in answer.json()["metrics"]]


def test_the_first_points_of_many_runs_come_by_run_and_time(client: TestClient) -> None:
    one, two = sorted([log(client, (2, 1, 1), (1, 2, 2)), log(client, (2, 1, 1), (1, 2, 2))])
    expected = [(one, 2), (one, 1), (two, 2), (two, 1)]
    assert steps(client, "get-history-bulk", run_id=[two, one, "f" * 32]) == expected
    assert steps(client, "get-history-bulk", run_id=[two, one], max_results=3) == expected[:3]
    nan = client.get(
        METRICS + "get-history-bulk", params={"metric_key": "m", "run_id": log(client, (1, 1, float("nan")))}
    )
    assert nan.json()["metrics"][0]["value"] == "NaN"


def test_points_are_chosen_evenly_and_the_last_is_among_them(client: TestClient) -> None:
    ten = log(client, *((1, step, 0.5) for step in range(10)))
    eleven = log(client, *((1, step, 0.5) for step in range(11)))

    def chosen(**params: Any) -> list[int]:
        return [step for _, step in steps(client, "get-history-bulk-interval", **params)]

    assert chosen(run_ids=[ten, eleven], max_results=5) == [0, 2, 4, 6, 9, 0, 3, 5, 7, 10]
    assert chosen(run_ids=ten, start_step=2, end_step=4) == [2, 3, 4]
    assert chosen(run_ids=ten, max_results=1) == [9]
    assert chosen(run_ids="f" * 32) == []


@pytest.mark.parametrize(
    ("path", "params", "said"),
    [
        ("get-history-bulk", {"metric_key": "m"}, "must specify at least one run_id"),
        ("get-history-bulk", {"run_id": "a"}, "must specify a metric_key"),
        ("get-history-bulk", {"metric_key": "m", "run_id": ["a"] * 101}, "cannot specify more than 100"),
        ("get-history-bulk-interval", {"metric_key": "m"}, "Missing value for required parameter 'run_ids'"),
        ("get-history-bulk-interval", {"run_ids": "a"}, "Missing value for required parameter 'metric_key'"),
        ("get-history-bulk-interval", {"metric_key": "m", "run_ids": ["a"] * 101}, "at most 100 run_ids"),
        ("get-history-bulk-interval", {"metric_key": "m", "run_ids": "a", "max_results": 2501}, "between 1 and 2500"),
        ("get-history-bulk-interval", {"metric_key": "m", "run_ids": "a", "start_step": 1}, "both must be specified"),
        (
            "get-history-bulk-interval",
            {"metric_key": "m", "run_ids": "a", "start_step": 1, "end_step": 0},
            "end_step must be greater than start_step",
        ),
    ],
)
def test_what_charts_ask_wrongly_is_told_in_mlflows_words(
    client: TestClient, path: str, params: dict[str, Any], said: str
) -> None:
    refused = client.get(METRICS + path, params=params)
    assert (refused.status_code, refused.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
    assert said in refused.json()["message"]


@pytest.mark.parametrize("size", [0, -1])
def test_a_page_of_a_history_has_at_least_one_point(client: TestClient, size: int) -> None:
    params = {"run_id": log(client, (1, 1, 1)), "metric_key": "m", "max_results": size}
    refused = client.get("/api/2.0/mlflow/metrics/get-history", params=params)
    assert refused.status_code == 400
    assert refused.json()["message"].endswith("'max_results' supplied. It must be a positive integer.")
