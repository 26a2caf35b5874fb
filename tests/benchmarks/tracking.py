"""Logging and searching without a server: our API, MLflow's SQLite store, and what SQLite and a file cost by themselves.

Durability differs, and a ratio says what it compares: ours and the raw SQLite contenders survive the death of the process
(WAL, synchronous=NORMAL); MLflow's store syncs every commit to the disk.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.benchmarks.measure import WALL, Bench, Contender, Target, benchmark

POINTS, BATCHES, RUNS, SEARCHES = 2000, 20, 10_000, 10

_FILE = """
file = os.open("points", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
with timed(int(sys.argv[1]) / 1000):
    for step in range(int(sys.argv[1])):
        os.write(file, b'{"name":"m","value":%f,"step":%d,"timestamp":%d}\\n' % (step / 7, step, time.time_ns() // 1000000))
"""
_RAW = """
import sqlite3
connection = sqlite3.connect("raw.db", isolation_level=None)
connection.execute("PRAGMA journal_mode=WAL"); connection.execute("PRAGMA synchronous=NORMAL")
connection.execute("CREATE TABLE IF NOT EXISTS m (run INTEGER, key TEXT, step INTEGER, timestamp INTEGER, value REAL, "
    "PRIMARY KEY (run, key, step, timestamp, value)) WITHOUT ROWID")
connection.execute("DELETE FROM m")
many, size = int(sys.argv[1]), int(sys.argv[2])
with timed(many * size / 1000):
    for batch in range(many):
        connection.execute("BEGIN")
        connection.executemany("INSERT INTO m VALUES (1, 'm', ?, ?, ?)", [(batch * size + i, 1, i / 7) for i in range(size)])
        connection.execute("COMMIT")
"""
_OURS = """
import mlproj
with mlproj.start_run():
    mlproj.log_metric("m", 0.0, step=0)
    with timed(int(sys.argv[1]) / 1000):
        for step in range(int(sys.argv[1])):
            mlproj.log_metric("m", step / 7, step=step)
"""
_OUR_BATCHES = """
from mlproj import tracking
from mlproj.tracking.base import Metric
store = tracking.open()
run = store.create_run().run_id
with timed(int(sys.argv[1])):
    for batch in range(int(sys.argv[1])):
        store.log(run, metrics=[Metric("m", i / 7, 1, 1000 * batch + i) for i in range(1000)])
"""
_PEER = """
from mlflow.entities import Metric
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
store = SqlAlchemyStore("sqlite:///peer.db", "artifacts")
run = store.create_run("0", "me", 1, [], "r").info.run_id
many, size = int(sys.argv[1]), int(sys.argv[2])
with timed(many * size / 1000):
    for batch in range(many):
        store.log_batch(run, [Metric("m", i / 7, 1, batch * size + i) for i in range(size)], [], [])
"""
_FILL = """
import sys
from mlproj import tracking
from mlproj.tracking.base import Metric
store = tracking.open("sqlite:///search.db")
for n in range(int(sys.argv[1])):
    params, tags = {f"p{i}": str((n * 7 + i) % 10) for i in range(5)}, {f"t{i}": str((n + i) % 3) for i in range(5)}
    run = store.create_run(start_time=1000 + n, params=params, tags=tags)
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
        "INSERT INTO runs (run_uuid, name, user_id, status, start_time, lifecycle_stage, artifact_uri, experiment_id, source_type, "
        "source_name, entry_point_name, source_version) VALUES (?, 'r', 'me', 'FINISHED', ?, 'active', 'a', 0, 'LOCAL', '', '', '')",
        (run, 1000 + n),
    )
    for table, rows in (
        ("params", [(run, f"p{i}", str((n * 7 + i) % 10)) for i in range(5)]),
        ("tags", [(run, f"t{i}", str((n + i) % 3)) for i in range(5)]),
    ):
        connection.executemany(f"INSERT INTO {table} (run_uuid, key, value) VALUES (?, ?, ?)", rows)
    rows = [(run, f"m{i}", ((n * 7919 + i) % 10007) / 100) for i in range(5)]
    connection.executemany("INSERT INTO latest_metrics (run_uuid, key, value, timestamp, step, is_nan) VALUES (?, ?, ?, 1, 0, 0)", rows)
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
def search(): return store.search_runs(filter=sys.argv[2], order_by=[one for one in sys.argv[3:] if one], limit=100).items
assert len(search()) == 100
with timed(int(sys.argv[1])):
    for _ in range(int(sys.argv[1])): search()
"""
_PEER_SEARCH = """
from mlflow.entities import ViewType
from mlflow.store.tracking.sqlalchemy_store import SqlAlchemyStore
store = SqlAlchemyStore("sqlite:///peer-search.db", "artifacts")
def search(): return store.search_runs(["0"], sys.argv[2], ViewType.ACTIVE_ONLY, 100, [one for one in sys.argv[3:] if one])
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
        _ACTIVE.format(_BY_METRIC, _LOW + _KIND.format("params", "p1", "3") + _KIND.format("tags", "t1", "1"), "o.value"),
    ),
}


