"""The process that answers for a model: started by path with the model's Python, spoken to over a socket."""

from __future__ import annotations

import json
import signal
import socket
import sys
from pathlib import Path
from typing import Any

import pytest

from mlproj.models.scorer import frames
from mlproj.models.scorer.worker import Worker
from tests.models.scorer import workers
from tests.models.scorer.model_folder import write_model

JSON = "application/json"
A = {"inputs": [{"name": "a", "type": "double"}]}
ASKED = (JSON, b'{"inputs": {"a": [1.5]}}')


@pytest.fixture(scope="module")
def worker() -> Any:
    with workers.started(sys.executable) as started:
        yield started


def own_model(folder: Path, code: str, **files: str) -> dict[str, Any]:
    """A model whose loader is *code*; each on its own, as a process imports a module once."""
    spec = write_model(folder / "model", "seen", A)
    name = f"loader_{folder.name}"
    spec["mlmodel"]["flavors"]["python_function"]["loader_module"] = name
    for file, content in {name: code, **files}.items():
        (folder / "model" / "code" / f"{file}.py").write_text(content)
    return spec


PRINTING = """
import os, sys

class Model:
    def predict(self, data):
        print("from Python")
        os.write(1, b"from below Python")
        return data["a"].to_numpy()

def _load_pyfunc(path):
    return Model()
"""


def test_what_a_model_prints_is_not_taken_for_an_answer(worker: workers.Worker, tmp_path: Path) -> None:
    assert worker.load(own_model(tmp_path, PRINTING))["ok"]

    assert worker.ask(ASKED, ASKED) == [(200, JSON, b'{"predictions": [1.5]}')] * 2


def test_a_model_that_cannot_be_loaded_is_reported_and_another_can_be(worker: workers.Worker, tmp_path: Path) -> None:
    reply = worker.load(own_model(tmp_path, "raise ValueError('broken loader')"))

    assert reply["ok"] is False
    assert "broken loader" in reply["error"]
    assert reply["traceback"].startswith("Traceback")
    assert worker.load(write_model(tmp_path / "good", "sum", A))["ok"]
    assert worker.ask(ASKED) == [(200, JSON, b'{"predictions": [1.5]}')]


def test_loading_says_by_what_and_how_long(worker: workers.Worker, tmp_path: Path) -> None:
    reply = worker.load(write_model(tmp_path / "model", "sum", A))

    assert reply["loaded_by"]
    assert reply["seconds"] >= 0


OWN_NAMES = """
import errors, schema, frames

class Model:
    def predict(self, data):
        return [errors.MINE, schema.MINE, frames.MINE]

def _load_pyfunc(path):
    return Model()
"""


def test_a_model_may_have_modules_that_are_called_as_ours(tmp_path: Path) -> None:
    mine = dict.fromkeys(("errors", "schema", "frames"), "MINE = True")
    with workers.started(sys.executable) as started:
        assert started.load(own_model(tmp_path, OWN_NAMES, **mine))["ok"]

        assert started.ask(ASKED) == [(200, JSON, b'{"predictions": [true, true, true]}')]


SHARING = """
import os

class Model:
    def predict(self, data):
        return [os.getpid(), LOADED_IN]

def _load_pyfunc(path):
    global LOADED_IN
    LOADED_IN = os.getpid()
    return Model()
"""


def test_a_worker_that_has_loaded_copies_itself(tmp_path: Path) -> None:
    ours, its = socket.socketpair()
    watch_socket, its_watch_socket = socket.socketpair()
    with workers.started(sys.executable) as parent, ours, watch_socket:
        assert parent.load(own_model(tmp_path, SHARING))["ok"]
        frames.send(parent.connection, {"op": "fork"})
        with its, its_watch_socket:
            socket.send_fds(parent.connection, [b"x"], [its.fileno(), its_watch_socket.fileno()])
            reply, _ = frames.receive(parent.connection) or ({}, b"")
        pid = reply["pid"]
        child = workers.Worker(ours)
        answers = [json.loads(one.ask(ASKED)[0][2])["predictions"] for one in (child, parent)]
        assert answers == [[pid, answers[1][0]], [answers[1][0], answers[1][0]]]
        assert parent.send({"op": "reap", "pid": pid, "patience": 0})[0] == {"status": None}
        watch_socket.close()  # as when the server is gone, of whatever cause
        assert frames.receive(ours) is None
        assert parent.send({"op": "reap", "pid": pid, "patience": 10})[0] == {"status": int(signal.SIGIO)}
        assert parent.ask(ASKED)[0][0] == 200


def test_a_worker_whose_server_ended_before_the_answer_ends_in_peace() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        with ours:
            frames.send(ours, {"op": "load"}, b"{}")
        Worker(theirs, lambda _: None).serve()


def test_a_message_that_is_cut_off_is_no_message() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        with ours:
            ours.sendall(b"\0\0\0\2\0\0\0\5{}abc")
        with pytest.raises(EOFError):
            frames.receive(theirs)


def test_a_message_arrives_as_it_was_sent() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        frames.send(ours, {"op": "x", "sizes": [2, 3]}, b"ab", b"cde")
        header, body = frames.receive(theirs) or ({}, memoryview(b""))

    assert header == {"op": "x", "sizes": [2, 3]}
    assert frames.parts(body, header["sizes"]) == [b"ab", b"cde"]
