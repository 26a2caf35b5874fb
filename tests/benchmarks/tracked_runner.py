"""The least that a tracked run takes: reads MLproject, notes the run in SQLite, runs the command, keeps its output.

``python tracked_runner.py PROJECT STORE [TIMES]``. It stands for the limit in benchmarks, and does nothing that a user
would want beyond that: no checks, no environment, no signals.
"""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
import uuid
from pathlib import Path

import yaml

_SCHEMA = (
    "CREATE TABLE IF NOT EXISTS runs (id TEXT PRIMARY KEY, command TEXT, status TEXT, start REAL, end REAL, code"
    " INTEGER)"
)


def run(project: Path, store: Path) -> int:
    """Run the project's main entry point once; returns its exit code."""
    with (project / "MLproject").open("rb") as file:
        command = yaml.load(file, Loader=yaml.CSafeLoader)["entry_points"]["main"]["command"]
    store.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(store / "runs.db")
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=NORMAL")
    connection.execute(_SCHEMA)
    run_id = uuid.uuid4().hex
    with connection:
        connection.execute("INSERT INTO runs VALUES (?, ?, 'RUNNING', ?, NULL, NULL)", (run_id, command, time.time()))
    process = subprocess.Popen(["bash", "-c", command], cwd=project, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert process.stdout is not None
    with (store / f"{run_id}.log").open("wb") as log:
        while block := os.read(process.stdout.fileno(), 65536):
            log.write(block)
    code = process.wait()
    process.stdout.close()
    with connection:
        connection.execute(
            "UPDATE runs SET status = ?, end = ?, code = ? WHERE id = ?", ("ENDED", time.time(), code, run_id)
        )
    connection.close()
    return code


if __name__ == "__main__":
    sys.exit(run(Path(sys.argv[1]), Path(sys.argv[2])))
