"""A program that names an MLflow server on this machine, where none runs, logs to its run."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.test_faults import wait_for
from tests.program import Result, mlproj, project, start

TRAIN = """
import mlflow
mlflow.set_tracking_uri("http://{host}:{port}")
mlflow.set_experiment("theirs")
with mlflow.start_run():
    mlflow.log_param("a", 1)
    mlflow.log_metric("loss", 0.5)
    mlflow.log_text("hello", "note.txt")
"""
ASK = """
import sys, urllib.request, urllib.error
try:
    address = "http://{host}:{port}/api/2.0/mlflow/experiments/get?experiment_id=0"
    print(urllib.request.urlopen(address, timeout=30).status)
except urllib.error.HTTPError as error:
    print(error.code)
"""
NAMES = 'import mlflow\nmlflow.set_tracking_uri("http://localhost:{port}")\n'
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells whose a connection is")


@pytest.fixture
def port() -> int:
    """A port where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
    return number


def made(folder: Path, command: str, **files: str) -> Path:
    return project(folder, json.dumps({"entry_points": {"main": {"command": command}}}), **files)


def run(folder: Path, *options: str) -> Result:
    return mlproj("run", folder, "--env-manager", "local", *options)


def recorded(result: Result) -> dict[str, Any]:
    document: dict[str, Any] = result.document["run"]
    return document


def status(host: str, port: int) -> int:
    code = ASK.format(host=host, port=port)
    return int(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout)


@contextmanager
def waiting(folder: Path, *options: str) -> Iterator[subprocess.Popen[bytes]]:
    """A run whose command has begun and goes on until the block ends."""
    process = start("run", folder, "--env-manager", "local", *options)
    wait_for(folder / "started", process)
    try:
        yield process
    finally:
        (folder / "go").touch()
        process.communicate(timeout=60)


WAIT = "touch started; until [ -e go ]; do sleep 0.05; done"


@LINUX
@pytest.mark.needs("mlflow")
def test_the_genuine_client_logs_to_the_run_as_it_would_to_a_server(tmp_path: Path, port: int) -> None:
    result = run(
        made(tmp_path, f"{sys.executable} train.py", train__py=TRAIN.format(host="localhost", port=port)), "--json"
    )

    found = recorded(result)
    assert (found["status"], found["params"]["a"], found["metrics"]["loss"]) == ("FINISHED", "1", 0.5), result.err
    assert found["experiment_name"] == "theirs"
    assert [run["run_id"] for run in mlproj("runs", "list", "--json").document["runs"]] == [found["run_id"]]
    (said,) = [line for line in result.err.splitlines() if "stand-in" in line]
    assert f"http://localhost:{port} (train.py:3)" in said
    assert (
        found["tags"]["mlproj.stand_in"]
        == f"http://localhost:{port} (train.py:3): answered by the run's own tracking server"
    )


@LINUX
def test_processes_outside_of_the_run_are_refused_and_those_in_it_are_not(tmp_path: Path, port: int) -> None:
    inside = f"(setsid {sys.executable} ask.py; {sys.executable} six.py) > answers; {WAIT}"
    asks = {"ask__py": ASK.format(host="127.0.0.1", port=port), "six__py": ASK.format(host="[::1]", port=port)}
    folder = made(tmp_path, inside, train__py=NAMES.format(port=port), **asks)
    with waiting(folder):
        outside = [status(host, port) for host in ("127.0.0.1", "[::1]")]
        with socket.create_connection(("127.0.0.1", port)) as raw:
            raw.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
            answer = b"".join(iter(lambda: raw.recv(1 << 16), b""))

    assert (folder / "answers").read_text().split() == ["200", "200"]
    assert outside == [403, 403]
    assert answer.startswith(b"HTTP/1.1 403 ") and b"Connection: close" in answer  # and it was closed


@LINUX
@pytest.mark.needs("root")
def test_another_user_is_refused_whatever_its_environment_says(tmp_path: Path, port: int) -> None:
    folder = made(tmp_path, f"echo $MLPROJ_RUN_ID > id; {WAIT}", train__py=NAMES.format(port=port))
    with waiting(folder):
        code = ASK.format(host="127.0.0.1", port=port)
        environ = {**os.environ, "MLPROJ_RUN_ID": (folder / "id").read_text().strip()}
        asked = subprocess.run(
            ["python3", "-c", code], env=environ, user=65534, capture_output=True, text=True, check=True, cwd="/"
        )

    assert asked.stdout.strip() == "403"