def main() -> None:
    with benchmark("tracking: logging metric points, and searching 10,000 runs", rounds=3) as bench:
        python = Path(bench.peer).with_name("python") if bench.peer else None
        _logging(bench, python)
        targets = _searching(bench, python)
        bench.report(
            "raw SQLite, one by one",
            Target("mlproj.log_metric, one by one", "raw SQLite, one by one", 0.5, WALL),
            Target("mlproj store, batches of 1,000", "raw SQLite, batches of 1,000", 2, WALL),
            Target("mlproj.log_metric, one by one", "mlflow SQLite store, one by one", 0.001, WALL),
            Target("mlproj store, batches of 1,000", "mlflow SQLite store, batches of 1,000", 0.036, WALL),
            *targets,
        )
        print("logging is told per 1,000 points, searching per page of 100 runs")


def _logging(bench: Bench, python: Path | None) -> None:
    ours = sys.executable
    contenders = [
        Contender("append to a file, one by one", bench.timed_program(ours, _FILE, str(POINTS))),
        Contender("raw SQLite, one by one", bench.timed_program(ours, _RAW, str(POINTS), "1")),
        Contender("raw SQLite, batches of 1,000", bench.timed_program(ours, _RAW, str(BATCHES), "1000")),
        Contender("mlproj.log_metric, one by one", bench.timed_program(ours, _OURS, str(POINTS))),
        Contender("mlproj store, batches of 1,000", bench.timed_program(ours, _OUR_BATCHES, str(BATCHES))),
    ]
    if python:
        contenders += [
            Contender("mlflow SQLite store, one by one", bench.timed_program(python, _PEER, "100", "1")),
            Contender("mlflow SQLite store, batches of 1,000", bench.timed_program(python, _PEER, "5", "1000")),
        ]
    bench.compare(*contenders)


def _searching(bench: Bench, python: Path | None) -> list[Target]:
    _run(bench, sys.executable, _FILL)
    if python:
        _run(bench, python, _FILL_PEER)
    targets = []
    for question, (filter, order, statement) in _QUESTIONS.items():
        contenders = [
            Contender(f"raw SQL: {question}", bench.timed_program(sys.executable, _RAW_SEARCH, str(SEARCHES), statement)),
            Contender(f"mlproj: {question}", bench.timed_program(sys.executable, _OUR_SEARCH, str(SEARCHES), filter, order)),
        ]
        if python:
            contenders.append(Contender(f"mlflow: {question}", bench.timed_program(python, _PEER_SEARCH, "2", filter, order)))
        bench.compare(*contenders, unmeasured=0)
        targets += [
            Target(f"mlproj: {question}", f"raw SQL: {question}", 2, WALL),
            Target(f"mlproj: {question}", f"mlflow: {question}", None, WALL),
        ]
    return targets


def _run(bench: Bench, python: str | Path, code: str) -> None:
    subprocess.run([str(python), "-c", code, str(RUNS)], env=bench.environ, cwd=bench.folder, check=True, stderr=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
