"""MLflow's clients of seven years, each as it was, against our server: the scenarios that programs go through."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from mlproj import tracking
from mlproj.tracking.base import Run, Status, TrackingStore
from tests import conftest
from tests.mlflow_server import free_port
from tests.program import mlproj, project

pytestmark = [pytest.mark.needs("index"), pytest.mark.needs("old-python")]


@dataclass(frozen=True)
class Client:
    """A release of MLflow, what it needs beside it, and the day as of which that is chosen."""

    version: str
    day: str
    packages: tuple[str, ...]
    sklearn: tuple[str, ...] = ()
    complete: bool = True


# MLflow 1.8 asks for more than its client needs, some of which no Python of today installs.
_CLIENT_OF_1_8 = (
    "click cloudpickle databricks-cli docker entrypoints gitpython gorilla pandas protobuf<3.21 python-dateutil pyyaml "
    "querystring-parser requests setuptools simplejson six sqlparse"
)
CLIENTS = {
    client.version: client
    for client in (
        Client("1.8.0", "2023-01-01", tuple(_CLIENT_OF_1_8.split()), complete=False),
        Client("1.30.0", "2022-12-20", ("mlflow-skinny==1.30.0", "setuptools"), ("scikit-learn", "pandas")),
        Client("2.9.2", "2024-01-15", ("mlflow-skinny==2.9.2", "setuptools"), ("scikit-learn", "pandas<2.2")),
        Client("2.22.0", "2025-06-01", ("mlflow-skinny==2.22.0",), ("scikit-learn<1.6", "pandas<2.3")),
        Client("3.17.2", "", ("mlflow-skinny==3.17.2",), ("scikit-learn<1.8", "pandas<3")),
    )
}

Program = Callable[[str], str]


@pytest.fixture(scope="session")
def pythons(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, bool], Path]:
    """The Python of an environment with a client, made once in a session."""
    made: dict[tuple[str, bool], Path] = {}

    def python(version: str, sklearn: bool) -> Path:
        if (version, sklearn) not in made:
            made[version, sklearn] = _install(CLIENTS[version], sklearn, tmp_path_factory.mktemp("client") / version)
        return made[version, sklearn]

    return python


def _install(client: Client, sklearn: bool, folder: Path) -> Path:
    python = folder / "bin" / "python"
    _uv("venv", "--python", conftest.old_python() or sys.executable, str(folder))
    as_of = ["--exclude-newer", client.day] if client.day else []
    _uv("pip", "install", "--python", str(python), *as_of, *client.packages, *(client.sklearn if sklearn else ()))
    if not client.complete:
        _uv("pip", "install", "--python", str(python), "--no-deps", f"mlflow=={client.version}")
    return python


def _uv(*arguments: str) -> None:
    done = subprocess.run([sys.executable, "-m", "uv", "-q", *arguments], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def runner(python: Path, address: str) -> Program:
    """Runs programs with a client; gives what they print."""
    settings = {"MLFLOW_TRACKING_URI": address, "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1", "PYTHONWARNINGS": "ignore"}

    def run(text: str) -> str:
        beginning = "import mlflow\nfrom mlflow.tracking import MlflowClient\nclient = MlflowClient()\n"
        done = subprocess.run(
            [python, "-c", beginning + text], env={**os.environ, **settings}, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return "".join(line for line in done.stdout.splitlines(keepends=True) if line.isascii())

    return run


@pytest.fixture(params=CLIENTS)
def program(request: pytest.FixtureRequest, pythons: Callable[[str, bool], Path], server: str) -> Program:
    return runner(pythons(request.param, False), server)


def files(run: Run) -> dict[str, str]:
    root = Path(unquote(urlsplit(run.artifact_uri).path))
    return {str(file.relative_to(root)): file.read_text() for file in root.rglob("*") if file.is_file()}


def test_a_run_is_logged_with_its_files(program: Program, store: TrackingStore, tmp_path: Path) -> None:
    (tmp_path / "out" / "sub").mkdir(parents=True)
    (tmp_path / "out" / "sub" / "b c.txt").write_text("b")
    (tmp_path / "a.txt").write_text("a" * 100_000)
    program(f"""
