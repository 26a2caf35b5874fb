"""Runs are written as text; whatever they hold, it is the JSON that a reader expects."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlproj.server import run_wire
from mlproj.tracking.base import DatasetInput, Metric, Run, Status
from mlproj.tracking.model_base import RunModel

RUN_ID = "a" * 32
_TEXT = st.text(max_size=8) | st.sampled_from(['"', "\\", "\ud800", "</x>", "\x00\n"])


def read(run: Run, *models: RunModel) -> Any:
    return json.loads(run_wire.run(run, "mlflow-artifacts:/x", models))


@given(texts=st.dictionaries(_TEXT, _TEXT, max_size=3), name=_TEXT)
def test_any_text_is_read_as_it_is(texts: dict[str, str], name: str) -> None:
    found = read(Run(RUN_ID, name, "0", "Default", Status.RUNNING, params=texts, tags=texts, user=name))
    pairs = [{"key": key, "value": value} for key, value in texts.items()]
    assert found["data"] == ({"params": pairs, "tags": pairs} if texts else {})
    assert (found["info"]["run_name"], found["info"].get("user_id")) == (name, name or None)


@pytest.mark.parametrize(
    ("value", "written"),
    [(1.0, 1.0), (1e-300, 1e-300), (7, 7), (math.nan, "NaN"), (-math.inf, -1.7976931348623157e308)],
)
def test_any_number_is_one_that_a_json_reader_takes(value: float, written: Any) -> None:
    point = Metric("m", value, -(2**63), 2**63 - 1)
    found = read(Run(RUN_ID, "n", "0", "Default", Status.FINISHED, start_time=0, latest_metrics=[point]))
    assert found["data"]["metrics"] == [{"key": "m", "value": written, "timestamp": -(2**63), "step": 2**63 - 1}]
    assert found["info"] == {
        "run_id": RUN_ID,
        "run_uuid": RUN_ID,
        "run_name": "n",
        "experiment_id": "0",
        "status": "FINISHED",
        "start_time": 0,
        "artifact_uri": "mlflow-artifacts:/x",
        "lifecycle_stage": "active",
    }


def test_a_time_that_is_no_number_in_the_database_is_still_json() -> None:
    odd: Any = 'x"'
    found = read(Run(RUN_ID, "n", "0", "Default", Status.RUNNING, latest_metrics=[Metric("m", 1.0, odd, odd)]))
    assert found["data"]["metrics"] == [{"key": "m", "value": 1.0, "timestamp": odd, "step": odd}]


def test_datasets_and_models_are_told_where_there_are_any() -> None:
    dataset = DatasetInput("d", "1", "local", "{}", tags={"mlflow.data.context": "training"})
    run = Run(RUN_ID, "n", "0", "Default", Status.RUNNING, datasets=[dataset])
    found = read(run, RunModel("m-used", 0, output=False), RunModel("m-made", 7))
    assert found["inputs"] == {
        "dataset_inputs": [
            {
                "dataset": {"name": "d", "digest": "1", "source_type": "local", "source": "{}"},
                "tags": [{"key": "mlflow.data.context", "value": "training"}],
            }
        ],
        "model_inputs": [{"model_id": "m-used"}],
    }
    assert found["outputs"] == {"model_outputs": [{"model_id": "m-made", "step": 7}]}
    assert read(Run(RUN_ID, "n", "0", "Default", Status.RUNNING))["inputs"] == {}
