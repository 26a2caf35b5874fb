"""A server: how soon it is ready, what room it takes, and how long MLflow's client takes to log to it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks.measure import MLPROJ, WALL, Bench, Contender, Sample, Target, benchmark

POINTS, BATCHES = 300, 20
PATIENCE = 180  # seconds

# What a server of this kind cannot do without: it reads the request, and answers.
_HELLO = """
import sys, uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route
async def answer(request):
    await request.body()
    return JSONResponse({"run": {"info": {"run_id": "0" * 32, "experiment_id": "0", "status": "RUNNING"}, "data": {}}})
application = Starlette(routes=[Route("/{path:path}", answer, methods=["GET", "POST"])])
uvicorn.run(application, port=int(sys.argv[1]), log_level="error", lifespan="off")
"""
_ONE_BY_ONE = """
from mlflow import MlflowClient
client = MlflowClient(sys.argv[1])
run = client.create_run("0").info.run_id
client.log_metric(run, "m", 0.0, step=0)
with timed(int(sys.argv[2])):
    for step in range(int(sys.argv[2])):
        client.log_metric(run, "m", step / 7, step=step)
"""
_BATCHED = """
from mlflow import MlflowClient
from mlflow.entities import Metric
client = MlflowClient(sys.argv[1])
run = client.create_run("0").info.run_id
batches = [[Metric("m", i / 7, 1, 1000 * batch + i) for i in range(1000)] for batch in range(int(sys.argv[2]))]
client.log_batch(run, metrics=batches[0])
with timed(1000 * int(sys.argv[2])):
    for batch in batches:
        client.log_batch(run, metrics=batch)
"""


@contextmanager
def served(argv: Callable[[int], Sequence[str]], bench: Bench) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """A server that answers by now, and its address; it is gone afterwards."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        argv(port),
        env=bench.environ,
        cwd=bench.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        _await_answer(process, port)
        yield process, f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(30)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def _await_answer(process: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
                connection.sendall(b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
                if connection.recv(100).startswith(b"HTTP/1.1 200"):
                    return
        except OSError:
            time.sleep(0.005)
    raise RuntimeError("the server does not answer")


def resident(pid: int) -> int:
    """Bytes of memory that a process and its descendants hold."""
    status = Path(f"/proc/{pid}/status").read_text()
    own = int(status.split("VmRSS:")[1].split()[0]) * 1024
    return own + sum(resident(int(child)) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split())


def main() -> None:
    with benchmark("a server: ready, memory, and MLflow's client logging to it", rounds=5) as bench:
        database = f"sqlite:///{bench.folder}/mlflow.db"
        servers: dict[str, Callable[[int], Sequence[str]]] = {
            "starlette + uvicorn, hello": lambda port: [sys.executable, "-c", _HELLO, str(port)],
            "mlproj server": lambda port: [*MLPROJ, "server", "--port", str(port)],
        }
        if bench.peer:
            peer = str(bench.peer)
            servers["mlflow server, 1 worker"] = lambda port: [
                *(peer, "server", "--workers", "1", "--port", str(port), "--backend-store-uri", database)
            ]
        memory: dict[str, int] = {}

        def ready(name: str) -> Callable[[], Sample]:
            def execute() -> Sample:
                begin = time.perf_counter()
                with served(servers[name], bench) as (process, _):
                    wall = time.perf_counter() - begin
                    memory[name] = min(memory.get(name, 1 << 60), resident(process.pid))
                    with Path(f"/proc/{process.pid}/stat").open() as stat:
                        fields = stat.read().rpartition(")")[2].split()
                ticks = sum(map(int, fields[11:15]))
                return Sample(ticks / os.sysconf("SC_CLK_TCK"), wall)

            return execute

        for name in servers:
            bench.compare(Contender(f"ready: {name}", ready(name)), rounds=1 if "mlflow" in name else bench.rounds)
        if bench.peer:
            python = Path(bench.peer).with_name("python")
            for name, argv in servers.items():
                with served(argv, bench) as (_, address):
                    bench.compare(
                        Contender(
                            f"one by one: {name}", bench.timed_program(python, _ONE_BY_ONE, address, str(POINTS))
                        ),
                        Contender(
                            f"batches of 1,000: {name}", bench.timed_program(python, _BATCHED, address, str(BATCHES))
                        ),
                        rounds=2,
                        unmeasured=0,
                    )
        targets = [
            *(Target(f"ready: {who}", f"ready: {than}", times, WALL) for who, than, times in _pairs(3.0)),
            *(Target(f"one by one: {who}", f"one by one: {than}", times, WALL) for who, than, times in _pairs(1.5)),
            *(
                Target(f"batches of 1,000: {who}", f"batches of 1,000: {than}", times, WALL)
                for who, than, times in _pairs(2.0)
            ),
        ]
        bench.report("ready: starlette + uvicorn, hello", *targets)
        print("points are told per point; memory of all processes when ready:")
        for name, size in memory.items():
            print(f"{name:44} {size / 1e6:9.1f} MB {size / memory['starlette + uvicorn, hello']:8.2f} x hello")


def _pairs(times: float) -> list[tuple[str, str, float]]:
    return [("mlproj server", "starlette + uvicorn, hello", times), ("mlproj server", "mlflow server, 1 worker", 1)]


if __name__ == "__main__":
    main()
