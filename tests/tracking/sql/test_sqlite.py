"""Runs in a SQLite file: the shared suite, and what may happen to a file."""

from __future__ import annotations

import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

pytest.register_assert_rewrite("mlproj.testing.store_suite")

from mlproj import tracking  # noqa: E402
from mlproj.foundation import paths  # noqa: E402
from mlproj.foundation.errors import ServiceError, UsageError  # noqa: E402
from mlproj.testing.store_suite import StoreSuite  # noqa: E402
from mlproj.tracking.base import Metric, NewRun, RunChanges, Status, TrackingStore  # noqa: E402
from mlproj.tracking.sql import migrations, sqlite  # noqa: E402


@pytest.fixture
def store(tmp_path: Path) -> Iterator[TrackingStore]:
    opened = tracking.open(f"sqlite:///{tmp_path}/deep/er/runs.db")
    yield opened
    opened.close()


class TestSqliteStore(StoreSuite):
    """All that any store must do."""


def python(code: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True
    )


def test_runs_are_kept_in_home_unless_told() -> None:
    tracking.open().create_run(NewRun(run_name="mine"))
    assert [run.run_name for run in tracking.open(f"sqlite:///{paths.database()}").list_runs()] == ["mine"]


def test_the_variable_names_another_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLPROJ_TRACKING_URI", f"sqlite:///{tmp_path}/other.db")
    tracking.open().create_run(NewRun())
    assert (tmp_path / "other.db").is_file()
    assert not paths.database().exists()


@pytest.mark.parametrize(
    "uri", ["mysql://me:secret@db/x", "ftp://me:secret@localhost:5000", "./mlruns", "sqlite://", "sqlite:///"]
)
def test_another_kind_of_store_is_refused_without_showing_its_password(uri: str) -> None:
    with pytest.raises(UsageError, match="in SQLite, in PostgreSQL or by a tracking server") as raised:
        tracking.open(uri)
    assert "secret" not in str(raised.value)


def test_a_home_can_be_moved_with_its_artifacts(tmp_path: Path) -> None:
    run = tracking.open(f"sqlite:///{tmp_path}/old/runs.db").create_run(NewRun())
    (tmp_path / "old").rename(tmp_path / "new")
    moved = tracking.open(f"sqlite:///{tmp_path}/new/runs.db").get_run(run.run_id)
    assert moved.artifact_uri == run.artifact_uri.replace("/old/", "/new/")


NEXT = len(migrations.MIGRATIONS) + 1


def test_an_older_file_is_upgraded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "runs.db"
    run = tracking.open(f"sqlite:///{file}").create_run(NewRun())
    steps = {NEXT: ("ALTER TABLE runs ADD COLUMN colour TEXT DEFAULT 'blue'",)}
    monkeypatch.setattr(sqlite, "SCHEMA_VERSION", NEXT)
    monkeypatch.setattr(migrations, "statements", steps.__getitem__)
    assert tracking.open(f"sqlite:///{file}").get_run(run.run_id).run_id == run.run_id
    with closing(sqlite3.connect(file)) as raw, raw:
        assert raw.execute("SELECT colour FROM runs").fetchall() == [("blue",)]
        assert raw.execute("SELECT version FROM schema_version").fetchall() == [
            (version,) for version in range(1, NEXT + 1)
        ]


_OLD_ROWS = (
    "INSERT INTO experiments (experiment_id, name, creation_time, last_update_time) VALUES (5, 'digits', 1, 1)",
    """
    INSERT INTO runs (number, run_id, run_name, experiment_id, status, start_time, end_time, artifact_uri, exit_code,
                      source)
        VALUES (3, '0123456789abcdef0123456789abcdef', 'old', 5, 'FINISHED', 1000, 2000, '5/x/artifacts', 0, '{"uri": "file:///p"}')
    """,
    "INSERT INTO params (run, key, value) VALUES (3, 'alpha', '0.5')",
    "INSERT INTO tags (run, key, value) VALUES (3, 'mlflow.runName', 'old')",
    "INSERT INTO metrics (run, key, step, timestamp, value) VALUES (3, 'm', 0, 1, 0.5), (3, 'm', 1, 2, 0.25)",
    "INSERT INTO latest_metrics (run, key, step, timestamp, value) VALUES (3, 'm', 1, 2, 0.25)",
)


