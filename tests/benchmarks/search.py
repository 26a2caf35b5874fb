"""Searching 10,000 runs: our store, our server, MLflow's store and server, and the SQL that a person would write."""

from __future__ import annotations

import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

from tests.benchmarks.measure import MLPROJ, WALL, Bench, Contender, Target, benchmark
from tests.benchmarks.server import served

RUNS, SEARCHES = 10_000, 10

_FILL = """
import sys
from mlproj import tracking
from mlproj.tracking.base import Metric, NewRun
store = tracking.open("sqlite:///search.db")
for n in range(int(sys.argv[1])):
    params, tags = {f"p{i}": str((n * 7 + i) % 10) for i in range(5)}, {f"t{i}": str((n + i) % 3) for i in range(5)}
    run = store.create_run(NewRun(start_time=1000 + n, params=params, tags=tags))
    store.log(run.run_id, metrics=[Metric(f"m{i}", ((n * 7919 + i) % 10007) / 100, 1) for i in range(5)])
"""
_FILL_PEER = """
import sqlite3, sys
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
SqlAlchemyStore("sqlite:///peer-search.db", "artifacts")
connection = sqlite3.connect("peer-search.db")
for n in range(int(sys.argv[1])):
    run = f"{n:032x}"
    connection.execute(
        "INSERT INTO runs (run_uuid, name, user_id, status, start_time, lifecycle_stage, artifact_uri, experiment_id, "
        "source_type, source_name, entry_point_name, source_version) "
        "VALUES (?, 'r', 'me', 'FINISHED', ?, 'active', 'a', 0, 'LOCAL', '', '', '')",
        (run, 1000 + n),
    )
    for table, rows in (
        ("params", [(run, f"p{i}", str((n * 7 + i) % 10)) for i in range(5)]),
        ("tags", [(run, f"t{i}", str((n + i) % 3)) for i in range(5)]),
    ):
        connection.executemany(f"INSERT INTO {table} (run_uuid, key, value) VALUES (?, ?, ?)", rows)
    rows = [(run, f"m{i}", ((n * 7919 + i) % 10007) / 100) for i in range(5)]
    latest = "INSERT INTO latest_metrics (run_uuid, key, value, timestamp, step, is_nan) VALUES (?, ?, ?, 1, 0, 0)"
    connection.executemany(latest, rows)
connection.commit()
"""
# What any answer needs: the page, and what its runs logged.
_RAW_SEARCH = """
import sqlite3
connection = sqlite3.connect("search.db")
def search():
    numbers = [row[0] for row in connection.execute(sys.argv[2])]
    marks = ",".join(map(str, numbers))
    rows = connection.execute(f"SELECT * FROM runs WHERE number IN ({marks})").fetchall()
    for table in ("params", "tags", "latest_metrics"):
        connection.execute(f"SELECT * FROM {table} WHERE run IN ({marks})").fetchall()
    return rows
assert len(search()) == 100
with timed(int(sys.argv[1])):
    for _ in range(int(sys.argv[1])): search()
"""
_OUR_SEARCH = """
from mlproj import tracking
store = tracking.open("sqlite:///search.db")
order = [one for one in sys.argv[3:] if one]
def search(): return store.search_runs(filter=sys.argv[2], order_by=order, limit=100).items
assert len(search()) == 100
with timed(int(sys.argv[1])):
    for _ in range(int(sys.argv[1])): search()
"""
_PEER_SEARCH = """
from mlflow.entities import ViewType
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
store = SqlAlchemyStore("sqlite:///peer-search.db", "artifacts")
order = [one for one in sys.argv[3:] if one]
def search(): return store.search_runs(["0"], sys.argv[2], ViewType.ACTIVE_ONLY, 100, order)
assert len(search()) == 100
with timed(int(sys.argv[1])):
    for _ in range(int(sys.argv[1])): search()
"""
# One request, as any language sends it.
_HTTP_SEARCH = """
import http.client, json
from urllib.parse import urlsplit
connection = http.client.HTTPConnection(urlsplit(sys.argv[4]).netloc)
order = [one for one in sys.argv[3:4] if one]
asked = {"experiment_ids": ["0"], "filter": sys.argv[2], "order_by": order, "max_results": 100}
def search():
    connection.request("POST", "/api/2.0/mlflow/runs/search", json.dumps(asked), {"Content-Type": "application/json"})
    return json.loads(connection.getresponse().read())["runs"]
assert len(search()) == 100
with timed(int(sys.argv[1])):
    for _ in range(int(sys.argv[1])): search()
"""
_CLIENT_SEARCH = """
from mlflow import MlflowClient
client = MlflowClient(sys.argv[4])
order = [one for one in sys.argv[3:4] if one]
def search(): return client.search_runs(["0"], sys.argv[2], max_results=100, order_by=order)
assert len(search()) == 100
with timed(int(sys.argv[1])):
    for _ in range(int(sys.argv[1])): search()
"""
_ACTIVE = "SELECT r.number FROM runs r {} WHERE r.lifecycle_stage = 'active' {} ORDER BY {} LIMIT 100"
_BY_METRIC = "JOIN latest_metrics o ON o.run = r.number AND o.key = 'm1'"
_LOW = "AND EXISTS (SELECT 1 FROM latest_metrics f WHERE f.run = r.number AND f.key = 'm0' AND f.value < 50)"
_KIND = "AND EXISTS (SELECT 1 FROM {0} f WHERE f.run = r.number AND f.key = '{1}' AND f.value = '{2}')"
# What is asked for: our filter, our order, and the SQL that a person would write.
_QUESTIONS = {
    "newest first": ("", "", _ACTIVE.format("", "", "r.start_time DESC, r.run_id")),
    "one filter, by a metric": ("metrics.m0 < 50", "metrics.m1", _ACTIVE.format(_BY_METRIC, _LOW, "o.value")),
    "three filters, by a metric": (
        "metrics.m0 < 50 AND params.p1 = '3' AND tags.t1 = '1'",
        "metrics.m1",
        _ACTIVE.format(
            _BY_METRIC, _LOW + _KIND.format("params", "p1", "3") + _KIND.format("tags", "t1", "1"), "o.value"
        ),
    ),
}


