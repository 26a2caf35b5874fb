"""Runs for a stock MLflow server, of today and of yesterday, with each kind of store: what it has no word for is there,
too."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mlproj import tracking
from mlproj.tracking.base import DatasetInput, Metric, NewRun, NotFound, Output, RunChanges, Status, TrackingStore
from tests import mlflow_server
from tests.outbox.conftest import Server, left_on_disk, records_on_disk, run_to
from tests.program import mlproj, project, start

pytestmark = [pytest.mark.needs("index"), pytest.mark.needs("old-python")]

KINDS = {"3.17.2 sqlite": ("3.17.2", "sqlite:///mlflow.db"), "2.22.0 files": ("2.22.0", "./mlruns")}


@pytest.fixture(scope="module", params=KINDS)
def kind(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    version, store = KINDS[request.param]
    return mlflow_server.installed(version, tmp_path_factory.mktemp("mlflow")), store


@pytest.fixture
def address(kind: tuple[Path, str], tmp_path: Path) -> Iterator[str]:
    programs, store = kind
    (tmp_path / "team").mkdir()
    with mlflow_server.running(programs, tmp_path / "team", store) as found:
        yield found


@pytest.fixture
def store(address: str) -> Iterator[TrackingStore]:
    with closing(tracking.open(address)) as opened:
        yield opened


def ask(address: str, path: str, **fields: Any) -> Any:
    request = urllib.request.Request(
        f"{address}/api/2.0/mlflow/{path}", json.dumps(fields).encode() if fields else None
    )
    request.add_header("Content-Type", "application/json")
    with urllib.request.urlopen(request) as response:
        return json.load(response)


def test_the_store_of_a_server_is_read_and_written(store: TrackingStore) -> None:
    """The parts of a server are asked in one test, as starting one takes long."""
    document = {"uri": "file:///p", "long": "x" * 20_000, "dirty": True}
    run = store.create_run(
        NewRun(
            run_id="ab" * 16,
            run_name="first",
            experiment_name="digits",
            start_time=1_700_000_000_123,
            entry_point="main",
            command="python train.py",
            host="here",
            pid=42,
            params={"alpha": "0.5", "odd name=%": "v" * 10_000},
            tags={"kind": "test"},
            source=document,
            environment={"kind": "python"},
            inputs=[{"parameter": "data"}],
        )
    )
    found = store.get_run("ab" * 16)
    assert found == run == store.get_run("abab") == store.get_run("first") == store.get_run(run.run_id)
    assert (found.source, found.environment, list(found.inputs)) == (
        document,
        {"kind": "python"},
        [{"parameter": "data"}],
    )
    assert (found.entry_point, found.command, found.host, found.pid) == ("main", "python train.py", "here", 42)
    assert (found.experiment_name, found.start_time, found.status) == ("digits", 1_700_000_000_123, Status.RUNNING)
    assert found.params["alpha"] == "0.5" and found.params["odd name__"].startswith("vvv")
    assert found.tags["kind"] == "test" and not any(key.startswith("mlproj.source") for key in found.tags)

    points = [Metric("loss", 1 / (step + 1), 1000 + step, step) for step in range(2500)]
    store.log(run.run_id, metrics=points, tags={"kind": "other"})
    assert store.metric_history(run.run_id, "loss") == points
    store.log_inputs(run.run_id, [DatasetInput("d", "1", "local", "{}", tags={"mlflow.data.context": "train"})])
    store.delete_tag(run.run_id, "kind")
    output = Output("model.bin", "ab" * 32, 12, kept=False)
    assert store.update_run(
        run.run_id,
        RunChanges(
            status=Status.FAILED, status_reason="it broke", exit_code=3, end_time=1_700_000_001_000, outputs=[output]
        ),
    )
    ended = store.get_run(run.run_id)
    assert (ended.status, ended.status_reason, ended.exit_code, ended.end_time) == (
        Status.FAILED,
        "it broke",
        3,
        1_700_000_001_000,
    )
    assert ended.outputs == (output,) and "kind" not in ended.tags and ended.metrics["loss"] == points[-1].value
    assert ended.datasets[0].name == "d"
    assert not store.update_run(run.run_id, RunChanges(status=Status.KILLED), expected=[Status.RUNNING])

    store.create_run(NewRun(run_name="second", params={"alpha": "0.7"}))
    assert [one.run_name for one in store.list_runs()] == ["second", "first"]
    assert [one.run_name for one in store.list_runs(experiment_name="digits", statuses=[Status.FAILED])] == ["first"]
    assert [one.run_name for one in store.search_runs(filter="metrics.loss < 0.5").items] == ["first"]
    store.update_run(run.run_id, RunChanges(lifecycle_stage="deleted"))
    assert [one.run_name for one in store.list_runs()] == ["second"]
    assert [experiment.name for experiment in store.list_experiments()] == ["Default", "digits"]
    for reference in ("nobody", "f" * 32, "ffff", "it's"):
        with pytest.raises(NotFound, match="there is no run"):
            store.get_run(reference)


TRAIN = """
import mlflow, sys
mlflow.set_experiment("wine")
with mlflow.start_run(run_name="outer"):
    mlflow.log_param("alpha", "0.5")
    for step in range(1200):
        mlflow.log_metric("loss", 1 / (step + 1), step=step)
    mlflow.log_metric("nan", float("nan"))
    mlflow.log_text("hello", "notes/n.txt")
    with mlflow.start_run(run_name="inner", nested=True):
        mlflow.log_metric("m", 1.5)