@LINUX
def test_a_server_that_listens_there_is_left_alone(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        result = run(made(tmp_path, "true", train__py=NAMES.format(port=port)), "--json")

    assert (
        f"stand-in: http://localhost:{port} (train.py:2): something listens there already, and is left alone"
        in result.err
    )
    assert recorded(result)["tags"]["mlproj.stand_in"].endswith("something listens there already, and is left alone")


@pytest.mark.parametrize(
    "server",
    [
        'import subprocess, sys\nsubprocess.Popen(["mlflow", "server", "--host", "127.0.0.1", "--port", "{port}"])\n',
        'from http.server import HTTPServer\nHTTPServer(("127.0.0.1", {port}), None)\n',
        'import uvicorn\nuvicorn.run(app, host="0.0.0.0", port={port})\n',
    ],
)
def test_a_port_that_the_program_serves_itself_is_left_to_it(tmp_path: Path, port: int, server: str) -> None:
    files = {
        "serving__py": server.format(port=port),
        "main__py": "import mlflow, serving\n",
        "train__py": NAMES.format(port=port),
    }
    result = run(made(tmp_path, "true main.py", **files), "--json")

    assert (
        "left to the project, which starts a server there itself (serving.py:2)"
        in recorded(result)["tags"]["mlproj.stand_in"]
    )


def test_a_program_that_only_tells_people_of_a_server_serves_none(tmp_path: Path, port: int) -> None:
    told = f'print("now run: mlflow ui --port {port}")\n'
    result = run(made(tmp_path, "true train.py", train__py=NAMES.format(port=port) + told), "--json")

    assert recorded(result)["tags"]["mlproj.stand_in"].endswith(": nobody asked")


def test_nothing_is_answered_with_no_stand_in_and_the_end_says_what_was_not_there(tmp_path: Path, port: int) -> None:
    asks = ASK.format(host="localhost", port=port) + NAMES.format(port=port)
    folder = made(
        tmp_path,
        f"{sys.executable} train.py",
        train__py=f"raise ConnectionError('Failed to connect to localhost port {port}')\n{asks}",
    )
    result = run(folder, "--json", "--no-stand-in")

    found = recorded(result)
    assert "mlproj.stand_in" not in found["tags"]
    line = len(asks.splitlines()) + 1
    assert found["status_reason"] == (
        f"nothing listens at http://localhost:{port} (train.py:{line}), where the program looks for an MLflow server; "
        "without --no-stand-in the run's own tracking server would answer"
    )


def test_an_https_address_is_said_not_to_be_answered_at_the_start_and_at_the_end(tmp_path: Path, port: int) -> None:
    failure = f"raise ConnectionError(\"HTTPSConnectionPool(host='localhost', port={port}): Max retries exceeded\")"
    code = f"{failure}\nimport mlflow\nmlflow.set_tracking_uri('https://localhost:{port}')\n"
    result = run(made(tmp_path, f"{sys.executable} train.py", train__py=code), "--json")

    why = (
        "not answered, because it is https, for which the run's own tracking server has no certificate; at http:// it"
        " answers"
    )
    found = recorded(result)
    assert f"stand-in: https://localhost:{port} (train.py:3): {why}" in result.err
    assert found["tags"]["mlproj.stand_in"] == f"https://localhost:{port} (train.py:3): {why}"
    assert found["status_reason"] == (
        f"nothing listens at https://localhost:{port} (train.py:3), where the program looks for an MLflow server; it"
        f" was {why}"
    )


def test_an_address_that_no_file_names_is_told_as_that(tmp_path: Path) -> None:
    said = (
        "HTTPConnectionPool(host='localhost', port=5999): Max retries exceeded with url:"
        " /api/2.0/mlflow/experiments/get-by-name"
    )
    result = run(made(tmp_path, f'echo "{said}"; exit 1'), "--json")

    assert (
        recorded(result)["status_reason"]
        == "nothing listens at localhost:5999, where the program looks for a server; no file of the project names that"
        " address"
    )


@LINUX
@pytest.mark.needs("mlflow")
def test_a_port_that_the_program_computes_is_answered_when_its_output_says_that_it_was_refused(
    tmp_path: Path, port: int
) -> None:
    code = f"""import logging, urllib3
logging.basicConfig(level=logging.WARNING)
address = "http://localhost:%s/api/2.0/mlflow/experiments/get?experiment_id=0" % ({port - 1} + 1)
print(urllib3.PoolManager().request("GET", address, retries=urllib3.Retry(total=7, backoff_factor=0.5)).status)
"""
    result = run(made(tmp_path, f"{sys.executable} train.py", train__py=code), "--json")

    found = recorded(result)
    assert found["status"] == "FINISHED", result.err
    assert (
        found["tags"]["mlproj.stand_in"]
        == f"http://localhost:{port} (the program's output): answered by the run's own tracking server"
    )


@LINUX
def test_two_runs_at_once_that_name_the_same_port_both_log_to_themselves(tmp_path: Path, port: int) -> None:
    ask = ASK.format(host="127.0.0.1", port=port)
    log = f"""import json, time, urllib.request
def post(path, **body):
    address = "http://localhost:{port}/api/2.0/mlflow/" + path
    request = urllib.request.Request(address, json.dumps(body).encode(), {{"Content-Type": "application/json"}})
    return json.load(urllib.request.urlopen(request, timeout=30))
run = post("runs/create", experiment_id="0", start_time=1)["run"]["info"]["run_id"]
post("runs/log-parameter", run_id=run, key="mine", value=run)
"""
    command = f"{sys.executable} ask.py && {sys.executable} log.py && {WAIT} && {sys.executable} ask.py > again"
    folders = [
        made(tmp_path / name, command, train__py=NAMES.format(port=port), ask__py=ask, log__py=log)
        for name in ("a", "b", "c")
    ]
    with waiting(folders[1]) as second:
        with waiting(folders[0]), waiting(folders[2]):
            pass
        (folders[1] / "go").touch()  # the others have ended, one of which came before it
        assert second.wait(60) == 0

    runs = mlproj("runs", "list", "--json").document["runs"]
    assert [run["status"] for run in runs] == ["FINISHED"] * 3
    assert all(run["params"]["mine"] == run["run_id"] for run in runs)
    assert [(folder / "again").read_text().strip() for folder in folders] == ["200"] * 3


@LINUX
def test_a_run_that_was_killed_leaves_the_port_to_the_others(tmp_path: Path, port: int) -> None:
    ask = ASK.format(host="localhost", port=port)
    folders = [
        made(
            tmp_path / name, f"{WAIT}; {sys.executable} ask.py > answer", train__py=NAMES.format(port=port), ask__py=ask
        )
        for name in ("a", "b")
    ]
    first = start("run", folders[0], "--env-manager", "local")
    wait_for(folders[0] / "started", first)
    with waiting(folders[1]):
        first.kill()
        first.communicate()

    assert (folders[1] / "answer").read_text().strip() == "200"