@pytest.mark.parametrize("version", range(1, len(migrations.MIGRATIONS) + 1))
def test_a_file_of_each_released_schema_is_upgraded_with_what_is_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: int
) -> None:
    file = tmp_path / "runs.db"
    with monkeypatch.context() as patch:
        patch.setattr(sqlite, "SCHEMA_VERSION", version)
        sqlite._create(file)
    with closing(sqlite3.connect(file)) as raw, raw:
        assert raw.execute("PRAGMA user_version").fetchone() == (version,)
        for statement in _OLD_ROWS:
            raw.execute(statement)
    with (
        closing(tracking.open(f"sqlite:///{file}")) as store,
        closing(tracking.open_models(f"sqlite:///{file}")) as models,
    ):
        run = store.get_run("old")
        assert (run.experiment_name, run.status, run.exit_code, run.source) == (
            "digits",
            Status.FINISHED,
            0,
            {"uri": "file:///p"},
        )
        assert run.params == {"alpha": "0.5"} and run.metrics == {"m": 0.25} and run.lifecycle_stage == "active"
        assert [point.value for point in store.metric_history(run.run_id, "m")] == [0.5, 0.25]
        assert [
            found.run_name for found in store.search_runs(filter="metrics.m < 0.3 AND params.alpha = '0.5'").items
        ] == ["old"]
        # What came later works on what was there before.
        store.log(run.run_id, metrics=[Metric("m", 0.1, 3, 2)], mark=("metrics", 5))
        assert models.create_logged_model(run.experiment_id, source_run_id=run.run_id).source_run_id == run.run_id
        store.update_experiment(run.experiment_id, lifecycle_stage="deleted")
        assert [gone.run_name for gone in store.purge()] == ["old"]


def test_an_upgrade_that_fails_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "runs.db"
    tracking.open(f"sqlite:///{file}").close()
    steps = {NEXT: ("CREATE TABLE half (a INTEGER)", "CREATE TABLE runs (a INTEGER)")}
    with monkeypatch.context() as patch:
        patch.setattr(sqlite, "SCHEMA_VERSION", NEXT)
        patch.setattr(migrations, "statements", steps.__getitem__)
        with pytest.raises(ServiceError, match="already exists"):
            tracking.open(f"sqlite:///{file}")
    with closing(sqlite3.connect(file)) as raw, raw:
        assert raw.execute("PRAGMA user_version").fetchone() == (NEXT - 1,)
        assert raw.execute("SELECT count(*) FROM sqlite_master WHERE name = 'half'").fetchone() == (0,)
    tracking.open(f"sqlite:///{file}").create_run(NewRun())


def test_an_upgrade_that_another_process_has_made_meanwhile_is_not_made_again(tmp_path: Path) -> None:
    file = tmp_path / "runs.db"
    store = tracking.open(f"sqlite:///{file}")
    with closing(sqlite3.connect(file)) as raw, raw:
        sqlite._migrate(raw, 0)  # what it would do that had read the version before
    store.create_run(NewRun())


