"""``mlproj server`` as a process."""

from __future__ import annotations

import os
import signal
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import httpx2
import pytest

from mlproj import tracking
from mlproj.foundation import paths
from mlproj.tracking.base import Metric
from tests.cli.conftest import Cli
from tests.program import mlproj, start
from tests.server.conftest import running

API = "/api/2.0/mlflow/"
FILES = "/api/2.0/mlflow-artifacts/artifacts/"


def default_name(address: str, **options: str) -> str:
    answer = httpx2.get(address + API + "experiments/get", params={"experiment_id": "0"}, headers=options)
    return str(answer.json().get("experiment", answer.json()).get("name", answer.json().get("error_code")))


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_until_it_is_told_to_end(workers: str, number: signal.Signals) -> None:
    with running("--workers", workers) as (process, address):
        assert default_name(address) == "Default"
        process.send_signal(number)
        out, err = process.communicate()
        assert (process.returncode, out, err) == (0, b"", b"")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_an_upload_under_way_is_finished_first(workers: str) -> None:
    with running("--workers", workers) as (process, address):
        host, port = urlsplit(address).netloc.split(":")
        with socket.create_connection((host, int(port))) as connection:
            connection.sendall(
                f"PUT {FILES}1/f HTTP/1.1\r\nHost: localhost\r\nContent-Length: 600000\r\n\r\n".encode()
                + b"x" * 300_000
            )
            folder = paths.artifacts() / "1"
            _await(lambda: folder.exists() and any(file.stat().st_size for file in folder.iterdir()))
            process.send_signal(signal.SIGTERM)
            _await(lambda: not _accepts(host, int(port)))
            connection.sendall(b"x" * 300_000)
            assert b"200 OK" in connection.makefile("rb").readline()
        assert process.wait() == 0
    assert (paths.artifacts() / "1" / "f").stat().st_size == 600_000