mlflow.set_experiment("wine")
with mlflow.start_run(run_name="mine") as run:
    mlflow.log_param("alpha", 0.5); mlflow.log_params({{"a": 1, "b": "x y"}}); mlflow.log_param("alpha", 0.5)
    mlflow.log_metric("rmse", 0.5, step=1); mlflow.log_metrics({{"rmse": 0.25, "r2": -1}}, step=2)
    mlflow.log_metrics({{"nan": float("nan"), "inf": float("inf"), "ninf": float("-inf")}})
    mlflow.set_tag("team", "red"); mlflow.set_tags({{"x": 1, "gone": 2}}); client.delete_tag(run.info.run_id, "gone")
    mlflow.log_artifact({str(tmp_path / "a.txt")!r}, "folder"); mlflow.log_artifacts({str(tmp_path / "out")!r})
    if hasattr(mlflow, "log_dict"): mlflow.log_dict({{"a": 1}}, "d.json"); mlflow.log_text("t", "t.txt")
    if hasattr(mlflow, "log_table"):
        try: import pandas
        except ImportError: pass
        else: mlflow.log_table({{"a": [1]}}, "t.json")
found = client.get_run(run.info.run_id)
assert found.data.params == {{"alpha": "0.5", "a": "1", "b": "x y"}}, found.data.params
assert found.data.metrics["rmse"] == 0.25 and found.data.metrics["nan"] != found.data.metrics["nan"]
assert found.data.metrics["inf"] > 1e308 and found.data.metrics["ninf"] < -1e308
assert found.data.tags["team"] == "red" and "gone" not in found.data.tags and found.info.status == "FINISHED"
listed = [(file.path, file.is_dir, file.file_size) for file in client.list_artifacts(run.info.run_id, "folder")]
assert listed == [("folder/a.txt", False, 100000)], listed
assert {{"folder", "sub"}} <= {{file.path for file in client.list_artifacts(run.info.run_id)}}
if hasattr(client, "download_artifacts"):
    assert open(client.download_artifacts(run.info.run_id, "sub/b c.txt")).read() == "b"
""")
    run = store.list_runs(limit=1)[0]
    assert (run.run_name, run.experiment_name, run.status) == ("mine", "wine", Status.FINISHED)
    assert files(run)["folder/a.txt"] == "a" * 100_000 and files(run)["sub/b c.txt"] == "b"
    assert run.end_time and run.start_time and run.end_time >= run.start_time and run.user


def test_a_run_is_taken_up_by_its_id_and_can_fail(program: Program, store: TrackingStore) -> None:
    program("""
with mlflow.start_run() as run: mlflow.log_metric("first", 1)
with mlflow.start_run(run_id=run.info.run_id) as again: mlflow.log_metric("second", 2)
assert again.info.run_id == run.info.run_id and set(client.get_run(run.info.run_id).data.metrics) == {"first", "second"}
try:
    with mlflow.start_run(): raise KeyError
except KeyError: pass
try: client.get_run("f" * 32)
except mlflow.exceptions.MlflowException as error:
    assert error.error_code == "RESOURCE_DOES_NOT_EXIST", error.error_code
else: raise AssertionError
try: client.log_param(run.info.run_id, "p", 1); client.log_param(run.info.run_id, "p", 2)
except mlflow.exceptions.MlflowException as error:
    assert error.error_code == "INVALID_PARAMETER_VALUE", error.error_code
else: raise AssertionError
""")
    assert [run.status for run in store.list_runs()] == [Status.FAILED, Status.FINISHED]


def test_runs_are_nested(program: Program, store: TrackingStore) -> None:
    program("""
with mlflow.start_run() as outer:
    for index in range(2):
        with mlflow.start_run(nested=True): mlflow.log_param("index", index)
found = client.search_runs(["0"], "tags.mlflow.parentRunId = '%s'" % outer.info.run_id)
assert sorted(run.data.params["index"] for run in found) == ["0", "1"]
""")
    *children, outer = store.list_runs()
    assert [run.tags["mlflow.parentRunId"] for run in children] == [outer.run_id] * 2


def test_runs_experiments_and_histories_are_searched(program: Program) -> None:
    program("""
