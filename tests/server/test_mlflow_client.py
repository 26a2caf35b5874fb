"""The genuine client of MLflow against our server: the scenarios that programs go through."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from mlproj.tracking.base import Run, Status, TrackingStore

pytestmark = pytest.mark.needs("mlflow")


def program(address: str, text: str, **environ: str) -> str:
    """What a program printed that logs to *address*."""
    settings = {
        "MLFLOW_TRACKING_URI": address,
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
        "PYTHONWARNINGS": "ignore",
        **environ,
    }
    done = subprocess.run(
        [sys.executable, "-c", "import mlflow\n" + text], env={**os.environ, **settings}, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    # Newer clients tell where pages of runs are, in lines that begin with a picture.
    return "".join(line for line in done.stdout.splitlines(keepends=True) if line.isascii())


def files(run: Run) -> dict[str, str]:
    root = Path(urlsplit(run.artifact_uri).path)
    return {str(file.relative_to(root)): file.read_text() for file in root.rglob("*") if file.is_file()}


def newest(store: TrackingStore) -> Run:
    return store.list_runs(limit=1)[0]


def test_a_run_is_logged_with_its_artifacts(
    serve: Callable[[Any], str], application: Any, store: TrackingStore, tmp_path: Path
) -> None:
    (tmp_path / "file.txt").write_text("a file")
    out = program(
        serve(application),
        f"""
mlflow.set_experiment("wine")
with mlflow.start_run(run_name="mine") as run:
    mlflow.log_param("alpha", 0.5)
    mlflow.log_params({{"a": 1, "b": "x y"}})
    mlflow.log_metric("rmse", 0.5, step=1)
    mlflow.log_metrics({{"rmse": 0.25, "nan": float("nan"), "inf": float("inf")}}, step=2)
    mlflow.set_tag("team", "red")
    mlflow.log_artifact({str(tmp_path / "file.txt")!r}, "sub dir")
    mlflow.log_dict({{"a": 1}}, "d.json")
    print(mlflow.get_artifact_uri())
    print([artifact.path for artifact in mlflow.MlflowClient().list_artifacts(run.info.run_id)])
    print(open(mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="sub dir/file.txt")).read())
print(mlflow.get_run(run.info.run_id).data.metrics)
""",
    )
    run = newest(store)
    assert (run.run_name, run.experiment_name, run.status) == ("mine", "wine", Status.FINISHED)
    assert run.params == {"alpha": "0.5", "a": "1", "b": "x y"} and run.tags["team"] == "red"
    assert [point.value for point in store.metric_history(run.run_id, "rmse")] == [0.5, 0.25]
    assert str(run.metrics["nan"]) == "nan" and run.metrics["inf"] > 1e308
    assert files(run)["sub dir/file.txt"] == "a file" and "d.json" in files(run)
    lines = out.splitlines()
    assert lines[0].startswith("mlflow-artifacts:/") and lines[1] == "['d.json', 'sub dir']" and lines[2] == "a file"
    assert "'rmse': 0.25" in lines[3] and "'nan': nan" in lines[3]


def test_runs_are_nested_resumed_and_failed(
    serve: Callable[[Any], str], application: Any, store: TrackingStore
) -> None:
    program(
        serve(application),
        """
with mlflow.start_run(run_name="outer") as outer:
    with mlflow.start_run(run_name="inner", nested=True):
        mlflow.log_metric("m", 1)
with mlflow.start_run(run_id=outer.info.run_id):
    mlflow.log_metric("later", 1)
try:
    with mlflow.start_run(run_name="broken"):
        raise ValueError
except ValueError:
    pass
""",
    )
    runs = {run.run_name: run for run in store.list_runs()}
    assert runs["inner"].tags["mlflow.parentRunId"] == runs["outer"].run_id
    assert runs["outer"].metrics == {"later": 1.0} and runs["outer"].status is Status.FINISHED
    assert runs["broken"].status is Status.FAILED


def test_runs_and_experiments_are_searched(serve: Callable[[Any], str], application: Any) -> None:
    out = program(
        serve(application),
        """
