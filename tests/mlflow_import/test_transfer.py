"""A store that MLflow wrote comes into ours whole, and again later only with what is new."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from mlproj import tracking
from mlproj.foundation.errors import ServiceError, UsageError
from mlproj.mlflow_import.transfer import ORIGIN_TAG, import_folder
from mlproj.tracking.base import NewRun, Run, Status, TrackingStore
from tests.heard import Heard
from tests.mlflow_import.test_program_log import FIRST, SECOND, artifacts, file_run

PROGRAM = """
import os, sys, mlflow
mlflow.set_tracking_uri(sys.argv[1])
mlflow.set_experiment("wine")
with mlflow.start_run(run_name="outer") as run:
    mlflow.log_param("alpha", 0.5)
    for step in range(3):
        mlflow.log_metric("rmse", 1 / (step + 1), step=step)
    mlflow.log_metric("nan", float("nan"))
    mlflow.log_text("hello", "notes/hello.txt")
    with mlflow.start_run(nested=True, run_name="inner"):
        mlflow.set_tag("kind", "child")
"""


@pytest.fixture
def store() -> TrackingStore:
    return tracking.open()


def by_name(store: TrackingStore) -> dict[str, Run]:
    return {run.run_name: run for run in store.list_runs()}


@pytest.mark.needs("mlflow")
@pytest.mark.parametrize("kind", ["folder", "sqlite"])
def test_what_mlflow_recorded_is_brought_in(store: TrackingStore, tmp_path: Path, told: Heard, kind: str) -> None:
    place = tmp_path / "mlruns" if kind == "folder" else tmp_path / "mlflow.db"
    uri = place.as_uri() if kind == "folder" else f"sqlite:///{place}"
    subprocess.run([sys.executable, "-W", "ignore", "-c", PROGRAM, uri], cwd=tmp_path, check=True, env=mlflow_environ())

    transfer = import_folder(store, place, told)

    outer, inner = by_name(store)["outer"], by_name(store)["inner"]
    assert set(transfer.new) == {outer.run_id, inner.run_id} and not told.warnings
    assert (outer.experiment_name, outer.status, dict(outer.params)) == ("wine", Status.FINISHED, {"alpha": "0.5"})
    assert [point.value for point in store.metric_history(outer.run_id, "rmse")] == [1.0, 0.5, 1 / 3]
    assert str(outer.metrics["nan"]) == "nan"
    assert artifacts(outer) == {"notes/hello.txt": "hello"}
    assert inner.tags["mlflow.parentRunId"] == outer.run_id and inner.tags["kind"] == "child"
    assert outer.tags[ORIGIN_TAG] == place.as_uri()


def mlflow_environ() -> dict[str, str]:
    import os

    return {**os.environ, "MLFLOW_ALLOW_FILE_STORE": "true"}


def test_a_second_import_adds_only_what_is_new(store: TrackingStore, tmp_path: Path, told: Heard) -> None:
    mlruns = tmp_path / "mlruns"
    run = file_run(mlruns, FIRST, 1_700_000_000_000, status=1)
    (run / "metrics" / "loss").write_text("1 0.5 0\n")
    assert import_folder(store, mlruns, told).new == [FIRST]
    assert store.get_run(FIRST).status is Status.RUNNING

    with (run / "metrics" / "loss").open("a") as points:
        points.write("2 0.25 1\n")
    (run / "params" / "late").write_text("x")
    (run / "artifacts" / "late.txt").write_text("late")
    meta = (run / "meta.yaml").read_text()
    (run / "meta.yaml").write_text(
        meta.replace("status: 1", "status: 3").replace("end_time: null", "end_time: 1700000001000")
    )
    file_run(mlruns, SECOND, 1_700_000_002_000)
    again = import_folder(store, mlruns, told)
    third = import_folder(store, tmp_path, told)

    found = store.get_run(FIRST)
    assert (again.new, again.updated) == ([SECOND], [FIRST]) and (third.new, third.updated) == ([], [])
    assert [point.value for point in store.metric_history(FIRST, "loss")] == [0.5, 0.25]
    assert (found.status, found.end_time, found.params["late"]) == (Status.FINISHED, 1_700_000_001_000, "x")
    assert artifacts(found) == {"late.txt": "late"} and not told.warnings


def test_a_run_that_was_recorded_here_is_left_alone(store: TrackingStore, tmp_path: Path, told: Heard) -> None:
    store.create_run(NewRun(run_id=FIRST, run_name="ours"))
    file_run(tmp_path / "mlruns", FIRST, 5, name="theirs")
    assert import_folder(store, tmp_path / "mlruns", told).left == [FIRST]
    assert store.get_run(FIRST).run_name == "ours"


def test_a_store_that_was_moved_keeps_its_artifacts(store: TrackingStore, tmp_path: Path, told: Heard) -> None:
    run = file_run(tmp_path / "old" / "mlruns", FIRST, 5)
    (run / "artifacts" / "model").write_text("m")
    (tmp_path / "old").rename(tmp_path / "new")
    import_folder(store, tmp_path / "new" / "mlruns", told)
    assert artifacts(store.get_run(FIRST)) == {"model": "m"}


def test_artifacts_elsewhere_on_the_machine_are_not_copied(store: TrackingStore, tmp_path: Path, told: Heard) -> None:
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "key").write_text("secret")
    file_run(tmp_path / "mlruns", FIRST, 5, artifact_uri=(tmp_path / "private").as_uri())
    import_folder(store, tmp_path / "mlruns", told)
    assert artifacts(store.get_run(FIRST)) == {} and "outside its folder" in told.warnings[0]


def test_what_is_no_store_is_named(store: TrackingStore, tmp_path: Path, told: Heard) -> None:
    (tmp_path / "mlruns").mkdir()
    with pytest.raises(UsageError, match="did you mean 'mlruns'"):
        import_folder(store, tmp_path / "mlrun", told)
    with pytest.raises(UsageError, match="holds no runs of MLflow's"):
        import_folder(store, tmp_path / "mlruns", told)
    with closing(sqlite3.connect(tmp_path / "other.db")) as connection:
        connection.execute("CREATE TABLE t (x)")
    with pytest.raises(UsageError, match="holds no runs of MLflow's"):
        import_folder(store, tmp_path / "other.db", told)
    (tmp_path / "broken.db").write_bytes(b"SQLite format 3\0" + b"\xff" * 4096)
    with pytest.raises(ServiceError, match=r"broken\.db cannot be read"):
        import_folder(store, tmp_path / "broken.db", told)