def test_a_file_system_without_hard_links_has_a_database_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def no_links(*_: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr("os.link", no_links)
    uri = f"sqlite:///{tmp_path}/home/runs.db"
    run = tracking.open(uri).create_run(NewRun())
    sqlite._create(tmp_path / "home" / "runs.db")  # the one who comes second changes nothing
    assert tracking.open(uri).get_run(run.run_id) == run
    assert not [file.name for file in (tmp_path / "home").iterdir() if file.name.startswith(".")]


def test_a_newer_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "runs.db"
    tracking.open(f"sqlite:///{file}").close()
    with closing(sqlite3.connect(file)) as raw, raw:
        raw.execute("PRAGMA user_version = 99")
    with pytest.raises(ServiceError, match="newer mlproj") as raised:
        tracking.open(f"sqlite:///{file}")
    assert str(file) in raised.value.message and raised.value.hint


def test_somebody_elses_database_is_left_alone(tmp_path: Path) -> None:
    file = tmp_path / "mlflow.db"
    with closing(sqlite3.connect(file)) as raw, raw:
        raw.execute("CREATE TABLE experiments (name TEXT)")
    before = file.read_bytes()
    with pytest.raises(ServiceError, match="another program"):
        tracking.open(f"sqlite:///{file}")
    assert file.read_bytes() == before


@pytest.mark.parametrize("how", ["touch", "sqlite3"])
def test_an_empty_file_is_used(tmp_path: Path, how: str) -> None:
    file = tmp_path / "runs.db"
    file.touch()
    if how == "sqlite3":
        with closing(sqlite3.connect(file)) as raw:
            raw.execute("VACUUM")
    for expected in (1, 2):
        with closing(tracking.open(f"sqlite:///{file}")) as opened:
            opened.create_run(NewRun(run_name="r"))
            assert len(opened.list_runs()) == expected


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "runs.db"
    file.write_bytes(b"this is no database" * 1000)
    with pytest.raises(ServiceError, match=r"runs\.db: file is not a database") as raised:
        tracking.open(f"sqlite:///{file}")
    assert raised.value.exit_code == 69 and raised.value.hint


def test_a_home_that_is_a_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")
    with pytest.raises(ServiceError, match=r"home/runs\.db"):
        tracking.open(f"sqlite:///{tmp_path}/home/runs.db")


def test_a_home_that_may_not_be_written_is_named(tmp_path: Path) -> None:
    # Where root may not write either: below a device.
    with pytest.raises(ServiceError, match=r"/dev/null/home/runs\.db"):
        tracking.open("sqlite:////dev/null/home/runs.db")


def test_what_a_killed_process_had_recorded_is_there_and_its_half_done_work_is_not(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/runs.db"
    writer = python(
        "import sys\n"
        "from mlproj import tracking\n"
        "from mlproj.tracking.base import Metric, NewRun\n"
        "store = tracking.open(sys.argv[1])\n"
        "run = store.create_run(NewRun(run_name='victim'))\n"
        "store.log(run.run_id, metrics=[Metric('whole', 1.0, 0)])\n"
        "with store._database.write() as connection:\n"
        "    connection.execute(\"UPDATE runs SET run_name = 'half'\")\n"
        "    print('in the middle', flush=True)\n"
        "    sys.stdin.read()\n",
        uri,
    )
    assert writer.stdout and writer.stdin
    with writer:
        assert writer.stdout.readline() == "in the middle\n"
        writer.send_signal(signal.SIGKILL)
    run = tracking.open(uri).get_run("victim")
    assert run.metrics == {"whole": 1.0}
    tracking.open(uri).update_run(run.run_id, RunChanges(status=Status.KILLED))


def test_processes_that_start_together_make_one_database(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/home/runs.db"
    code = (
        "import sys\n"
        "from mlproj import tracking\n"
        "from mlproj.tracking.base import NewRun\n"
        "print('ready', flush=True)\n"
        "sys.stdin.readline()\n"
        "for _ in range(5): tracking.open(sys.argv[1]).create_run(NewRun(experiment_name='shared'))\n"
    )
    processes = [python(code, uri) for _ in range(6)]
    for process in processes:
        assert process.stdout and process.stdout.readline() == "ready\n"
    for process in processes:
        assert process.stdin
        process.stdin.write("\n")
        process.stdin.flush()
    for process in processes:
        with process:
            process.communicate()
        assert process.returncode == 0
    store = tracking.open(uri)
    assert len(store.list_runs(experiment_name="shared")) == 30
    assert [experiment.name for experiment in store.list_experiments()] == ["Default", "shared"]
    assert [file.name for file in (tmp_path / "home").iterdir() if file.name.startswith(".")] == []


def test_a_full_disk_is_told_and_what_was_there_stays(tiny_disk: Path) -> None:
    file = tiny_disk / "runs.db"
    store = tracking.open(f"sqlite:///{file}")
    run = store.create_run(NewRun(params={"a": "1"}))
    with pytest.raises(ServiceError, match="full") as raised:
        for step in range(100):
            store.log(run.run_id, metrics=[Metric("m" * 500, float(point), point, step) for point in range(100)])
    assert str(file) in raised.value.message and raised.value.hint == "free some space on that disk"
    assert store.get_run(run.run_id).params == {"a": "1"}
    store.close()


def test_ten_thousand_runs_are_listed_by_indexes(store: TrackingStore) -> None:
    database: sqlite.SqliteDatabase = store._database  # type: ignore[attr-defined]  # the store's own
    plans = {
        "newest": (
            "SELECT number FROM runs r WHERE r.lifecycle_stage = 'active' ORDER BY r.start_time DESC, r.number DESC"
            " LIMIT 100"
        ),
        "experiment": (
            "SELECT number FROM runs r WHERE r.experiment_id = 1 ORDER BY r.start_time DESC, r.number DESC LIMIT 100"
        ),
        "status": "SELECT number FROM runs r WHERE r.status IN ('RUNNING', 'SCHEDULED')",
        "name": "SELECT number FROM runs r WHERE r.run_name = 'x'",
        "prefix": "SELECT number FROM runs r WHERE r.run_id >= 'ab' AND r.run_id < 'abg'",
    }
    with database.read() as connection:
        for name, statement in plans.items():
            plan = " ".join(row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {statement}"))
            assert "USING" in plan and "INDEX" in plan and "TEMP B-TREE" not in plan, (name, plan)


_SEARCHES: list[dict[str, Any]] = [
    {},
    {"experiment_ids": ["0"]},
    {"filter": "metrics.m0 < 50", "order_by": ["metrics.m1"]},
    {"filter": "params.p1 = '3' AND tags.t1 = '1' AND metrics.m0 > 1", "order_by": ["params.p2 DESC"]},
    {"filter": "tags.`mlflow.parentRunId` = 'x'"},
    {"filter": "attributes.run_id = 'x'"},
    {"filter": "status = 'RUNNING'"},
]


@pytest.mark.parametrize("search", _SEARCHES, ids=str)
@pytest.mark.parametrize("analyzed", [False, True])
def test_no_search_reads_all_that_was_logged(tmp_path: Path, search: dict[str, Any], analyzed: bool) -> None:
    """Whatever statistics the planner has: what a run logged is looked up run by run, and runs are gone through once at
    most."""
    with closing(tracking.open(f"sqlite:///{tmp_path}/runs.db")) as store:
        for number in range(50):
            params, tags = {f"p{key}": str(number) for key in range(4)}, {f"t{key}": "1" for key in range(4)}
            run = store.create_run(NewRun(params=params, tags=tags))
            store.log(
                run.run_id, metrics=[Metric(f"m{key}", float(number), 1, step) for key in range(4) for step in range(5)]
            )
        with closing(sqlite3.connect(tmp_path / "runs.db")) as raw:
            if analyzed:
                raw.execute("ANALYZE")
                raw.commit()
            said: list[str] = []
            store._database._connection.set_trace_callback(said.append)  # type: ignore[attr-defined]
            store.search_runs(limit=10, **search)
            statement = next(one for one in said if one.startswith("SELECT r.number"))
            plan = [row[3] for row in raw.execute(f"EXPLAIN QUERY PLAN {statement}")]
    scanned = [step for step in plan if step.startswith("SCAN")]
    assert len(scanned) <= 1 and all(step.split()[1] == "r" for step in scanned), plan