first = client.create_experiment("first")
for index in range(5):
    run = client.create_run(first)
    for step in range(3): client.log_metric(run.info.run_id, "m", index + step, step=step)
    client.log_param(run.info.run_id, "index", index); client.set_terminated(run.info.run_id)
asked = dict(filter_string="metrics.m >= 3 and params.index != '3'", order_by=["metrics.m DESC"])
found = client.search_runs([first], max_results=2, **asked)
assert [run.data.params["index"] for run in found] == ["4", "2"] and found.token
rest = client.search_runs([first], max_results=2, page_token=found.token, **asked)
assert [run.data.params["index"] for run in rest] == ["1"] and not rest.token
points = client.get_metric_history(run.info.run_id, "m")
assert [(point.value, point.step) for point in points] == [(4.0, 0), (5.0, 1), (6.0, 2)]
every = client.search_experiments() if hasattr(client, "search_experiments") else client.list_experiments()
assert {experiment.name for experiment in every} == {"Default", "first"}
assert client.get_experiment_by_name("first").experiment_id == first and client.get_experiment_by_name("none") is None
client.rename_experiment(first, "renamed"); client.delete_experiment(first)
assert client.get_experiment(first).lifecycle_stage == "deleted"
client.restore_experiment(first); client.set_experiment_tag(first, "k", "v")
assert client.get_experiment(first).name == "renamed" and client.get_experiment(first).tags == {"k": "v"}
client.delete_run(run.info.run_id); assert len(client.search_runs([first])) == 4
client.restore_run(run.info.run_id); assert len(client.search_runs([first])) == 5
try: client.search_runs([first], "metrics.m >> 1")
except mlflow.exceptions.MlflowException as error:
    assert error.error_code == "INVALID_PARAMETER_VALUE", error.error_code
else: raise AssertionError
""")


@pytest.mark.parametrize("version", [version for version, client in CLIENTS.items() if client.sklearn])
def test_scikit_learn_logs_by_itself(
    version: str, pythons: Callable[[str, bool], Path], server: str, store: TrackingStore
) -> None:
    runner(pythons(version, True), server)("""
import mlflow.sklearn
import numpy
from sklearn.linear_model import LinearRegression, Ridge
from sklearn.model_selection import GridSearchCV
mlflow.sklearn.autolog(log_models=False)
x = numpy.arange(20.0).reshape(-1, 1)
LinearRegression().fit(x, x[:, 0])
GridSearchCV(Ridge(), {"alpha": [0.1, 1.0]}, cv=2).fit(x, x[:, 0])
""")
    runs = {run.run_id: run for run in store.list_runs()}
    assert len(runs) == 4 and {run.status for run in runs.values()} == {Status.FINISHED}
    children = [run for run in runs.values() if "mlflow.parentRunId" in run.tags]
    assert sorted(run.params["alpha"] for run in children) == ["0.1", "1.0"]
    search = runs[children[0].tags["mlflow.parentRunId"]]
    assert search.params["best_alpha"] == "0.1" and "cv_results.csv" in files(search)
    assert all(run.metrics for run in runs.values())


def test_every_client_uses_its_token(
    pythons: Callable[[str, bool], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.program import mlproj
    from tests.server.conftest import running

    secret = mlproj("server", "token", "create", "clients").out.strip()
    with running("--allow-host", "127.0.0.1") as (_, address):
        for version in CLIENTS:
            python = pythons(version, False)
            for settings in (
                {"MLFLOW_TRACKING_TOKEN": secret},
                {"MLFLOW_TRACKING_USERNAME": "me", "MLFLOW_TRACKING_PASSWORD": secret},
            ):
                with monkeypatch.context() as patched:
                    for name, value in settings.items():
                        patched.setenv(name, value)
                    runner(python, address)("mlflow.start_run(); mlflow.log_metric('m', 1); mlflow.end_run()")
            runner(python, address)("""
try: client.create_run("0")
except mlflow.exceptions.MlflowException as error: assert "token" in str(error), error
else: raise AssertionError
""")


MODEL = """
import pandas, mlflow.pyfunc
class Shout(mlflow.pyfunc.PythonModel):
    def predict(self, context, model_input, params=None):
        return [text.upper() for text in model_input["text"]]
