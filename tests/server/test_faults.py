"""Whatever dies or fills up under load: what a server has acknowledged is there, once, and what it has not is there
whole or not at all."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest

from mlproj import tracking
from mlproj.foundation.errors import MlprojError
from mlproj.http.client import HttpClient, Refused, Unreachable
from mlproj.tracking.base import Metric, NewRun, TrackingStore
from tests.mlflow_server import free_port
from tests.server.conftest import running

_BATCH = 20


class Writer(threading.Thread):
    """Logs batches of points to one run, each until some server has acknowledged it; notes what was acknowledged."""

    def __init__(self, addresses: list[str], run_id: str, name: str, over: threading.Event) -> None:
        super().__init__(name=name, daemon=True)
        self._callers = [HttpClient(address, timeout=5, patient=False) for address in addresses]
        self._run_id = run_id
        self._over = over
        self.acknowledged: list[int] = []
        self.refused = 0

    def run(self) -> None:
        step = 0
        while not self._over.is_set():
            points = [
                {"key": self.name, "value": float(number), "timestamp": number, "step": number}
                for number in range(step, step + _BATCH)
            ]
            for caller in self._callers:
                try:
                    caller.call("POST", "/api/2.0/mlflow/runs/log-batch", {"run_id": self._run_id, "metrics": points})
                    self.acknowledged.extend(range(step, step + _BATCH))
                    break
                except Unreachable:
                    self.refused += 1
                    time.sleep(0.01)
            else:
                continue
            step += _BATCH


def check(store: TrackingStore, run_id: str, writers: list[Writer]) -> None:
    for writer in writers:
        points = store.metric_history(run_id, writer.name)
        steps = Counter(point.step for point in points)
        assert set(writer.acknowledged) <= steps.keys(), "an acknowledged value is lost"
        assert set(steps.values()) <= {1}, "a value is there twice"
        assert len(points) % _BATCH == 0, "a batch is there in part"
        assert all(point.value == point.step for point in points)
    assert sum(len(writer.acknowledged) for writer in writers) > 0


def test_a_server_killed_under_load_has_all_that_it_acknowledged(tmp_path: Path) -> None:
    home = {"MLPROJ_HOME": str(tmp_path / "home")}
    port = free_port()
    with closing(tracking.open(f"sqlite:///{tmp_path}/home/mlproj.db")) as store:
        run_id = store.create_run(NewRun()).run_id
    over = threading.Event()
    writers = [Writer([f"http://127.0.0.1:{port}"], run_id, f"m{number}", over) for number in range(4)]
    for writer in writers:
        writer.start()
    for _ in range(4):
        with running("--port", str(port), env=home) as (process, _address):
            time.sleep(0.7)
            process.kill()
            process.wait()
    over.set()
    for writer in writers:
        writer.join()
    with closing(tracking.open(f"sqlite:///{tmp_path}/home/mlproj.db")) as store:
        check(store, run_id, writers)


def test_two_servers_on_one_file_lose_nothing_when_one_is_killed(tmp_path: Path) -> None:
    uri = f"sqlite:///{tmp_path}/home/mlproj.db"
    home = {"MLPROJ_HOME": str(tmp_path / "home")}
    with closing(tracking.open(uri)) as store:
        run_id = store.create_run(NewRun()).run_id
    over = threading.Event()
    with running("--workers", "2", env=home) as (_, one), running(env=home) as (doomed, two):
        orders = [[one, two], [two, one], [two, one]]
        writers = [Writer(order, run_id, f"m{number}", over) for number, order in enumerate(orders)]
        for writer in writers:
            writer.start()
        time.sleep(1)
        doomed.kill()
        doomed.wait()
        time.sleep(1)
        over.set()
        for writer in writers:
            writer.join()
    with closing(tracking.open(uri)) as store:
        check(store, run_id, writers)
    assert sum(writer.refused for writer in writers) > 0, "nobody noticed"


def test_clients_killed_under_load_leave_whole_batches(tmp_path: Path) -> None:
    code = """
import sys
from mlproj.http.client import HttpClient
client = HttpClient(sys.argv[1])
step = 0
while True:
    points = [{"key": sys.argv[3], "value": float(n), "timestamp": n, "step": n} for n in range(step, step + 20)]
    client.call("POST", "/api/2.0/mlflow/runs/log-batch", {"run_id": sys.argv[2], "metrics": points})
    step += 20
    print(step, flush=True)
