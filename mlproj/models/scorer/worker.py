"""The loop of a worker: loads a model and answers the messages of the server, until that closes the connection."""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import signal
import socket
import sys
import time
import traceback
import warnings
from typing import Any, Callable, Dict, List, Tuple

from . import frames, imported
from .example_form import stored_example
from .schema import Signature, parse_signature
from .scorer import Answer, Request, Scorer
from .table.job import TableJob
from .threads import may_be_copied
from .watch_socket import end_with, received

Reply = Tuple[Dict[str, Any], List[bytes]]


class Worker:
    """Serves one connection; *load* makes a predictor of a model's specification."""

    def __init__(self, connection: socket.socket, load: Callable[[dict[str, Any]], Any]) -> None:
        self._connection = connection
        self._load = load
        self._scorer: Scorer | None = None
        self._new_job: Callable[[dict[str, Any]], TableJob] | None = None
        self._job: TableJob | None = None
        self._operations: dict[str, Callable[[dict[str, Any], memoryview], Reply]] = {
            "load": lambda _, body: self._load_model(body),
            "invoke": self._invoke,
            "predict": self._predict,
            "imported": lambda _header, _body: ({"files": imported.files()}, []),
            "fork": lambda _header, _body: self._fork(),
            "reap": lambda header, _: self._reap(header["pid"], header["patience"]),
        }

    def serve(self) -> None:
        """Answers each message in order."""
        while True:
            message = frames.receive(self._connection)
            if message is None:
                return
            header, body = message
            reply, bodies = self._operations[header["op"]](header, body)
            try:
                frames.send(self._connection, reply, *bodies)
            except (BrokenPipeError, ConnectionResetError):  # the server ended meanwhile
                return

    def _load_model(self, body: memoryview) -> Reply:
        start = time.perf_counter()
        try:
            spec = json.loads(bytes(body))
            predictor = self._load(spec)
            example = stored_example(spec["folder"], spec["mlmodel"])
            signature = parse_signature(spec["mlmodel"])
            _import_tables(signature)
            self._scorer = Scorer(signature, predictor, spec.get("options"), example)
            self._new_job = lambda options: TableJob(signature, predictor, example, options)
        except Exception as error:
            return {"ok": False, "error": _short(error), "traceback": traceback.format_exc()}, []
        seconds = time.perf_counter() - start
        reply = {"ok": True, "loaded_by": predictor.loaded_by, "seconds": seconds, "copies": may_be_copied()}
        return reply, []

    def _invoke(self, header: dict[str, Any], body: memoryview) -> Reply:
        items = header["items"]
        bodies = frames.parts(body, [item["size"] for item in items])
        requests = [Request(item.get("type"), part, item.get("form")) for item, part in zip(items, bodies)]
        assert self._scorer is not None, "no model was loaded"
        answers = self._scorer.answer(requests)
        return {"items": [_head(answer) for answer in answers]}, [answer.body for answer in answers]

    def _predict(self, header: dict[str, Any], body: memoryview) -> Reply:
        """The answer to a portion of a file; the first portion says what is wanted, in `job`."""
        if "job" in header:
            assert self._new_job is not None, "no model was loaded"
            self._job = self._new_job(header["job"])
        assert self._job is not None, "no job was begun"
        return self._job.answer(header, body)

    def _fork(self) -> Reply:
        """A copy of this process, which shares its memory, serves a connection of its own: the first of two sockets
        that come after the message; the second is its watch_socket.

        To be asked before the first prediction: the threads that libraries then start are not in the copy.
        """
        connection, watch_socket = received(self._connection, 2)
        gc.freeze()  # so that collections do not write to what is shared
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # of threads: the server tries whether the copy works
            pid = os.fork()
        if pid:
            connection.close()
            watch_socket.close()
            return {"ok": True, "pid": pid}, []
        self._connection.close()
        self._connection = connection
        code = 1
        try:
            os.setsid()
            end_with(watch_socket)
            self.serve()
            code = 0
        finally:  # nothing of the parent's is to be cleaned up by its copy
            if code:
                traceback.print_exc()
            sys.stderr.flush()
            os._exit(code)

    def _reap(self, pid: int, patience: float) -> Reply:
        """How the copy *pid* ended, as a wait status; null if it does not within *patience* seconds."""
        end = time.monotonic() + patience
        while True:
            found, status = os.waitpid(pid, os.WNOHANG)
            if found or time.monotonic() >= end:
                return {"status": status if found else None}, []
            time.sleep(0.002)


def _import_tables(signature: Signature) -> None:
    """What reading a request takes, so that the first one need not wait for it, and copies of this process share it."""
    if signature.inputs is not None:
        with contextlib.suppress(ImportError):  # a model of plain Python
            importlib.import_module("pandas")


def _head(answer: Answer) -> dict[str, Any]:
    head = {"status": answer.status, "type": answer.type, "size": len(answer.body), "rows": answer.rows}
    return {**head, "headers": answer.headers} if answer.headers else head


def _short(error: Exception) -> str:
    return str(error) if type(error).__name__ == "LoadingError" else f"{type(error).__name__}: {error}"


def main(descriptor: int, watch_socket: int | None = None) -> None:
    """Serves the socket with this descriptor; what the model prints goes to the standard error."""
    from .loading import load

    sys.stdout.flush()
    os.dup2(2, 1)
    # As in MLflow's server: models with type hints then read dates and bytes from text.
    os.environ["_MLFLOW_IS_IN_SERVING_ENVIRONMENT"] = "true"
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal; the server ends its workers itself
    held = None if watch_socket is None else socket.socket(fileno=watch_socket)
    if held is not None:
        end_with(held)
    Worker(socket.socket(fileno=descriptor), load).serve()
