"""What a model is given of a frame, and how its answers become columns."""

from __future__ import annotations

import datetime
import json
import math
from pathlib import Path
from typing import Any, cast

import pandas as pd
import pytest

from mlproj.foundation.errors import UsageError
from mlproj.models import signature
from mlproj.models.evaluation.predicting import Predictor, with_probabilities
from mlproj.models.mlmodel import ModelFile
from mlproj.models.opened import OpenedModel
from mlproj.models.scoring.worker_process import Answer, Loaded, WorkerProcess


class Worker:
    """Answers with what it is told to, and keeps what it was asked."""

    def __init__(self, *answers: Any, status: int = 200) -> None:
        self.asked: list[Any] = []
        self._answers = list(answers)
        self._status = status

    def invoke(self, requests: list[tuple[str, bytes]]) -> list[Answer]:
        self.asked += [json.loads(body) for _type, body in requests]
        return [Answer(self._status, "application/json", json.dumps(self._answers.pop(0)).encode())]


def predictor(worker: Worker, inputs: list[dict[str, Any]] | None = None) -> Predictor:
    parsed = None if inputs is None else signature.parse({"inputs": json.dumps(inputs)})
    opened = OpenedModel("m", Path("m"), ModelFile({}, {}, parsed))
    return Predictor(cast(WorkerProcess, worker), Loaded("native", 0), opened, frozenset({"y"}))


def asked(frame: pd.DataFrame, inputs: list[dict[str, Any]] | None = None) -> Any:
    worker = Worker({"predictions": [0] * len(frame)})
    predictor(worker, inputs).predict(frame)
    return worker.asked[0]


def test_a_signature_says_which_columns_are_for_the_model() -> None:
    frame = pd.DataFrame({"y": [1], "b": [2], "a": [3]})
    columns = [{"type": "long", "name": "a"}, {"type": "long", "name": "y"}, {"type": "long", "name": "c"}]
    assert asked(frame, columns) == {"dataframe_split": {"columns": ["a", "y"], "data": [[3, 1]]}}
    assert asked(frame) == {"dataframe_split": {"columns": ["b", "a"], "data": [[2, 3]]}}
    tensor = [{"type": "tensor", "tensor-spec": {"dtype": "float64", "shape": [-1, 2]}}]
    assert asked(frame, tensor) == {"inputs": [[2, 3]]}


def test_values_are_those_that_json_has() -> None:
    frame = pd.DataFrame(
        {
            "i": pd.array([1, None], dtype="Int64"),
            "f": [0.5, math.nan],
            "t": [pd.Timestamp("2024-01-02T03:04:05"), pd.NaT],
            "s": ["x", None],
            "b": [b"\x00", None],
            "d": [datetime.date(2024, 1, 2), None],
            "l": [[1, 2], None],
            "n": [2**60, -1],
        }
    )
    first, second = asked(frame)["dataframe_split"]["data"]
    assert first == [1, 0.5, "2024-01-02T03:04:05", "x", "AA==\n", "2024-01-02", [1, 2], 2**60]
    assert second[0] is None
    assert math.isnan(second[1])
    assert second[2:] == [None, None, None, None, None, -1]


@pytest.mark.parametrize(
    ("predictions", "columns"),
    [
        ([1, 2], {"": [1, 2]}),
        ([{"a": 1}, {"a": 2, "b": 3}], {"a": [1, 2], "b": [None, 3]}),
        ({"a": [1, 2]}, {"a": [1, 2]}),
        ([[0.1, 0.9], [0.8, 0.2]], {"": [[0.1, 0.9], [0.8, 0.2]]}),
    ],
)
def test_answers_become_columns(predictions: Any, columns: dict[str, list[Any]]) -> None:
    worker = Worker({"predictions": predictions})
    assert predictor(worker).predict(pd.DataFrame({"x": [1, 2]})) == columns


@pytest.mark.parametrize("predictions", [1, [1], [], {"a": 1}, {"a": [1]}, None, "ab"])
def test_answers_that_are_not_of_the_rows_are_a_mistake(predictions: Any) -> None:
    with pytest.raises(UsageError, match="does not answer row by row"):
        predictor(Worker({"predictions": predictions})).predict(pd.DataFrame({"x": [1, 2]}))


def test_rows_are_asked_for_in_portions_whose_answers_must_agree() -> None:
    frame = pd.DataFrame({"x": range(2001)})
    worker = Worker({"predictions": list(range(2000))}, {"predictions": [7]})
    assert predictor(worker).predict(frame)[""][1999:] == [1999, 7]
    with pytest.raises(UsageError, match="from row 2001 on the model answers with other columns"):
        predictor(Worker({"predictions": [0] * 2000}, {"predictions": [{"a": 7}]})).predict(frame)


def test_what_the_model_refuses_is_told_with_the_rows() -> None:
    explanation = {
        "message": "Failed to predict data 'x'. \nError: Model is missing inputs ['a'].",
        "error_code": "BAD_REQUEST",
    }
    with pytest.raises(UsageError, match=r"cannot predict rows 1 to 1: Model is missing inputs \['a'\]."):
        predictor(Worker(explanation, status=400)).predict(pd.DataFrame({"x": [1]}))
    raised = {"message": "Encountered", "stack_trace": "Traceback\n  File\nValueError: no such region\n"}
    with pytest.raises(UsageError, match="rows 1 to 1: ValueError: no such region"):
        predictor(Worker(raised, status=400)).predict(pd.DataFrame({"x": [1]}))


def test_a_scikit_learn_model_that_answers_with_labels_can_be_asked_for_probabilities() -> None:
    def opened(**pyfunc: str) -> OpenedModel:
        flavors = {"python_function": pyfunc}
        return OpenedModel("m", Path("m"), ModelFile({"flavors": flavors, "kept": 1}, flavors))

    found = with_probabilities(opened(loader_module="mlflow.sklearn"))
    assert found is not None
    assert found.file.document == {
        "kept": 1,
        "flavors": {"python_function": {"loader_module": "mlflow.sklearn", "predict_fn": "predict_proba"}},
    }
    assert with_probabilities(opened(loader_module="mlflow.sklearn", predict_fn="predict_proba")) is None
    assert with_probabilities(opened(loader_module="mlflow.xgboost")) is None