client = mlflow.MlflowClient()
first = client.create_experiment("first", tags={"kind": "a"})
client.create_experiment("second")
for index in range(5):
    run = client.create_run(first)
    client.log_metric(run.info.run_id, "score", index)
    client.log_param(run.info.run_id, "index", index)
    client.set_terminated(run.info.run_id)
found = client.search_runs(
    [first], "metrics.score >= 1 and params.index != '3'", order_by=["metrics.score DESC"], max_results=2)
print([run.data.params["index"] for run in found], bool(found.token))
print([run.data.params["index"] for run in client.search_runs([first], "metrics.score >= 1 and params.index != '3'",
       order_by=["metrics.score DESC"], max_results=2, page_token=found.token)])
print(sorted(one.name for one in client.search_experiments()))
print([one.name for one in client.search_experiments(filter_string="tags.kind = 'a'")])
client.rename_experiment(first, "renamed"); client.delete_experiment(first)
print(client.get_experiment(first).lifecycle_stage, client.get_experiment_by_name("nothing"))
client.restore_experiment(first)
for step in range(3): client.log_metric(run.info.run_id, "h", step, step=step)
print([point.value for point in client.get_metric_history(run.info.run_id, "h")])
try: client.search_runs([first], "metrics.score >> 1")
except mlflow.exceptions.MlflowException as error: print(error.error_code)
try: client.log_param(run.info.run_id, "index", "other")
except mlflow.exceptions.MlflowException as error: print(error.error_code)
try: client.get_run("0" * 32)
except mlflow.exceptions.MlflowException as error: print(error.error_code)
client.delete_run(run.info.run_id)
print(len(client.search_runs([first])), client.get_run(run.info.run_id).info.lifecycle_stage)
client.restore_run(run.info.run_id); client.set_tag(run.info.run_id, "t", "1"); client.delete_tag(run.info.run_id, "t")
print(len(client.search_runs([first])), "t" in client.get_run(run.info.run_id).data.tags)
""",
    ).splitlines()
    assert out == [
        "['4', '2'] True", "['1']", "['Default', 'first', 'second']", "['first']", "deleted None", "[0.0, 1.0, 2.0]",
        "INVALID_PARAMETER_VALUE", "INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST", "4 deleted", "5 False",
    ]  # fmt: skip


def test_large_files_go_both_ways(
    serve: Callable[[Any], str], application: Any, store: TrackingStore, tmp_path: Path
) -> None:
    (tmp_path / "large.bin").write_bytes(os.urandom(1000) * 30_000)
    out = program(
        serve(application),
        f"""
with mlflow.start_run() as run:
    mlflow.log_artifact({str(tmp_path / "large.bin")!r})
fetched = mlflow.artifacts.download_artifacts(run_id=run.info.run_id, artifact_path="large.bin")
print(open(fetched, "rb").read() == open({str(tmp_path / "large.bin")!r}, "rb").read())
""",
    )
    assert out == "True\n"
    assert [child.name for child in Path(urlsplit(newest(store).artifact_uri).path).iterdir()] == ["large.bin"]


def test_datasets_are_kept(serve: Callable[[Any], str], application: Any, store: TrackingStore) -> None:
    program(
        serve(application),
        """
from mlflow.entities import Dataset, DatasetInput, InputTag
with mlflow.start_run() as run:
    dataset = Dataset("wine", "abc", "local", '{"uri": "x"}')
    tags = [InputTag("mlflow.data.context", "training")]
    mlflow.MlflowClient().log_inputs(run.info.run_id, [DatasetInput(dataset, tags)])
(found,) = mlflow.get_run(run.info.run_id).inputs.dataset_inputs
assert (found.dataset.name, found.tags[0].value) == ("wine", "training")
""",
    )
    assert [(dataset.name, dataset.digest) for dataset in newest(store).datasets] == [("wine", "abc")]
