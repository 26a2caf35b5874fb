"""Workers that die, hang or are orphaned, behind a server that goes on."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.models.serving.served import Server, is_alive, rows, served, table_model
from tests.program import start

SLOW_TO_LOAD = "import time\ntime.sleep(3)\n"

THREAD = """
import os, threading

_begun = threading.Event()
threading.Thread(target=_begun.wait, daemon=True).start()


class Model:
    def predict(self, data, params=None):
        return [os.getpid()] * len(data)


def _load_pyfunc(path):
    return Model()
"""
HANGS_AS_A_COPY = """
import os, time

_loaded = os.getpid()


class Model:
    def predict(self, data, params=None):
        if os.getpid() != _loaded:
            time.sleep(600)
        return [os.getpid()] * len(data)


def _load_pyfunc(path):
    return Model()
"""


def pid_of_worker(server: Server) -> int:
    found: list[int] = server.score(rows([1, 2, "pid"])).document["predictions"]
    return found[0]


def until(condition: Any, seconds: float = 30) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return found


def family(server: Server) -> list[int]:
    return [one.pid for one in psutil.Process(server.process.pid).children(recursive=True)]


def test_a_worker_that_is_killed_is_replaced_without_loading_again(tmp_path: Path) -> None:
    from tests.models.serving.served import CODE

    model = table_model(tmp_path / "m", code=SLOW_TO_LOAD + CODE)
    with served(model, tmp_path / "log") as server:
        before = pid_of_worker(server)
        begin = time.monotonic()
        os.kill(before, signal.SIGKILL)
        until(lambda: server.score(rows([1, 2])).status == 200)
        assert time.monotonic() - begin < 2.5, "the model was loaded anew"
        assert pid_of_worker(server) != before
        answer = server.score(rows([1, 2, "die"]))
        assert (answer.status, answer.headers["retry-after"]) == (503, "1")
        assert "SIGKILL" in answer.document["message"]
        (original,) = set(family(server)) - {pid_of_worker(server)}
        os.kill(original, signal.SIGKILL)  # the process that is copied
        assert server.score(rows([1, 2])).status == 200
        os.kill(pid_of_worker(server), signal.SIGKILL)
        until(lambda: server.score(rows([1, 2])).status == 200)
        metrics = server.ask("GET", "/metrics").body.decode()
        assert "mlproj_model_worker_restarts_total 3.0" in metrics


def test_under_load_a_killed_worker_costs_only_those_it_had(tmp_path: Path) -> None:
    with served(table_model(tmp_path / "m"), tmp_path / "log", "--workers", "2") as server:
        counted: Counter[int] = Counter()
        wrong: list[Any] = []
        stop = threading.Event()

        def keep_asking(number: int) -> None:
            while not stop.is_set():
                answer = server.score(rows([number, 1]))
                counted[answer.status] += 1
                if answer.status == 200 and answer.document["predictions"] != [number * 2 + 1]:
                    wrong.append(answer)

        threads = [threading.Thread(target=keep_asking, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for _ in range(5):
            time.sleep(0.2)
            os.kill(pid_of_worker(server), signal.SIGKILL)
            until(lambda: server.score(rows([1, 2])).status == 200)
        stop.set()
        for thread in threads:
            thread.join()
        assert not wrong
        assert set(counted) <= {200, 503}
        assert counted[503] < counted[200] / 5


def test_workers_share_the_memory_of_the_model(tmp_path: Path) -> None:
    with served(table_model(tmp_path / "m"), tmp_path / "log", "--workers", "3") as server:
        processes = [psutil.Process(pid) for pid in family(server)]
        (original,) = [one for one in processes if one.ppid() == server.process.pid]
        assert [one.ppid() for one in processes if one != original] == [original.pid] * 3


@pytest.mark.parametrize("code", [THREAD, HANGS_AS_A_COPY], ids=["thread", "hangs"])
def test_a_model_that_cannot_be_copied_is_loaded_by_each_worker_and_that_is_said_once(
    tmp_path: Path, code: str
) -> None:
    model = table_model(tmp_path / "m", code=code)
    with served(model, tmp_path / "log", "--workers", "2") as server:
        pids = {server.score(rows([1, 2])).document["predictions"][0] for _ in range(20)}
        processes = family(server)
        assert pids <= set(processes)
        assert [psutil.Process(pid).ppid() for pid in processes] == [server.process.pid] * 2
    assert (tmp_path / "log").read_text().count("cannot be copied") == 1


@pytest.mark.parametrize("busy", ["sleep 600", ""])
def test_no_worker_outlives_a_server_that_is_killed(tmp_path: Path, busy: str) -> None:
    model = table_model(tmp_path / "m")
    log = (tmp_path / "log").open("wb")
    with log, start("models", "serve", model, "--env-manager", "local", "--port", "0", stderr=log) as process:
        assert process.stdout is not None
        address = process.stdout.readline().decode().split(" at ")[1].split()[0]
        host, _, port = address.removeprefix("http://").partition(":")
        server = Server(process, host, int(port), tmp_path / "log")
        pids = family(server)
        asking = threading.Thread(target=lambda: server.score(rows([1, 2, busy])))
        asking.start()
        time.sleep(0.3)
        process.kill()
        asking.join()
        assert len(pids) == 2
        until(lambda: not any(map(is_alive, pids)), 10)


def test_sigterm_answers_what_was_asked_and_a_second_one_does_not_wait(tmp_path: Path) -> None:
    with served(table_model(tmp_path / "m"), tmp_path / "log") as server:
        answers: list[Any] = []
        asking = threading.Thread(target=lambda: answers.append(server.score(rows([1, 2, "sleep 1"]))))
        asking.start()
        time.sleep(0.4)
        pids = family(server)
        server.process.send_signal(signal.SIGTERM)
        asking.join()
        assert json.loads(answers[0].body) == {"predictions": [4.0]}
        server.process.wait(20)
        assert not any(map(is_alive, pids))
    with served(table_model(tmp_path / "n"), tmp_path / "log") as server:
        asking = threading.Thread(target=lambda: answers.append(server.score(rows([1, 2, "sleep 60"]))))
        asking.start()
        time.sleep(0.4)
        begin = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.4)
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(20)
        assert time.monotonic() - begin < 15
        asking.join()


def test_sigterm_while_the_model_loads_ends_at_once(tmp_path: Path) -> None:
    model = table_model(tmp_path / "m", code="import time\ntime.sleep(600)\n")
    with start("models", "serve", model, "--env-manager", "local", "--port", "0") as process:
        children = until(lambda: psutil.Process(process.pid).children())
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
        until(lambda: not any(is_alive(one.pid) for one in children), 5)