def _await(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def _accepts(host: str, port: int) -> bool:
    try:
        socket.create_connection((host, port), timeout=5).close()
    except OSError:
        return False
    return True


def test_workers_end_with_the_first_process() -> None:
    with running("--workers", "2") as (process, _):
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        if not children.exists():
            pytest.skip("no /proc")
        first = children.read_text().split()
        assert len(first) == 2
        process.kill()
        process.wait()
        _await(lambda: not any(_lives(pid) for pid in first))


def test_a_worker_that_is_killed_is_replaced() -> None:
    with running("--workers", "2") as (process, address):
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
        if not children.exists():
            pytest.skip("no /proc")
        first = set(children.read_text().split())
        for pid in first:
            os.kill(int(pid), signal.SIGKILL)
        _await(lambda: len(set(children.read_text().split()) - first) == 2)
        assert default_name(address) == "Default"


def _lives(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().split()[2] != "Z"
    except OSError:
        return False


def test_two_servers_serve_one_file() -> None:
    with running() as (_, one), running() as (_, two):
        made = httpx2.post(one + API + "runs/create", json={"experiment_id": "0"}).json()["run"]["info"]["run_id"]
        threads = [
            threading.Thread(target=_log, args=(address, made, f"{name}{number}"))
            for name, address in (("a", one), ("b", two))
            for number in range(2)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for address in (one, two):
            metrics = httpx2.get(address + API + "runs/get", params={"run_id": made}).json()["run"]["data"]["metrics"]
            assert sorted((metric["key"], metric["value"]) for metric in metrics) == [
                ("a0", 49),
                ("a1", 49),
                ("b0", 49),
                ("b1", 49),
            ]


def _log(address: str, run_id: str, key: str) -> None:
    with httpx2.Client() as client:
        for step in range(50):
            body = {"run_id": run_id, "key": key, "value": step, "timestamp": 1, "step": step}
            assert client.post(address + API + "runs/log-metric", json=body).status_code == 200


@pytest.mark.parametrize("workers", ["1", "2"])
def test_what_was_acknowledged_survives_the_kill_of_the_server(workers: str) -> None:
    acknowledged: list[int] = []
    with running("--workers", workers) as (process, address):
        run_id = httpx2.post(address + API + "runs/create", json={"experiment_id": "0"}).json()["run"]["info"]["run_id"]

        def load() -> None:
            with httpx2.Client(timeout=60) as client:
                for batch in range(10_000):
                    points = [
                        {"key": "m", "value": batch, "timestamp": 1, "step": 10 * batch + step} for step in range(10)
                    ]
                    try:
                        answer = client.post(
                            address + API + "runs/log-batch", json={"run_id": run_id, "metrics": points}
                        )
                    except httpx2.HTTPError:
                        return
                    assert answer.status_code == 200
                    acknowledged.append(batch)

        thread = threading.Thread(target=load)
        thread.start()
        _await(lambda: len(acknowledged) > 50)
        process.kill()
        thread.join()
    store = tracking.open()
    kept = store.metric_history(run_id, "m")
    assert len(kept) == len({point.step for point in kept}) and len(kept) % 10 == 0  # none twice, no batch in part
    assert {10 * batch + step for batch in acknowledged for step in range(10)} <= {point.step for point in kept}
    store.log(run_id, metrics=[Metric("m", 1, 1, -1)])  # nobody holds a lock
    store.close()


def test_a_port_that_is_taken_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = mlproj("server", "--port", str(taken.getsockname()[1]))
    assert done.code == 69 and "is taken by another program" in done.err and "--port" in done.err


@pytest.mark.parametrize("host", ["0.0.0.0", "::", ""])
def test_others_are_not_let_near_without_a_token(host: str) -> None:
    done = mlproj("server", "--port", "0", "--host", host)
    assert done.code == 2 and "mlproj server token create" in done.err


def test_another_host_asks_for_the_token(cli: Cli) -> None:
    secret = cli("server", "token", "create", "ann", "--scope", "read").out.strip()
    with running("--host", "0.0.0.0") as (_, address):
        here = address.replace("0.0.0.0", "127.0.0.1")
        assert default_name(here) == "UNAUTHENTICATED"
        assert default_name(here, Authorization=f"Bearer {secret}") == "Default"
        assert httpx2.get(here + "/").status_code == 401
        assert cli("server", "token", "revoke", "ann").code == 0
        assert default_name(here, Authorization=f"Bearer {secret}") == "UNAUTHENTICATED"


def test_an_address_that_is_not_ours_is_told() -> None:
    for host in ("192.0.2.1", "not.a.host.invalid"):
        mlproj("server", "token", "create", "ann")
        done = mlproj("server", "--host", host)
        assert done.code == 2 and "--host" in done.err


def test_a_store_that_cannot_be_used_is_told(tmp_path: Path) -> None:
    (tmp_path / "text.db").write_text("no database, but long enough to be looked at as one" * 100)
    for workers in ("1", "2"):
        done = mlproj("server", "--port", "0", "--store", f"sqlite:///{tmp_path}/text.db", "--workers", workers)
        assert done.code == 69 and "text.db" in done.err
    assert mlproj("server", "--port", "0", "--store", "nonsense").code == 2


def test_store_and_artifacts_may_be_elsewhere(tmp_path: Path) -> None:
    with running(
        "--store", f"sqlite:///{tmp_path}/runs.db", "--artifacts", str(tmp_path / "files"), "--log-requests"
    ) as (
        process,
        address,
    ):
        run = httpx2.post(address + API + "runs/create", json={"experiment_id": "0"}).json()["run"]["info"]
        path = run["artifact_uri"].removeprefix("mlflow-artifacts:/")
        assert httpx2.put(f"{address}{FILES}{path}/a.txt", content=b"a").status_code == 200
        process.terminate()
        assert b"POST /api/2.0/mlflow/runs/create" in process.communicate()[1]
    assert (tmp_path / "files" / path / "a.txt").read_text() == "a" and (tmp_path / "runs.db").exists()
    assert not paths.home().exists()


def test_pages_are_served_too() -> None:
    pytest.importorskip("jinja2")
    with running() as (_, address):
        assert "<html" in httpx2.get(address + "/").text
        assert httpx2.get(address + "/", headers={"Host": "evil.example"}).status_code == 403


def test_tokens_are_listed_without_what_lets_somebody_in(cli: Cli) -> None:
    assert cli("server", "token", "list").err == "no tokens\n"
    secret = cli("server", "token", "create", "ann", "--expires", "30d", "--json").out
    listed = cli("server", "token", "list")
    assert "ann" in listed.out and "write" in listed.out
    assert "secret" in secret and "secret" not in cli("server", "token", "list", "--json").out
    assert "sha256" not in cli("server", "token", "list", "--json").out
    assert cli("server", "token", "revoke", "an").code == 2
    assert cli("server", "token", "revoke", "ann").out == "revoked ann\n"


def test_ctrl_c_before_it_is_ready_ends_it() -> None:
    process = start("server", "--port", "0", start_new_session=True)
    os.kill(process.pid, signal.SIGINT)
    process.communicate()
    assert process.returncode in (130, -signal.SIGINT, 0)


def test_a_server_over_a_server_is_refused() -> None:
    done = mlproj("server", "--port", "0", env={"MLPROJ_TRACKING_URI": "https://me:secret@host"})
    assert done.code == 2 and "is a server" in done.err and "--store" in done.err and "secret" not in done.err
