"""What programs log through MLflow becomes part of their run."""

from __future__ import annotations

import math
import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from mlproj import tracking
from mlproj.foundation import paths
from mlproj.foundation.quantity import LAST_MOMENT
from mlproj.mlflow_import import folder, program_log
from mlproj.tracking.base import Metric, NewRun, Run, Status, TrackingStore
from tests.heard import Heard

FIRST, SECOND, THIRD = (digit * 32 for digit in "abc")


@pytest.fixture
def store() -> TrackingStore:
    return tracking.open()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "checkout"
    folder.mkdir()
    return folder


def collect(
    store: TrackingStore, run: Run, checkout: Path, told: Heard, ended: Status = Status.FINISHED
) -> tuple[Run, list[Run]]:
    run_dir = paths.run_dir(run.run_id)
    run_dir.mkdir(parents=True, exist_ok=True)
    children = program_log.collect(store, run, run_dir=run_dir, checkout=checkout, ended=ended, progress=told)
    return store.get_run(run.run_id), [store.get_run(child) for child in children]


def artifacts(run: Run) -> dict[str, str]:
    root = Path(run.artifact_uri.removeprefix("file://"))
    return {str(file.relative_to(root)): file.read_text() for file in root.rglob("*") if file.is_file()}


# --- stores written by hand: what clients of other days, killed clients and hostile ones leave


