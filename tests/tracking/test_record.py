"""The JSON document of a run."""

from __future__ import annotations

import json
import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from mlproj.tracking.base import Output, Run, Status
from mlproj.tracking.record import mlflow_tags, number, to_json

# Issue: the contract of schema 1.
CONTRACT = {
    *(
        "run_id",
        "run_name",
        "experiment_id",
        "experiment_name",
        "status",
        "status_reason",
        "start_time",
        "end_time",
        "entry_point",
    ),
    *("params", "metrics", "tags", "artifact_uri", "source", "environment", "command", "exit_code", "outputs"),
}
SOURCE = {"uri", "commit", "branch", "tag", "commit_date", "subdirectory", "dirty"}
ENVIRONMENT = {"kind", "manager", "python", "key", "as_of", "lock"}


def run(**changes: Any) -> Run:
    return Run("0" * 32, "name", "0", "Default", Status.FINISHED, **changes)


def test_a_run_has_every_key_of_the_contract() -> None:
    document = to_json(run(outputs=[Output("a", "ff", 3)]))
    assert document.keys() >= CONTRACT
    assert document["source"].keys() >= SOURCE
    assert document["environment"].keys() >= ENVIRONMENT
    assert document["outputs"] == [{"path": "a", "sha256": "ff", "size": 3, "kept": True}]
    assert document["status"] == "FINISHED"


def test_what_is_known_of_source_and_environment_is_there() -> None:
    document = to_json(run(source={"uri": "u", "digest": "d"}, environment={"kind": "python"}))
    assert (document["source"]["uri"], document["source"]["digest"], document["source"]["commit"]) == ("u", "d", None)
    assert document["environment"]["kind"] == "python"


def test_duration_is_known_at_the_end() -> None:
    assert to_json(run(start_time=1000, end_time=1250))["duration"] == 250
    assert to_json(run(start_time=1000))["duration"] is None
    assert to_json(run(start_time=0, end_time=0))["duration"] == 0


def test_every_reader_of_json_takes_nan_and_infinity() -> None:
    metrics = {"nan": math.nan, "up": math.inf, "down": -math.inf, "one": 1.0}
    text = json.dumps(to_json(run(metrics=metrics)), allow_nan=False)
    assert json.loads(text)["metrics"] == {"nan": "NaN", "up": "Infinity", "down": "-Infinity", "one": 1.0}


@given(st.floats())
def test_python_reads_any_metric_value_back(value: float) -> None:
    read = float(json.loads(json.dumps(number(value), allow_nan=False)))
    assert read == value or (math.isnan(read) and math.isnan(value))


def test_mlflows_tags_are_those_that_are_known() -> None:
    assert mlflow_tags(
        user="me", commit="abc", repository="https://host/r.git", entry_point="main", backend="local"
    ) == {
        "mlflow.user": "me",
        "mlflow.source.type": "PROJECT",
        "mlflow.source.git.commit": "abc",
        "mlflow.source.git.repoURL": "https://host/r.git",
        "mlflow.gitRepoURL": "https://host/r.git",
        "mlflow.project.entryPoint": "main",
        "mlflow.project.backend": "local",
    }
    assert mlflow_tags(source_name="s", branch="b", environment="python", parent_run_id="p") == {
        "mlflow.source.name": "s",
        "mlflow.source.type": "PROJECT",
        "mlflow.source.git.branch": "b",
        "mlflow.project.env": "python",
        "mlflow.parentRunId": "p",
    }