def main() -> None:
    with benchmark("searching 10,000 runs, a page of 100", rounds=3) as bench, ExitStack() as servers:
        python = Path(bench.peer).with_name("python") if bench.peer else None
        _run(bench, sys.executable, _FILL)
        argv = [*MLPROJ, "server", "--store", f"sqlite:///{bench.folder}/search.db", "--port"]
        _, ours = servers.enter_context(served(lambda port: [*argv, str(port)], bench))
        theirs = ""
        if python:
            _run(bench, python, _FILL_PEER)
            database = f"sqlite:///{bench.folder}/peer-search.db"
            their_argv = [str(bench.peer), "server", "--workers", "1", "--backend-store-uri", database, "--port"]
            _, theirs = servers.enter_context(served(lambda port: [*their_argv, str(port)], bench))
        targets = []
        for question, (filter, order, statement) in _QUESTIONS.items():
            contenders = [
                Contender(
                    f"raw SQL: {question}", bench.timed_program(sys.executable, _RAW_SEARCH, str(SEARCHES), statement)
                ),
                Contender(
                    f"mlproj: {question}",
                    bench.timed_program(sys.executable, _OUR_SEARCH, str(SEARCHES), filter, order),
                ),
                Contender(
                    f"mlproj server: {question}",
                    bench.timed_program(sys.executable, _HTTP_SEARCH, str(SEARCHES), filter, order, ours),
                ),
            ]
            if python:
                contenders += [
                    Contender(f"mlflow: {question}", bench.timed_program(python, _PEER_SEARCH, "2", filter, order)),
                    Contender(
                        f"client, mlproj server: {question}",
                        bench.timed_program(python, _CLIENT_SEARCH, "2", filter, order, ours),
                    ),
                    Contender(
                        f"client, mlflow server: {question}",
                        bench.timed_program(python, _CLIENT_SEARCH, "2", filter, order, theirs),
                    ),
                ]
            bench.compare(*contenders, unmeasured=0)
            targets += [
                Target(f"mlproj: {question}", f"raw SQL: {question}", 2),
                Target(f"mlproj: {question}", f"raw SQL: {question}", 2, WALL),
                Target(f"mlproj server: {question}", f"raw SQL: {question}", 4, WALL),
                Target(f"mlproj: {question}", f"mlflow: {question}", None, WALL),
                Target(f"client, mlproj server: {question}", f"client, mlflow server: {question}", None, WALL),
            ]
        bench.report("raw SQL: newest first", *targets)


def _run(bench: Bench, python: str | Path, code: str) -> None:
    subprocess.run(
        [str(python), "-c", code, str(RUNS)], env=bench.environ, cwd=bench.folder, check=True, stderr=subprocess.DEVNULL
    )


if __name__ == "__main__":
    main()