"""


@pytest.mark.needs("mlflow")
def test_a_program_of_mlflow_is_recorded_with_its_children(address: str, tmp_path: Path) -> None:
    folder = project(
        tmp_path / "p", 'name: p\nentry_points:\n  main:\n    command: "python train.py"\n', train__py=TRAIN
    )
    done, document = run_to(address, folder)
    assert "waits" not in done.err, done.err
    listed = mlproj("runs", "list", "--json", env={"MLPROJ_TRACKING_URI": address}).document["runs"]
    runs = {run["run_name"]: run for run in listed}
    outer, inner = runs["outer"], runs["inner"]
    assert outer["experiment_name"] == inner["experiment_name"] == "wine"
    assert outer["status"] == inner["status"] == "FINISHED" and outer["exit_code"] == 0
    assert inner["tags"]["mlflow.parentRunId"] == outer["run_id"] and inner["metrics"] == {"m": 1.5}
    assert outer["params"]["alpha"] == "0.5" and outer["source"]["uri"] == document["source"]["uri"]
    with closing(tracking.open(address)) as store:
        history = store.metric_history(outer["run_id"], "loss")
        assert store.get_run(document["run_id"][:8]).run_id == outer["run_id"]
    assert [(point.step, point.value) for point in history] == [(step, 1 / (step + 1)) for step in range(1200)]
    files = ask(address, f"artifacts/list?run_id={outer['run_id']}")["files"]
    assert {file["path"] for file in files} >= {"notes", "mlproj"}
    shown = mlproj("runs", "show", document["run_id"][:8], env={"MLPROJ_TRACKING_URI": address})
    assert shown.code == 0 and "outer" in shown.out
    assert records_on_disk() == 0 and left_on_disk() == []


def test_what_was_under_way_when_the_server_died_is_not_doubled(
    kind: tuple[Path, str], many: Path, tmp_path: Path
) -> None:
    """MLflow's file store keeps a point that is sent twice twice."""
    programs, place = kind
    (tmp_path / "team").mkdir()
    port = mlflow_server.free_port()
    address = f"http://127.0.0.1:{port}"
    process = start(
        "run", many, "--env-manager", "local", "-P", "n=700", "-P", "pause=0.02", env={"MLPROJ_TRACKING_URI": address}
    )
    for _ in range(2):
        with mlflow_server.running(programs, tmp_path / "team", place, port=port):
            wait_for(lambda: process.poll() is not None, 4)
    _, err = process.communicate()
    assert process.returncode == 0, err
    with mlflow_server.running(programs, tmp_path / "team", place, port=port):
        done = mlproj("sync", env={"MLPROJ_TRACKING_URI": address})
        assert done.code == 0, done.err
        with closing(tracking.open(address)) as store:
            (run,) = store.list_runs()
            assert run.status is Status.FINISHED
            assert [(point.step, point.value) for point in store.metric_history(run.run_id, "loss")] == [
                (n, 1 / (n + 1)) for n in range(700)
            ]
    assert records_on_disk() == 0


def wait_for(tell: Callable[[], bool], seconds: float) -> None:
    import time

    until = time.monotonic() + seconds
    while time.monotonic() < until and not tell():
        time.sleep(0.1)


def test_values_that_mlflow_cuts_are_in_a_file(address: str, tmp_path: Path) -> None:
    code = 'import os\nopen(os.environ["MLPROJ_PARAMS"], "a").write("text=" + "x" * 9000 + "\\n")\n'
    folder = project(
        tmp_path / "p", 'name: p\nentry_points:\n  main:\n    command: "python train.py"\n', train__py=code
    )
    done, document = run_to(address, folder)
    assert "waits" not in done.err, done.err
    with closing(tracking.open(address)) as store:
        run = store.get_run(document["run_id"])
    assert run.params["text"].endswith("x…")
    from mlproj import artifacts

    with artifacts.open_recorded(run.artifact_uri, server=address).open("mlproj/values.json") as file:
        assert json.load(file)["values"] == {"text": "x" * 9000}


MODEL = """
import mlflow, sys, time
mlflow.set_experiment("models")

def predict(model_input: list[str]) -> list[str]:
    return [text.upper() for text in model_input]

with mlflow.start_run():
    made = mlflow.pyfunc.log_model(
        name="shout", python_model=predict, registered_model_name="shouting", pip_requirements=[]
    )
    if "slowly" in sys.argv:
        time.sleep(3)  # the first model is delivered meanwhile
        mlflow.pyfunc.log_model(name="again", python_model=predict, pip_requirements=[])
    mlflow.MlflowClient().set_registered_model_alias("shouting", "champion", made.registered_model_version)
"""


