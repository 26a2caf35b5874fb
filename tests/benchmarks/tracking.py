"""Logging without a server: our API, MLflow's SQLite store, and what SQLite and a file cost by themselves.

Durability differs, and a ratio says what it compares: ours and the raw SQLite contenders survive the death of the
process (WAL, synchronous=NORMAL); MLflow's store syncs every commit to the disk.
"""

from __future__ import annotations

import sys
from pathlib import Path

from tests.benchmarks.measure import WALL, Bench, Contender, Target, benchmark

POINTS, BATCHES = 2000, 20

_FILE = """
file = os.open("points", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
with timed(int(sys.argv[1]) / 1000):
    for step in range(int(sys.argv[1])):
        now = time.time_ns() // 1000000
        os.write(file, b'{"name":"m","value":%f,"step":%d,"timestamp":%d}\\n' % (step / 7, step, now))
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
        rows = [(batch * size + i, 1, i / 7) for i in range(size)]
        connection.executemany("INSERT INTO m VALUES (1, 'm', ?, ?, ?)", rows)
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
from mlproj.tracking.base import Metric, NewRun
store = tracking.open()
run = store.create_run(NewRun()).run_id
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


def main() -> None:
    with benchmark("tracking: logging metric points", rounds=3) as bench:
        python = Path(bench.peer).with_name("python") if bench.peer else None
        _logging(bench, python)
        bench.report(
            "raw SQLite, one by one",
            Target("mlproj.log_metric, one by one", "raw SQLite, one by one", 0.5, WALL),
            Target("mlproj store, batches of 1,000", "raw SQLite, batches of 1,000", 2),
            Target("mlproj store, batches of 1,000", "raw SQLite, batches of 1,000", 2, WALL),
            Target("mlproj.log_metric, one by one", "mlflow SQLite store, one by one", 0.001, WALL),
            Target("mlproj store, batches of 1,000", "mlflow SQLite store, batches of 1,000", 0.036, WALL),
        )
        print("times are per 1,000 points")


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


if __name__ == "__main__":
    main()
