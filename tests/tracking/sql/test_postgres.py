"""Runs in PostgreSQL: the shared suites over a real server, and what may happen to a server."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

pytest.register_assert_rewrite("mlproj.testing.store_suite", "mlproj.testing.model_suite")

from mlproj import tracking  # noqa: E402
from mlproj.foundation.errors import MlprojError, ServiceError, UsageError  # noqa: E402
from mlproj.testing.model_suite import ModelSuite  # noqa: E402
from mlproj.testing.store_suite import StoreSuite  # noqa: E402
from mlproj.tracking.base import Metric, NewRun, TrackingStore  # noqa: E402
from mlproj.tracking.model_base import ModelStore  # noqa: E402
from mlproj.tracking.sql import migrations  # noqa: E402
from tests.postgres_server import PostgresServer  # noqa: E402

pytestmark = pytest.mark.needs("postgres")


@pytest.fixture(scope="module")
def server() -> Iterator[PostgresServer]:
    started = PostgresServer()
    yield started
    started.stop()


@pytest.fixture
def uri(server: PostgresServer) -> str:
    return server.empty()


@pytest.fixture
def store(uri: str) -> Iterator[TrackingStore]:
    with closing(tracking.open(uri)) as opened:
        yield opened


class TestPostgresStore(StoreSuite):
    """All that any store must do."""


class TestPostgresModels(ModelSuite):
    """All that any store of models must do."""

    @pytest.fixture
    def models(self, store: TrackingStore, uri: str) -> Iterator[ModelStore]:
        with closing(tracking.open_models(uri)) as opened:
            yield opened


def test_text_is_sorted_as_in_a_sqlite_file(store: TrackingStore) -> None:
    names = ["b", "A", "a", "B", "ä", "_", "Z"]
    for name in names:
        store.create_run(NewRun(run_name=name))
    assert [run.run_name for run in store.search_runs(order_by=["run_name"]).items] == sorted(names)


_CREATE = """
import sys
from mlproj import tracking
from mlproj.tracking.base import NewRun
store = tracking.open(sys.argv[1])
for _ in range(5):
    store.create_run(NewRun(experiment_name="one"))
"""


def test_processes_that_begin_at_once_make_the_tables_once(uri: str) -> None:
    code = (
        "import sys; from mlproj import tracking; from mlproj.tracking.base import NewRun\n"
        "store = tracking.open(sys.argv[1])\n"
        "for _ in range(5): store.create_run(NewRun(experiment_name='one'))\n"
    )
    processes = [subprocess.Popen([sys.executable, "-c", code, uri]) for _ in range(4)]
    assert [process.wait() for process in processes] == [0] * 4
    with closing(tracking.open(uri)) as store:
        assert len(store.list_runs(experiment_name="one")) == 20


def test_no_acknowledged_value_is_lost_and_none_doubled_when_the_server_crashes(
    server: PostgresServer, uri: str
) -> None:
    acknowledged: list[int] = []
    enough, over = threading.Event(), threading.Event()
    with closing(tracking.open(uri)) as store:
        run = store.create_run(NewRun())

        def log() -> None:
            for step in range(10**6):
                if over.is_set():
                    return
                try:
                    store.log(run.run_id, metrics=[Metric("loss", step / 2, 1_000 + step, step)])
                except ServiceError:  # the server is away: nobody was told that it is kept
                    continue
                acknowledged.append(step)
                if len(acknowledged) % 50 == 0:
                    enough.set()

        thread = threading.Thread(target=log)
        thread.start()
        for _ in range(2):
            assert enough.wait(60)
            server.restart()
            enough.clear()
        assert enough.wait(60)
        over.set()
        thread.join()
        steps = [metric.step for metric in store.metric_history(run.run_id, "loss")]
    assert len(steps) == len(set(steps))
    assert set(acknowledged) <= set(steps)


def test_a_connection_that_broke_while_idle_is_replaced(server: PostgresServer, store: TrackingStore) -> None:
    run = store.create_run(NewRun(run_name="before"))
    server.restart()
    assert store.get_run(run.run_id).run_name == "before"


def test_a_wrong_password_is_told_without_any_password(server: PostgresServer) -> None:
    with pytest.raises(ServiceError, match="password authentication failed") as raised:
        tracking.open(server.uri(password="hunter2secret"))
    assert "hunter2" not in f"{raised.value} {raised.value.hint}"


def test_an_unreachable_server_is_told() -> None:
    with pytest.raises(ServiceError, match="cannot use the database of runs"):
        tracking.open("postgresql://me:hunter2secret@127.0.0.1:1/runs")


def test_tables_of_another_program_are_left_alone(server: PostgresServer, uri: str) -> None:
    schema = uri.rpartition("%3D")[2]
    server.execute("CREATE TABLE experiments (experiment_id integer)", schema)
    with pytest.raises(ServiceError, match="another program"):
        tracking.open(uri)


def test_tables_of_a_newer_version_are_left_alone(server: PostgresServer, uri: str) -> None:
    tracking.open(uri).close()
    server.execute("INSERT INTO schema_version (version, applied_at) VALUES (999, 0)", uri.rpartition("%3D")[2])
    with pytest.raises(ServiceError, match="newer mlproj"):
        tracking.open(uri)


def test_old_tables_are_upgraded_with_what_is_in_them(uri: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from mlproj.tracking.sql import postgres

    with monkeypatch.context() as old:
        old.setattr(postgres, "_SCHEMA_VERSION", 1)
        postgres.PostgresDatabase(uri).close()
    database = postgres.PostgresDatabase(uri)
    with database.read() as session:
        assert [row[0] for row in session.execute("SELECT version FROM schema_version ORDER BY version")] == [
            *range(1, len(migrations.MIGRATIONS) + 1)
        ]
    database.close()
    with closing(tracking.open(uri)) as store:
        assert [experiment.name for experiment in store.list_experiments()] == ["Default"]


def test_what_the_database_cannot_hold_is_a_mistake_that_keeps_nothing(store: TrackingStore) -> None:
    run = store.create_run(NewRun())
    with pytest.raises(UsageError):
        store.log(run.run_id, params={"first": "1", "second": "a\0b"})
    assert store.get_run(run.run_id).params == {}


def test_an_address_as_mlflow_users_write_it_is_understood(uri: str) -> None:
    with closing(tracking.open(uri.replace("postgresql://", "postgresql+psycopg2://"))) as store:
        assert store.create_run(NewRun(run_name="mine")).run_name == "mine"


def test_a_server_over_postgres_answers(uri: str) -> None:
    from starlette.testclient import TestClient

    from mlproj.server.serving import Service, opened

    with opened(Service(store=uri, closed=False)) as app:
        client = TestClient(app)
        made = client.post("/api/2.0/mlflow/runs/create", json={"experiment_id": "0", "run_name": "over http"}).json()[
            "run"
        ]
        client.post(
            "/api/2.0/mlflow/runs/log-metric",
            json={"run_id": made["info"]["run_id"], "key": "a", "value": 0.5, "timestamp": 1},
        )
        found = client.post(
            "/api/2.0/mlflow/runs/search", json={"experiment_ids": ["0"], "filter": "metrics.a > 0"}
        ).json()["runs"]
    assert [run["info"]["run_name"] for run in found] == ["over http"]


def test_no_driver_is_told_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    monkeypatch.delitem(sys.modules, "mlproj.tracking.sql.postgres", raising=False)
    with pytest.raises(MlprojError, match="psycopg") as raised:
        tracking.open("postgresql://host/runs")
    assert raised.value.hint == "pip install 'mlproj[postgres]'"
