"""Models logged with a run: found by run, by id and by old clients, from programs of their own and from runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import mlproj
from mlproj import tracking
from mlproj.foundation.errors import UsageError
from mlproj.tracking.model_base import LoggedModelStatus
from tests import program
from tests.models.writing.own_model import MODULE

LOG = """
import mlproj, own_models
logged = mlproj.log_model(own_models.Scaled({factor}), "model", input_example=[1, 2])
print(logged.uri, logged.run_id)
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "own_models.py").write_text(MODULE)
    return tmp_path


def log(folder: Path, code: str) -> list[str]:
    (folder / "train.py").write_text(code)
    done = subprocess.run([sys.executable, "train.py"], cwd=folder, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.split()


def test_a_program_logs_a_model_of_its_run(folder: Path) -> None:
    uri, run_id = log(folder, LOG.format(factor=3))

    model = tracking.open_models().get_logged_model(uri.removeprefix("models:/"))
    assert (model.name, model.source_run_id, model.status) == ("model", run_id, LoggedModelStatus.READY)
    files = Path(urlsplit(model.artifact_uri).path)
    told = json.loads((files / "serving_input_example.json").read_text())
    assert told == {"inputs": [1, 2]}
    outputs = tracking.open_models().models_of_runs([run_id])[run_id]
    assert [(each.model_id, each.output) for each in outputs] == [(model.model_id, True)]


@pytest.mark.parametrize("address", ["{uri}", "runs:/{run}/model", "runs:/last/model"])
def test_a_logged_model_is_loaded_by_each_of_its_addresses(folder: Path, address: str) -> None:
    uri, run_id = log(folder, LOG.format(factor=3))

    assert mlproj.load_model(address.format(uri=uri, run=run_id)).predict([2]) == [6]


def test_clients_before_mlflow_3_find_it_among_the_runs_artifacts(folder: Path) -> None:
    _, run_id = log(folder, LOG.format(factor=3))

    run = tracking.open().get_run(run_id)
    (entry,) = json.loads(run.tags["mlflow.log-model.history"])
    assert (entry["run_id"], entry["artifact_path"]) == (run_id, "model")
    assert "python_function" in entry["flavors"]
    ours = Path(urlsplit(run.artifact_uri).path) / "model" / "data" / "factor.json"
    assert ours.stat().st_nlink == 2  # the logged model's file is the same one


def test_a_name_that_is_logged_again_is_a_new_model_and_the_last_one_of_the_run(folder: Path) -> None:
    lines = log(folder, LOG.format(factor=3) + LOG.format(factor=7))

    first, run_id, second, _ = lines
    assert [mlproj.load_model(uri).predict([1]) for uri in (first, second, f"runs:/{run_id}/model")] == [[3], [7], [7]]


def test_a_run_of_a_project_logs_a_model(folder: Path) -> None:
    (folder / "MLproject").write_text("name: trains\nentry_points:\n  main:\n    command: python train.py\n")
    (folder / "train.py").write_text(LOG.format(factor=4))

    done = program.mlproj("run", folder, "--env-manager", "local")

    assert done.code == 0, done.err
    run = mlproj.search_runs()[0]
    (made,) = tracking.open_models().models_of_runs([run.run_id])[run.run_id]
    assert mlproj.load_model(f"models:/{made.model_id}").predict([1]) == [4]
    assert mlproj.load_model(f"runs:/{run.run_id}/model").predict([1]) == [4]


def test_a_run_that_reaches_no_store_has_the_model_among_its_artifacts(folder: Path, tmp_path: Path) -> None:
    (folder / "train.py").write_text(LOG.format(factor=5))
    away = {"MLPROJ_HOME": str(tmp_path / "away"), "MLPROJ_RUN_ID": "a" * 32, "MLPROJ_RUN_DIR": str(tmp_path / "run")}

    done = subprocess.run(
        [sys.executable, "train.py"], cwd=folder, capture_output=True, text=True, env={**os.environ, **away}
    )

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.split()[0] == f"runs:/{'a' * 32}/model"
    assert mlproj.load_model(str(tmp_path / "run" / "artifacts" / "model")).predict([1]) == [5]
    assert "mlflow.log-model.history" in (tmp_path / "run" / "tags.log").read_text()
    assert not (tmp_path / "away").exists()


@pytest.mark.parametrize("name", ["", "a/b", "a:b", "..", "50%"])
def test_a_name_that_mlflow_refuses_is_refused(name: str) -> None:
    with pytest.raises(UsageError, match="is no name of a model"):
        mlproj.log_model(object(), name)
    mlproj.end_run()