data = pandas.DataFrame({"text": ["abc"]})
with mlflow.start_run() as run:
    mlflow.pyfunc.log_model("model", python_model=Shout(), conda_env={"name": "e", "dependencies": []})
def check(uri):
    assert list(mlflow.pyfunc.load_model(uri).predict(data)) == ["ABC"], uri
check(f"runs:/{run.info.run_id}/model")
made = mlflow.register_model(f"runs:/{run.info.run_id}/model", "shout")
assert int(made.version) == 1, made
check("models:/shout/1")
client.transition_model_version_stage("shout", 1, "Production")
check("models:/shout/Production")
if hasattr(client, "set_registered_model_alias"):
    client.set_registered_model_alias("shout", "champion", "1")
    check("models:/shout@champion")
    assert client.get_model_version_by_alias("shout", "champion").run_id == run.info.run_id
else:
    assert client.get_latest_versions("shout", ["Production"])[0].run_id == run.info.run_id
print(run.info.run_id)
"""


@pytest.mark.parametrize("version", CLIENTS)
def test_models_are_logged_loaded_and_registered(
    version: str, pythons: Callable[[str, bool], Path], server: str, store: TrackingStore
) -> None:
    run_id = runner(pythons(version, bool(CLIENTS[version].sklearn)), server)(MODEL).split()[-1]
    models = tracking.open_models()
    found = models.get_version("shout", 1)
    models.close()
    assert (found.run_id, found.stage.value) == (run_id, "Production")
    assert store.get_run(run_id).status is Status.FINISHED


PROJECT = """
name: p
entry_points:
  main:
    parameters:
      alpha: {type: float, default: 0.5}
    command: "python train.py {alpha}"
"""
TRAIN = """
import mlflow, sys
with mlflow.start_run():
    mlflow.log_metric("rmse", float(sys.argv[1]))
    mlflow.set_tag("by", "program")
"""


@pytest.mark.parametrize("version", CLIENTS)
def test_mlflow_runs_projects_against_the_server(
    version: str,
    pythons: Callable[[str, bool], Path],
    server: str,
    store: TrackingStore,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    python = pythons(version, False)
    monkeypatch.setenv("PATH", f"{python.parent}:{os.environ['PATH']}")
    (tmp_path / "p").mkdir()
    (tmp_path / "p" / "MLproject").write_text(PROJECT)
    (tmp_path / "p" / "train.py").write_text(TRAIN)
    local = "use_conda=False" if version == "1.8.0" else 'env_manager="local"'
    runner(python, server)(f'mlflow.projects.run({str(tmp_path / "p")!r}, parameters={{"alpha": 0.25}}, {local})')
    (run,) = store.list_runs()
    assert (run.status, dict(run.metrics), run.tags["by"]) == (Status.FINISHED, {"rmse": 0.25}, "program")
    assert run.params == {"alpha": "0.25"} and run.tags["mlflow.source.type"] == "PROJECT"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells whose a connection is")
@pytest.mark.parametrize("version", CLIENTS)
def test_a_program_that_names_a_server_of_its_author_logs_to_its_run(
    pythons: Callable[[str, bool], Path], tmp_path: Path, version: str
) -> None:
    port = free_port()
    code = (
        f"import mlflow\nmlflow.set_tracking_uri('http://localhost:{port}')\nmlflow.set_experiment('theirs')\n"
        "with mlflow.start_run():\n    mlflow.log_param('a', 1)\n    mlflow.log_metric('loss', 0.5)\n"
        "    open('note.txt', 'w').write('hello')\n    mlflow.log_artifact('note.txt')\n"
    )
    text = json.dumps({"entry_points": {"main": {"command": f"{pythons(version, False)} train.py"}}})
    folder = project(tmp_path / "p", text, train__py=code)

    result = mlproj("run", folder, "--env-manager", "local", "--json")

    run = result.document["run"]
    assert (run["status"], run["params"], run["metrics"]["loss"]) == ("FINISHED", {"a": "1"}, 0.5), result.err
    assert run["tags"]["mlproj.stand_in"].endswith("answered by the run's own tracking server")
    assert (Path(unquote(urlsplit(run["artifact_uri"]).path)) / "note.txt").read_text() == "hello"