@pytest.mark.needs("mlflow", "pandas")
def test_models_are_registered_with_the_server_and_brought_back_from_it(address: str, tmp_path: Path) -> None:
    folder = project(
        tmp_path / "p", 'name: p\nentry_points:\n  main:\n    command: "python train.py slowly"\n', train__py=MODEL
    )
    for _ in range(2):
        done, document = run_to(address, folder)
        assert "waits" not in done.err, done.err
    versions = ask(address, "model-versions/search?filter=name%3D%27shouting%27")["model_versions"]
    assert sorted(version["version"] for version in versions) == ["1", "2"]
    assert {version["status"] for version in versions} == {"READY"}
    assert ask(address, "registered-models/alias?name=shouting&alias=champion")["model_version"]["version"] == "2"
    with closing(tracking.open(address)) as store:
        run = store.get_run(document["run_id"])
    assert run.run_id in {version["run_id"] for version in versions}

    brought = mlproj("import", "mlruns", address)
    assert (brought.code, brought.err) == (0, ""), brought.err
    assert brought.out.startswith("2 new runs")
    assert mlproj("import", "mlruns", address).out.startswith("0 new runs, 0 brought up to date")
    with closing(tracking.open()) as here:
        found = here.get_run(run.run_id)
        assert found.experiment_name == "models" and found.artifact_uri.startswith("file:")
    description = (Path(found.artifact_uri.removeprefix("file://")) / "shout" / "MLmodel").read_text()
    assert run.run_id in description and document["run_id"] not in description
    assert (Path(found.artifact_uri.removeprefix("file://")) / "again" / "MLmodel").is_file()


LOAD = """
import mlflow, sys
model = mlflow.pyfunc.load_model("models:/shouting/1")
assert model.predict(["abc"]) == ["ABC"], model.predict(["abc"])
assert mlflow.pyfunc.load_model("models:/shouting@champion").predict(["x"]) == ["X"]
client = mlflow.MlflowClient()
assert [v.version for v in client.search_model_versions("name='shouting'")] == ["1"]
assert client.get_run(sys.argv[1]).info.run_id == sys.argv[1]
try:
    client.get_registered_model("nothing")
    raise SystemExit("found")
except mlflow.exceptions.MlflowException as error:
    assert error.error_code == "RESOURCE_DOES_NOT_EXIST", error.error_code
try:
    client.set_tag(sys.argv[1], "mine", "now")
    raise SystemExit("tagged")
except mlflow.exceptions.MlflowException as error:
    assert error.error_code == "PERMISSION_DENIED", error.error_code
mlflow.log_metric("loaded", 1)
"""


def _load_there_and_here(address: str, tmp_path: Path) -> None:
    command = (
        'name: p\nentry_points:\n  main:\n    parameters:\n      a: {default: ""}\n    command: "python train.py {a}"\n'
    )
    maker = project(tmp_path / "maker", command, train__py=MODEL)
    _, made = run_to(address, maker)
    with closing(tracking.open(address)) as store:
        run_id = store.get_run(made["run_id"]).run_id
    user = project(tmp_path / "user", command, train__py=LOAD)
    other_home = {"MLPROJ_HOME": str(tmp_path / "another home")}
    done, document = run_to(address, user, "-P", f"a={run_id}", env=other_home)
    assert "waits" not in done.err, done.err
    with closing(tracking.open(address)) as store:
        assert store.get_run(document["run_id"]).metrics["loaded"] == 1
        assert "mine" not in store.get_run(run_id).tags


RELOAD = """
import mlflow
assert mlflow.pyfunc.load_model("models:/shouting/1").predict(["abc"]) == ["ABC"]
client = mlflow.MlflowClient()
assert client.get_model_version("shouting", "1").tags["by"] == "the team"
assert client.get_registered_model("plain").description == "nothing yet"
"""


@pytest.mark.needs("mlflow", "pandas")
def test_a_model_that_was_delivered_is_the_servers_from_then_on(server: Server, tmp_path: Path) -> None:
    """In the home that made it, where its files were."""
    command = 'name: p\nentry_points:\n  main: {command: "python train.py"}\n'
    only = '\nmlflow.MlflowClient().create_registered_model("plain", description="nothing yet")\n'
    maker, user = (
        project(tmp_path / "maker", command, train__py=MODEL + only),
        project(tmp_path / "user", command, train__py=RELOAD),
    )
    with server.up():
        run_to(server.address, maker)
        with closing(tracking.open_models(server.address)) as models:
            models.set_version_tag("shouting", 1, "by", "the team")
        done, _ = run_to(server.address, user)
        assert "waits" not in done.err, done.err


@pytest.mark.needs("mlflow", "pandas")
def test_a_program_reads_what_the_team_has(address: str, tmp_path: Path) -> None:
    _load_there_and_here(address, tmp_path)


@pytest.mark.needs("mlflow", "pandas")
def test_a_program_reads_what_the_team_has_with_a_server_of_ours(server: Server, tmp_path: Path) -> None:
    with server.up():
        _load_there_and_here(server.address, tmp_path)
