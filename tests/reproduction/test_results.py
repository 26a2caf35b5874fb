"""What a run came out as, read from its record and its artifacts."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from mlproj import tracking
from mlproj.foundation.errors import MlprojError
from mlproj.reproduction import results
from mlproj.reproduction.results import Place
from mlproj.tracking.base import Metric, NewRun, Output, Run, RunChanges, Status
from mlproj.tracking.model_base import RunModel


@pytest.fixture
def place() -> Iterator[Place]:
    with closing(tracking.open()) as runs, closing(tracking.open_models()) as models:
        yield Place(runs, models)


def a_run(place: Place, values: dict[str, float], tags: dict[str, str] | None = None, **fields: dict[str, str]) -> Run:
    run = place.runs.create_run(NewRun(tags=tags or {}, **fields))
    place.runs.log(run.run_id, metrics=[Metric(name, value, 1) for name, value in values.items()])
    place.runs.update_run(run.run_id, RunChanges(status=Status.FINISHED, exit_code=0))
    return place.runs.get_run(run.run_id)


def write(uri: str, path: str, content: str) -> None:
    file = Path(urlsplit(uri).path) / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content)


def test_outputs_artifacts_and_logged_models_are_files_and_the_load_of_the_machine_is_no_metric(place: Place) -> None:
    run = a_run(place, {"a": 1.0, "system/cpu": 3.0})
    for path in ("outputs/made.txt", "logged/sub/x.txt", "mlproj/plan.json", "model/MLmodel"):
        write(run.artifact_uri, path, "run_id: 1\nflavors: {}\n" if path.endswith("MLmodel") else path)
    outputs = [Output("made.txt", "d1", 16), Output("big.bin", "d2", 10**9, kept=False)]
    place.runs.update_run(run.run_id, RunChanges(outputs=outputs))
    for step in range(2):
        model = place.models.create_logged_model(run.experiment_id, name="net", source_run_id=run.run_id)
        place.models.link_models(run.run_id, [RunModel(model.model_id, step)])
        write(model.artifact_uri, "MLmodel", f"run_id: {run.run_id}\nmodel_id: {model.model_id}\nflavors: {{}}\n")
        write(model.artifact_uri, "weights", f"{step}")

    found = results.read_results(place.runs.get_run(run.run_id), place)

    assert set(found.metrics) == {"a"}
    assert {name: found.files[name].path for name in found.files} == {
        "made.txt": "made.txt",
        "big.bin": "big.bin",
        "logged: logged/sub/x.txt": "logged/sub/x.txt",
        "logged: model/MLmodel": "model/MLmodel",
        "model net: MLmodel": "MLmodel",
        "model net: weights": "weights",
        "model net 2: MLmodel": "MLmodel",
        "model net 2: weights": "weights",
    }
    assert found.files["made.txt"].read() == b"outputs/made.txt" and found.files["big.bin"].read() is None
    assert len({found.files[name].sha256 for name in found.files if name.endswith("MLmodel")}) == 1
    assert found.files["model net: weights"].sha256 != found.files["model net 2: weights"].sha256


def test_children_come_in_the_order_of_what_they_were_given(place: Place) -> None:
    run = a_run(place, {})
    for value in ("2", "1"):
        child = a_run(place, {"m": float(value)}, {"mlflow.parentRunId": run.run_id}, params={"n": value})
        a_run(place, {"deep": float(value)}, {"mlflow.parentRunId": child.run_id})
    found = results.read_results(run, place)
    assert {name: points[0].value for name, points in found.metrics.items()} == {
        "child 1: m": 1.0,
        "child 1: child 1: deep": 1.0,
        "child 2: m": 2.0,
        "child 2: child 1: deep": 2.0,
    }
    assert found.endings == ((Status.FINISHED, 0), (Status.FINISHED, 0))


def test_a_place_that_a_record_may_not_lead_to_is_an_error(place: Place) -> None:
    run = place.runs.create_run(NewRun(artifact_uri="ftp://host/x"))
    with pytest.raises(MlprojError, match="cannot be reached from here"):
        results.read_results(run, place)
