from __future__ import annotations

import json
import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from mlproj import tracking
from mlproj.foundation import paths
from mlproj.tracking.base import TrackingStore
from mlproj.tracking.model_base import ModelStore
from tests.mlflow_server import free_port
from tests.program import mlproj, project
from tests.server.conftest import running

MANY = """
import os, sys, time
for step in range(int(sys.argv[1])):
    with open(os.environ["MLPROJ_METRICS"], "a") as file:
        print(f"loss={1 / (step + 1)} step={step}", file=file)
    time.sleep(float(sys.argv[2]))
with open(os.environ["MLPROJ_PARAMS"], "a") as file:
    print("alpha=0.5", file=file)
os.makedirs(os.environ["MLPROJ_ARTIFACTS"] + "/sub", exist_ok=True)
open(os.environ["MLPROJ_ARTIFACTS"] + "/sub/a b.txt", "w").write("kept")
print("said")
"""


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """A project that logs ``n`` points, ``pause`` seconds apart, a parameter and a file."""
    text = (
        "name: many\nentry_points:\n  main:\n    parameters:\n      n: {type: float, default: 5}\n      pause: {type:"
        ' float, default: 0}\n    command: "python many.py {n} {pause}"\n'
    )
    return project(tmp_path / "many", text, many__py=MANY)


class Server:
    """An mlproj server with a home of its own, that can go away and come back at the same port."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.port = free_port()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @contextmanager
    def up(self, *arguments: str) -> Iterator[Any]:
        with running(
            "--port", str(self.port), *arguments, env={"MLPROJ_HOME": str(self.home), "MLPROJ_TRACKING_URI": ""}
        ) as (process, _):
            yield process

    def store(self) -> TrackingStore:
        """What it keeps, looked at without it."""
        return tracking.open(f"sqlite:///{self.home / 'mlproj.db'}")

    def models(self) -> ModelStore:
        """The models that it keeps."""
        return tracking.open_models(f"sqlite:///{self.home / 'mlproj.db'}")

    def file(self, run_id: str, path: str) -> Path:
        with closing(self.store()) as store:
            return self.home / "artifacts" / store.get_run(run_id).experiment_id / run_id / "artifacts" / path


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path / "team")


def run_to(address: str, *arguments: str | Path, env: Mapping[str, str] | None = None) -> Any:
    """``mlproj run --json`` that records to a server: its result, and the run's document."""
    done = mlproj(
        "run", *arguments, "--env-manager", "local", "--json", env={"MLPROJ_TRACKING_URI": address, **(env or {})}
    )
    assert done.code == 0, done.err
    return done, json.loads(done.out)["run"]


def left_on_disk() -> list[str]:
    """Files of the outboxes that are no bookkeeping."""
    found = (file for file in (paths.home() / "outbox").rglob("*") if file.is_file())
    return [str(file) for file in found if not file.name.startswith("runs.db") and file.name != "server.json"]


def records_on_disk() -> int:
    """Runs in the outboxes."""
    count = 0
    for file in (paths.home() / "outbox").glob("*/runs.db"):
        with closing(sqlite3.connect(file)) as connection:
            count += connection.execute("SELECT count(*) FROM runs").fetchone()[0]
            count += connection.execute("SELECT count(*) FROM outbox_metrics").fetchone()[0]
    return count


def all_bytes(folder: Path) -> bytes:
    return b"".join(Path(where, name).read_bytes() for where, _, names in os.walk(folder) for name in names)
