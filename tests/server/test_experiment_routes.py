"""The endpoints of experiments, asked as MLflow's clients and pages ask."""

from __future__ import annotations

from typing import Any

import pytest
from starlette.testclient import TestClient

API = "/api/2.0/mlflow/"


@pytest.fixture
def client(application: Any) -> TestClient:
    return TestClient(application)


def use(client: TestClient, experiment_id: str, name: str, **tags: str) -> None:
    """A run that used a dataset."""
    made = client.post(f"{API}runs/create", json={"experiment_id": experiment_id}).json()
    dataset = {"name": name, "digest": "d", "source_type": "local", "source": "s"}
    inputs = {"dataset": dataset, "tags": [{"key": key, "value": value} for key, value in tags.items()]}
    answer = client.post(f"{API}runs/log-inputs", json={"run_id": made["run"]["info"]["run_id"], "datasets": [inputs]})
    assert answer.status_code == 200


def test_the_datasets_of_experiments_are_found_once_each(client: TestClient) -> None:
    other = client.post(f"{API}experiments/create", json={"name": "other"}).json()["experiment_id"]
    for _ in range(2):
        use(client, "0", "wine", **{"mlflow.data.context": "training"})
    use(client, "0", "beer")
    use(client, other, "water")
    answer = client.post(f"{API}experiments/search-datasets", json={"experiment_ids": ["0"]}).json()
    found = sorted(answer["dataset_summaries"], key=lambda each: str(each["name"]))
    assert found == [
        {"experiment_id": "0", "name": "beer", "digest": "d"},
        {"experiment_id": "0", "name": "wine", "digest": "d", "context": "training"},
    ]


@pytest.mark.parametrize(
    ("wanted", "said"), [([], "must specify at least one"), (["0"] * 21, "cannot specify more than 20")]
)
def test_datasets_are_looked_for_in_some_experiments(client: TestClient, wanted: list[str], said: str) -> None:
    refused = client.post(f"{API}experiments/search-datasets", json={"experiment_ids": wanted})
    assert refused.status_code == 400 and said in refused.json()["message"]


def test_a_new_name_is_checked_like_a_first_one(client: TestClient) -> None:
    made = client.post(f"{API}experiments/create", json={"name": "e"}).json()["experiment_id"]
    for name, said in (("x" * 501, "'name' exceeds the maximum length of 500"), (" ", "Invalid experiment name: ' '")):
        for path, fields in (
            ("create", {"name": name}),
            ("update", {"experiment_id": made, "new_name": name}),
        ):
            refused = client.post(f"{API}experiments/{path}", json=fields)
            assert refused.status_code == 400 and said in refused.json()["message"]