def file_run(
    mlruns: Path,
    run_id: str,
    start: int,
    *,
    experiment: str = "0",
    name: str = "",
    status: int = 3,
    artifact_uri: str | None = None,
) -> Path:
    folder = mlruns / experiment / run_id
    for part in ("params", "metrics", "tags", "artifacts"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    (mlruns / experiment / "meta.yaml").write_text(
        f"experiment_id: '{experiment}'\nname: {'Default' if experiment == '0' else 'digits'}\n"
    )
    uri = artifact_uri or (folder / "artifacts").as_uri()
    (folder / "meta.yaml").write_text(
        f"artifact_uri: {uri}\nend_time: null\nexperiment_id: '{experiment}'\nlifecycle_stage: active\n"
        f"run_id: {run_id}\nrun_uuid: {run_id}\nname: '{name}'\nstart_time: {start}\nstatus: {status}\n"
    )
    return folder


def database(file: Path, *statements: str) -> None:
    with closing(sqlite3.connect(file)) as connection:
        connection.executescript(
            """
            CREATE TABLE experiments (experiment_id INTEGER PRIMARY KEY, name TEXT, artifact_location TEXT,
                                      lifecycle_stage TEXT);
            CREATE TABLE runs (run_uuid TEXT PRIMARY KEY, name TEXT, status TEXT, start_time BIGINT, end_time BIGINT,
                               lifecycle_stage TEXT, artifact_uri TEXT, experiment_id INTEGER);
            CREATE TABLE params (key TEXT, value TEXT, run_uuid TEXT);
            CREATE TABLE tags (key TEXT, value TEXT, run_uuid TEXT);
            CREATE TABLE metrics (key TEXT, value FLOAT, timestamp BIGINT, run_uuid TEXT);
            INSERT INTO experiments VALUES (0, 'Default', './mlruns/0', 'active');
            """
            + ";".join(statements)
        )


def later(run: Run, by: int = 1) -> int:
    assert run.start_time is not None
    return run.start_time + by


def test_a_program_that_logs_nothing_leaves_the_run_as_it_is(store: TrackingStore, checkout: Path, told: Heard) -> None:
    run = store.create_run(NewRun(params={"a": "1"}))
    assert collect(store, run, checkout, told) == (run, [])
    assert told.warnings == told.notes == []


def test_the_first_run_of_a_folder_is_ours_and_the_others_are_children(
    store: TrackingStore, checkout: Path, told: Heard
) -> None:
    run = store.create_run(NewRun(params={"alpha": "1"}))
    one = file_run(checkout / "mlruns", FIRST, later(run), experiment="7", name="chosen name")
    (one / "params" / "beta").write_text("2\n3")
    (one / "metrics" / "loss").write_text("10 0.5 0\n11 nan 1\n12 inf 2\n13 0.25 3\n14")
    (one / "metrics" / "old").write_text("10 0.5\nnot a line\n")
    (one / "tags" / "stage").write_text("test")
    (one / "artifacts" / "plot.txt").write_text("plot")
    two = file_run(checkout / "mlruns", SECOND, later(run, 2), experiment="7", status=1)
    (two / "tags" / "mlflow.parentRunId").write_text(FIRST)
    three = file_run(checkout / "mlruns", THIRD, later(run, 3), experiment="7", status=4)
    (three / "tags" / "mlflow.parentRunId").write_text(SECOND)

    ours, (second, third) = collect(store, run, checkout, told, ended=Status.KILLED)

    assert (ours.run_name, ours.experiment_name, ours.status) == ("chosen name", "digits", Status.RUNNING)
    assert ours.params == {"alpha": "1", "beta": "2\n3"}
    assert ours.tags["stage"] == "test" and ours.tags[program_log.RUN_TAG] == FIRST
    history = store.metric_history(run.run_id, "loss")
    assert [(point.timestamp, point.step) for point in history] == [(10, 0), (11, 1), (12, 2), (13, 3)]
    assert math.isnan(history[1].value) and history[2].value == math.inf
    assert store.metric_history(run.run_id, "old") == [Metric("old", 0.5, 10, 0)]
    assert artifacts(ours) == {"plot.txt": "plot"}
    assert (second.run_id, second.status, second.tags["mlflow.parentRunId"]) == (SECOND, Status.KILLED, run.run_id)
    assert (third.run_id, third.status, third.tags["mlflow.parentRunId"]) == (THIRD, Status.FAILED, SECOND)
    assert second.end_time is not None and second.experiment_name == "digits"


def test_runs_from_before_and_deleted_ones_are_not_ours(store: TrackingStore, checkout: Path, told: Heard) -> None:
    run = store.create_run(NewRun())
    file_run(checkout / "mlruns", FIRST, later(run, -1000))
    deleted = file_run(checkout / "mlruns", SECOND, later(run))
    (deleted / "meta.yaml").write_text((deleted / "meta.yaml").read_text().replace("active", "deleted"))
    assert collect(store, run, checkout, told) == (run, [])


def test_an_experiment_and_a_name_that_the_user_chose_stand(store: TrackingStore, checkout: Path, told: Heard) -> None:
    run = store.create_run(NewRun(experiment_name="mine", run_name="my run"))
    file_run(checkout / "mlruns", FIRST, later(run), experiment="7", name="theirs")
    file_run(checkout / "mlruns", SECOND, later(run, 2), experiment="7")
    ours, (child,) = collect(store, run, checkout, told)
    assert (ours.experiment_name, ours.run_name, child.experiment_name) == ("mine", "my run", "mine")


def test_our_values_stay_and_the_difference_is_told_without_the_values(
    store: TrackingStore, checkout: Path, told: Heard
) -> None:
    run = store.create_run(NewRun(params={"same": "1", "token": "****"}, tags={"team": "us", "mlflow.user": "me"}))
    logged = file_run(checkout / "mlruns", FIRST, later(run))
    for part, name, value in (
        ("params", "same", "1"),
        ("params", "token", "hunter2"),
        ("tags", "team", "them"),
        ("tags", "mlflow.user", "root"),
    ):
        (logged / part / name).write_text(value)
    ours, _ = collect(store, run, checkout, told)
    assert ours.params == {"same": "1", "token": "****"}
    assert (ours.tags["team"], ours.tags["mlflow.user"]) == ("us", "me")
    assert told.warnings == [
        "the program logged other values than the run was given, which are kept: parameter token, tag team"
    ]


def test_secrets_that_a_program_logs_are_masked(
    store: TrackingStore, checkout: Path, told: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MY_API_KEY", "s3cr3t-value")
    run = store.create_run(NewRun())
    logged = file_run(checkout / "mlruns", FIRST, later(run))
    (logged / "params" / "url").write_text("https://me:pass@host/x")
    (logged / "tags" / "note").write_text("used s3cr3t-value")
    ours, _ = collect(store, run, checkout, told)
    assert ours.params["url"] == "https://****@host/x" and "s3cr3t" not in ours.tags["note"]


def test_what_a_nested_run_brought_in_is_not_brought_in_again(
    store: TrackingStore, checkout: Path, told: Heard
) -> None:
    parent = store.create_run(NewRun())
    nested = store.create_run(NewRun(start_time=later(parent)))
    file_run(checkout / "mlruns", FIRST, later(nested))
    file_run(checkout / "mlruns", SECOND, later(nested, 2))
    _, children = collect(store, nested, checkout, told)
    assert [child.run_id for child in children] == [SECOND]
    told.notes.clear()
    assert collect(store, parent, checkout, told) == (parent, [])
    assert told.notes == told.warnings == []


def test_a_database_of_an_old_client_lacks_columns(store: TrackingStore, checkout: Path, told: Heard) -> None:
    run = store.create_run(NewRun())
    database(
        checkout / "tracking.db",
        f"INSERT INTO runs VALUES ('{FIRST}', NULL, 'FINISHED', {later(run)}, NULL, 'active',"
        " './mlruns/0/x/artifacts', 0)",
        f"INSERT INTO params VALUES ('p', NULL, '{FIRST}')",
        f"INSERT INTO metrics VALUES ('m', 0.5, 10, '{FIRST}'), ('m', -1.7976931348623157e308, 11, '{FIRST}')",
        f"INSERT INTO metrics VALUES ('n', NULL, NULL, '{FIRST}')",
    )
    ours, _ = collect(store, run, checkout, told)
    assert ours.params == {"p": ""}
    assert [point.value for point in store.metric_history(run.run_id, "m")] == [0.5, -math.inf]
    assert math.isnan(ours.metrics["n"])
    assert told.warnings == []


def test_a_store_in_the_subfolder_that_the_program_ran_in_is_found(
    store: TrackingStore, checkout: Path, told: Heard
) -> None:
    run = store.create_run(NewRun(source={"subdirectory": "deep/project"}))
    project = checkout / "deep" / "project"
    (project / "mlruns" / "0" / FIRST / "artifacts").mkdir(parents=True)
    (project / "mlruns" / "0" / FIRST / "artifacts" / "f").write_text("x")
    database(
        project / "mlflow.db",
        f"INSERT INTO runs VALUES ('{FIRST}', 'n', 'RUNNING', {later(run)}, NULL, 'active',"
        f" './mlruns/0/{FIRST}/artifacts', 0)",
    )
    ours, _ = collect(store, run, checkout, told)
    assert ours.tags[program_log.RUN_TAG] == FIRST
    assert artifacts(ours) == {"f": "x"}


@pytest.mark.parametrize(
    "content", [b"", b"SQLite format 3\0" + b"junk" * 1000, b"no database"], ids=["empty", "damaged", "text"]
)
def test_a_broken_database_never_breaks_the_run(
    store: TrackingStore, checkout: Path, told: Heard, content: bytes
) -> None:
    run = store.create_run(NewRun())
    (checkout / "mlflow.db").write_bytes(content)
    file_run(checkout / "mlruns", FIRST, later(run))
    ours, _ = collect(store, run, checkout, told)
    assert ours.tags[program_log.RUN_TAG] == FIRST
    assert len(told.warnings) == (1 if b"junk" in content else 0)


def test_a_broken_database_does_not_hide_the_one_beside_it(store: TrackingStore, checkout: Path, told: Heard) -> None:
    run = store.create_run(NewRun())
    (checkout / "a.db").write_bytes(b"SQLite format 3\0" + b"junk" * 1000)
    database(
        checkout / "mlflow.db",
        f"INSERT INTO runs VALUES ('{FIRST}', 'n', 'RUNNING', {later(run)}, NULL, 'active', '', 0)",
        f"INSERT INTO params VALUES ('', 'nameless', '{FIRST}'), ('p', '1', '{FIRST}')",
        f"INSERT INTO metrics VALUES ('m', 'words', 1, '{FIRST}')",
    )
    ours, _ = collect(store, run, checkout, told)
    assert ours.params == {"p": "1"}
    assert len(told.warnings) == 2 and "not all metrics" in told.warnings[1]


def test_a_number_that_does_not_fit_loses_metrics_only(store: TrackingStore, checkout: Path, told: Heard) -> None:
    run = store.create_run(NewRun())
    logged = file_run(checkout / "mlruns", FIRST, later(run))
    (logged / "metrics" / "m").write_text(f"1 0.5 {2**70}\n")
    (logged / "params" / "p").write_text("1")
    ours, _ = collect(store, run, checkout, told)
    assert (ours.params, ours.metrics) == ({"p": "1"}, {})
    assert len(told.warnings) == 1 and "64 bits" in told.warnings[0]


@pytest.mark.parametrize("spoil", ["pipe", "link", "date", "text", "deep"])
def test_a_spoilt_run_hides_no_other_and_makes_nobody_wait(tmp_path: Path, spoil: str) -> None:
    for run_id in (FIRST, SECOND):
        file_run(tmp_path / "mlruns", run_id, 5)
    meta = tmp_path / "mlruns" / "0" / SECOND / "meta.yaml"
    text = meta.read_text()
    meta.unlink()
    if spoil == "pipe":
        os.mkfifo(meta)
    elif spoil == "link":
        meta.symlink_to("/dev/zero")
    else:
        meta.write_text({"date": "a: 2026-13-99\n", "deep": "[" * 50_000, "text": text.replace(": 5", ": soon")}[spoil])

    found = folder.read(tmp_path / "mlruns", 0)

    assert FIRST in [run.run_id for run in found]
    assert spoil != "text" or {run.start_time for run in found} == {0, 5}


def test_times_that_no_calendar_has_become_the_nearest_one_has(tmp_path: Path) -> None:
    logged = file_run(tmp_path / "mlruns", FIRST, 10**18)
    (logged / "metrics" / "m").write_text(f"{10**18} 0.5 1\n")

    (found,) = folder.read(tmp_path / "mlruns", 0)

    assert found.start_time == LAST_MOMENT
    assert [point.timestamp for point in found.metrics()] == [LAST_MOMENT]


def test_a_child_that_cannot_be_recorded_is_told(store: TrackingStore, checkout: Path, told: Heard) -> None:
    store.update_experiment(store.create_experiment("digits").experiment_id, lifecycle_stage="deleted")
    run = store.create_run(NewRun())
    file_run(checkout / "mlruns", FIRST, later(run))
    file_run(checkout / "mlruns", SECOND, later(run, 2), experiment="7")
    ours, children = collect(store, run, checkout, told)
    assert ours.tags[program_log.RUN_TAG] == FIRST and children == []
    assert len(told.warnings) == 1 and "'digits' is deleted" in told.warnings[0]


def test_a_run_whose_experiment_is_deleted_here_stays_where_it_is(
    store: TrackingStore, checkout: Path, told: Heard
) -> None:
    store.update_experiment(store.create_experiment("digits").experiment_id, lifecycle_stage="deleted")
    run = store.create_run(NewRun())
    logged = file_run(checkout / "mlruns", FIRST, later(run), experiment="7")
    (logged / "metrics" / "m").write_text("1 0.5 0")
    ours, _ = collect(store, run, checkout, told)
    assert (ours.experiment_name, ours.metrics) == ("Default", {"m": 0.5})
    assert told.warnings == ["the run stays in Default: the experiment 'digits' is deleted"]


@pytest.mark.parametrize("meta", ["", "- a list", "{unclosed", "start_time: soon\nrun_id: " + SECOND, "\x00"])
def test_a_broken_run_folder_never_breaks_the_run(store: TrackingStore, checkout: Path, told: Heard, meta: str) -> None:
    run = store.create_run(NewRun())
    (file_run(checkout / "mlruns", SECOND, later(run)) / "meta.yaml").write_text(meta)
    (checkout / "mlflow.db").mkdir()
    assert collect(store, run, checkout, told)[0] == run


def test_a_database_of_other_things_is_passed_over(store: TrackingStore, checkout: Path, told: Heard) -> None:
    run = store.create_run(NewRun())
    with closing(sqlite3.connect(checkout / "data.db")) as connection:
        connection.execute("CREATE TABLE runs (a)")
    assert collect(store, run, checkout, told) == (run, [])
    assert told.warnings == []


def test_a_folder_of_the_machine_cannot_be_named_as_artifacts(
    store: TrackingStore, checkout: Path, told: Heard, tmp_path: Path
) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "key").write_text("x")
    run = store.create_run(NewRun())
    file_run(checkout / "mlruns", FIRST, later(run), artifact_uri=(tmp_path / "secret").as_uri())
    file_run(checkout / "mlruns", SECOND, later(run, 2), artifact_uri=f"file://{checkout}/../secret")
    linked = file_run(checkout / "mlruns", THIRD, later(run, 3))
    (linked / "artifacts" / "link").symlink_to(tmp_path / "secret")
    (linked / "artifacts" / "key").symlink_to(tmp_path / "secret" / "key")
    ours, children = collect(store, run, checkout, told)
    assert artifacts(ours) == artifacts(children[0]) == artifacts(children[1]) == {}
    assert sum("outside its folder" in warning for warning in told.warnings) == 2


def test_artifacts_elsewhere_are_named_without_credentials(store: TrackingStore, checkout: Path, told: Heard) -> None:
    run = store.create_run(NewRun())
    file_run(checkout / "mlruns", FIRST, later(run), artifact_uri="s3://key:secret@bucket/a")
    collect(store, run, checkout, told)
    assert told.warnings == ["artifacts stay where the program put them: s3://****@bucket/a"]


def test_a_model_of_mlflow_3_becomes_the_folder_of_its_name(store: TrackingStore, checkout: Path, told: Heard) -> None:
    run = store.create_run(NewRun())
    file_run(checkout / "mlruns", FIRST, later(run))
    for identifier, name in (("m-1", "classifier"), ("m-2", "../../escape")):
        model = checkout / "mlruns" / "0" / "models" / identifier
        (model / "artifacts").mkdir(parents=True)
        (model / "artifacts" / "MLmodel").write_text("flavors:")
        (model / "meta.yaml").write_text(f"name: {name}\nsource_run_id: {FIRST}\nmodel_id: {identifier}\n")
    ours, _ = collect(store, run, checkout, told)
    assert artifacts(ours) == {"classifier/MLmodel": "flavors:"}
    assert told.warnings == ["the model '../../escape' is not imported: its name is no file name"]


def test_a_model_of_mlflow_3_in_a_database_is_brought_in(store: TrackingStore, checkout: Path, told: Heard) -> None:
    run = store.create_run(NewRun())
    (checkout / "mlruns" / "0" / "models" / "m-1" / "artifacts").mkdir(parents=True)
    (checkout / "mlruns" / "0" / "models" / "m-1" / "artifacts" / "MLmodel").write_text("flavors:")
    database(
        checkout / "mlflow.db",
        f"INSERT INTO runs VALUES ('{FIRST}', 'n', 'FINISHED', {later(run)}, NULL, 'active', '', 0)",
        "CREATE TABLE logged_models (name TEXT, artifact_location TEXT, source_run_id TEXT, lifecycle_stage TEXT)",
        f"INSERT INTO logged_models VALUES ('model', './mlruns/0/models/m-1/artifacts', '{FIRST}', 'active')",
    )
    ours, _ = collect(store, run, checkout, told)
    assert artifacts(ours) == {"model/MLmodel": "flavors:"}


def test_a_keys_folder_and_the_trash_of_a_store_do_no_harm(
    store: TrackingStore, checkout: Path, told: Heard, tmp_path: Path
) -> None:
    run = store.create_run(NewRun())
    file_run(checkout / "mlruns" / ".trash", THIRD, later(run))
    logged = file_run(checkout / "mlruns", FIRST, later(run), status=9)
    (tmp_path / "secret").write_text("x")
    (logged / "params" / "link").symlink_to(tmp_path / "secret")
    os.mkfifo(logged / "params" / "pipe")
    (logged / "tags").rmdir()
    ours, _ = collect(store, run, checkout, told)
    assert ours.params == {} and ours.tags[program_log.RUN_TAG] == FIRST


def test_artifacts_that_cannot_be_copied_are_told(store: TrackingStore, checkout: Path, told: Heard) -> None:
    run = store.create_run(NewRun())
    logged = file_run(checkout / "mlruns", FIRST, later(run))
    (logged / "artifacts" / "f").write_text("x")
    place = Path(run.artifact_uri.removeprefix("file://"))
    place.parent.mkdir(parents=True)
    place.write_text("a file")
    collect(store, run, checkout, told)
    assert len(told.warnings) == 1 and "not all copied" in told.warnings[0]


def test_links_to_stores_are_not_followed(store: TrackingStore, checkout: Path, told: Heard, tmp_path: Path) -> None:
    run = store.create_run(NewRun())
    file_run(tmp_path / "elsewhere", FIRST, later(run))
    (checkout / "mlruns").symlink_to(tmp_path / "elsewhere")
    database(
        tmp_path / "elsewhere.db",
        f"INSERT INTO runs VALUES ('{FIRST}', 'n', 'RUNNING', {later(run)}, NULL, 'active', '', 0)",
    )
    (checkout / "mlflow.db").symlink_to(tmp_path / "elsewhere.db")
    assert collect(store, run, checkout, told) == (run, [])


def test_a_client_that_was_killed_in_the_middle_leaves_what_it_had_logged(
    store: TrackingStore, checkout: Path, told: Heard
) -> None:
    run = store.create_run(NewRun())
    database(
        checkout / "mlflow.db",
        f"INSERT INTO runs VALUES ('{FIRST}', 'n', 'RUNNING', {later(run)}, NULL, 'active', '', 0)",
        f"INSERT INTO params VALUES ('whole', '1', '{FIRST}')",
    )
    code = (
        "import os, sqlite3, sys\nconnection = sqlite3.connect(sys.argv[1],"
        " isolation_level=None)\nconnection.execute('PRAGMA cache_size = 1'); connection.execute('PRAGMA cache_spill ="
        " 1')\nconnection.execute('BEGIN')\nconnection.executemany('INSERT INTO params VALUES (?, ?, ?)', [(str(n),"
        f" 'x' * 500, '{FIRST}') for n in range(2000)])\nos.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(checkout / "mlflow.db")], check=False)
    assert (checkout / "mlflow.db-journal").exists()
    ours, _ = collect(store, run, checkout, told, ended=Status.KILLED)
    assert ours.params == {"whole": "1"}


# --- stores written by real clients

PROGRAM = """
import os
import mlflow
mlflow.set_experiment("digits")
with mlflow.start_run(run_name="the one"):
    mlflow.log_param("a", 1)
    mlflow.log_param("te/xt", "\u00fcn\u00ef x")
    for step in range(3):
        mlflow.log_metric("m", step * 1.5, step=step)
    mlflow.log_metric("nan", float("nan"))
    mlflow.log_metric("down", float("-inf"))
    mlflow.log_metric("sub/m x", 2.0)
    mlflow.set_tag("t", "v")
    open("f.txt", "w").write("hello")
    mlflow.log_artifact("f.txt", "sub dir")
    with mlflow.start_run(nested=True):
        mlflow.log_param("child", "yes")
try:
    with mlflow.start_run():
        raise ValueError
except ValueError:
    pass
mlflow.start_run()
mlflow.log_metric("late", 1)
os._exit(3)
"""

CLIENTS = {
    "1.30": ("mlflow-skinny==1.30.1", "sqlalchemy<2", "alembic<2", "sqlparse<1", "setuptools<80"),
    "2.22": ("mlflow-skinny==2.22.0", "sqlalchemy<2.1", "alembic<2"),
    "3.17": ("mlflow-skinny==3.17.2", "sqlalchemy<2.1", "alembic<2", "cryptography"),
}


@pytest.fixture(scope="module", params=CLIENTS)
def client(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with one version of MLflow's client."""
    folder = tmp_path_factory.mktemp("client") / "venv"
    uv = [sys.executable, "-m", "uv", "-q"]
    subprocess.run([*uv, "venv", "--python", sys.executable, folder], check=True)
    subprocess.run([*uv, "pip", "install", "--python", folder, *CLIENTS[request.param]], check=True)
    return folder / "bin" / "python"


@pytest.mark.needs("index")
@pytest.mark.parametrize("kind", ["database", "folder"])
def test_what_real_clients_log_is_brought_in(
    client: Path, kind: str, store: TrackingStore, checkout: Path, told: Heard
) -> None:
    run = store.create_run(NewRun())
    run_dir = paths.run_dir(run.run_id)
    run_dir.mkdir(parents=True)
    uri = f"sqlite:///{run_dir}/mlflow.db" if kind == "database" else (checkout / "mlruns").as_uri()
    environ = {**os.environ, "MLFLOW_TRACKING_URI": uri, "MLFLOW_ALLOW_FILE_STORE": "true"}
    ended = subprocess.run(
        [client, "-c", PROGRAM], cwd=checkout, env=environ, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 3, ended.stderr

    ours, (nested, failed, left) = collect(store, run, checkout, told, ended=Status.FAILED)

    assert told.warnings == []
    assert (ours.run_name, ours.experiment_name) == ("the one", "digits")
    assert ours.params == {"a": "1", "te/xt": "ünï x"}
    assert ours.tags["t"] == "v" and ours.tags["mlflow.runName"] == "the one"
    assert [(point.value, point.step) for point in store.metric_history(run.run_id, "m")] == [
        (0.0, 0),
        (1.5, 1),
        (3.0, 2),
    ]
    assert math.isnan(ours.metrics["nan"]) and ours.metrics["down"] == -math.inf and ours.metrics["sub/m x"] == 2.0
    assert artifacts(ours) == {"sub dir/f.txt": "hello"}
    assert (nested.params, nested.status, nested.tags["mlflow.parentRunId"]) == (
        {"child": "yes"},
        Status.FINISHED,
        run.run_id,
    )
    assert failed.status is Status.FAILED
    assert (left.status, left.metrics) == (Status.FAILED, {"late": 1.0})