"""
    uri = f"sqlite:///{tmp_path}/home/mlproj.db"
    with closing(tracking.open(uri)) as store:
        run_id = store.create_run(NewRun()).run_id
    with running(env={"MLPROJ_HOME": str(tmp_path / "home")}) as (_, address):
        clients = [
            subprocess.Popen(
                [sys.executable, "-c", code, address, run_id, f"m{number}"], stdout=subprocess.PIPE, text=True
            )
            for number in range(3)
        ]
        time.sleep(2)
        acknowledged = []
        for client in clients:
            client.kill()
            out, _ = client.communicate()
            acknowledged.append(int((out.splitlines() or ["0"])[-1]))
    with closing(tracking.open(uri)) as store:
        for number, least in enumerate(acknowledged):
            steps = [point.step for point in store.metric_history(run_id, f"m{number}")]
            assert steps == list(range(len(steps))) and len(steps) >= least > 0 and len(steps) % 20 == 0


def test_a_full_disk_is_told_and_what_was_acknowledged_stays(tiny_disk: Path) -> None:
    uri = f"sqlite:///{tiny_disk}/mlproj.db"
    with closing(tracking.open(uri)) as store:
        run_id = store.create_run(NewRun()).run_id
    with running(env={"MLPROJ_HOME": str(tiny_disk)}) as (_, address):
        caller = HttpClient(address, patient=False)
        acknowledged = 0
        with pytest.raises(MlprojError) as raised:
            for step in range(10_000):
                point = {"key": "m", "value": float(step), "timestamp": step, "step": step}
                caller.call(
                    "POST",
                    "/api/2.0/mlflow/runs/log-batch",
                    {"run_id": run_id, "metrics": [point], "tags": [tag(step)]},
                )
                acknowledged += 1
        assert isinstance(raised.value, Unreachable) and "full" in str(raised.value) and acknowledged > 3
        upload = HttpClient(address, patient=False)
        (tiny_disk.parent / "large").write_bytes(os.urandom(2_000_000))
        with (tiny_disk.parent / "large").open("rb") as file, pytest.raises((Unreachable, Refused)):
            upload.upload(f"/api/2.0/mlflow-artifacts/artifacts/0/{run_id}/artifacts/large", file, 2_000_000)
        # It is still there for who only looks, and goes on when there is room.
        caller = HttpClient(address)
        assert caller.call("GET", "/api/2.0/mlflow/runs/get", {"run_id": run_id})["run"]["info"]["run_id"] == run_id
        subprocess.run(["mount", "-o", "remount,size=8m", tiny_disk], check=True)
        caller.call(
            "POST",
            "/api/2.0/mlflow/runs/log-batch",
            {"run_id": run_id, "metrics": [{"key": "m", "value": 0, "timestamp": 0, "step": -1}]},
        )
    with closing(tracking.open(uri)) as store:
        steps = [point.step for point in store.metric_history(run_id, "m")]
        assert steps == [-1, *range(acknowledged)]
    assert not list(tiny_disk.rglob("large"))


def tag(step: int) -> dict[str, str]:
    return {"key": f"t{step}", "value": "x" * 4000}


def test_a_runner_killed_with_its_program_under_load_keeps_all_that_was_acknowledged(tmp_path: Path) -> None:
    """The program logs through the run's own server, which dies with mlproj; it notes itself what was acknowledged."""
    from tests.program import project, start

    program = """
import json, os, urllib.request
address, token = os.environ["MLFLOW_TRACKING_URI"], os.environ["MLFLOW_TRACKING_TOKEN"]
run_id = os.environ["MLPROJ_RUN_ID"]
def post(path, **fields):
    headers = {"Authorization": f"Bearer {token}"}
    request = urllib.request.Request(f"{address}/api/2.0/mlflow/{path}", json.dumps(fields).encode(), headers)
    return json.load(urllib.request.urlopen(request))
with open(os.environ["NOTES"], "w") as notes:
    for step in range(100000):
        post("runs/log-metric", run_id=run_id, key="m", value=step, timestamp=step, step=step)
        notes.write(f"{step}\\n")
        notes.flush()
"""
    folder = project(tmp_path / "p", 'name: p\nentry_points:\n  main:\n    command: "python p.py"\n', p__py=program)
    notes = tmp_path / "notes"
    process = start("run", folder, "--env-manager", "local", env={"NOTES": str(notes)})
    until = time.monotonic() + 30
    while not (notes.exists() and notes.read_text().count("\n") > 50):
        assert time.monotonic() < until
        time.sleep(0.05)
    process.kill()
    process.communicate()
    time.sleep(0.3)
    acknowledged = notes.read_text().count("\n")
    with closing(tracking.open()) as store:
        (run,) = store.list_runs()
        points = store.metric_history(run.run_id, "m")
    assert [point.step for point in points] == list(range(len(points))) and len(points) >= acknowledged > 50
    assert all(isinstance(point, Metric) for point in points)
