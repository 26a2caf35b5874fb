"""A process in a model's environment that loads the model and answers, over a socket of its own."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple, TypeVar

from mlproj.environments.base import Prepared
from mlproj.foundation import process
from mlproj.foundation.dataclass import dataclass
from mlproj.foundation.errors import EnvironmentFailure, InvalidProject, ServiceError
from mlproj.models import environment, scorer
from mlproj.models.scorer import frames

Itself = TypeVar("Itself", bound="Worker")

_LAUNCHER = Path(scorer.__file__).with_name("launch.py")
# What a worker has no use for, and the code of a model should not find.
_OURS = ("MLPROJ_TOKEN", "MLFLOW_TRACKING_TOKEN", "MLFLOW_TRACKING_PASSWORD", "MLFLOW_RUN_ID")
_OLDEST_PYTHON = (3, 7)  # that reads the files of the scorer
_GRACE = 2.0  # seconds from SIGTERM to SIGKILL


@dataclass(frozen=True)
class Loaded:
    """How a worker loaded its model: by which code, and in how many ``seconds``; ``copies``: it may be copied."""

    loaded_by: str
    seconds: float
    copies: bool = True


class Answer(NamedTuple):
    """What a worker says to one request: as an HTTP status, its content type and body. ``rows`` were asked for."""

    status: int
    type: str
    body: bytes
    rows: int = 0
    headers: tuple[tuple[bytes, bytes], ...] = ()


class NotLoaded(InvalidProject):
    """A model that its environment cannot load; ``traceback`` is Python's, for who wants to know more."""

    traceback = ""


class WorkerGone(ServiceError):
    """The worker ended, or was ended, before it answered."""


class Worker(ABC):
    """A worker; ``connection`` is our end of its socket. One message is asked and answered at a time.

    When *watch_socket* is closed, by :meth:`end` or because we are gone, it ends whatever it is doing.
    """

    def __init__(self, pid: int, connection: socket.socket, watch_socket: socket.socket) -> None:
        self.pid = pid
        """The number of the process, whose group it leads."""
        self.connection = connection
        self.watch_socket = watch_socket

    def load(self, spec: Mapping[str, Any]) -> Loaded:
        """Have it load the model of *spec*. Raises NotLoaded, WorkerGone."""
        return loaded(self.ask({"op": "load"}, json.dumps(spec).encode())[0])

    def invoke(self, requests: Sequence[tuple[str | None, bytes]]) -> list[Answer]:
        """The answers to *requests*, each a content type and a body, in order. Raises WorkerGone."""
        header, body = self.ask(invocation(requests), *(content for _type, content in requests))
        return answers(header, body)

    def ask(self, header: Mapping[str, Any], *bodies: bytes) -> frames.Message:
        """What it answers to one message. Raises WorkerGone."""
        try:
            frames.send(self.connection, dict(header), *bodies)
            answer = frames.receive(self.connection)
        except (OSError, EOFError):
            answer = None
        if answer is None:
            raise WorkerGone(f"the model's process {self.how_it_ended()}")
        return answer

    def how_it_ended(self) -> str:
        """In words, after its connection was closed; waits for the process to be gone."""
        code = self._wait(_GRACE)
        if code is None:
            self.end()
            return "stopped answering, and was ended"
        if code < 0:
            name = signal.Signals(-code).name if -code in set(signal.Signals) else f"signal {-code}"
            killed = " (the system may have run out of memory)" if code == -signal.SIGKILL else ""
            return f"was ended by {name}{killed}"
        return f"ended with code {code}"

    def kill(self) -> None:
        """End the process at once, whatever it is doing."""
        self._signal(signal.SIGKILL)

    def end(self) -> None:
        """Close the connection and end the process and all that it started."""
        self.connection.close()
        self._signal(signal.SIGTERM)
        if self._wait(_GRACE) is None:
            self._signal(signal.SIGKILL)
            self._wait(_GRACE)
        else:
            self._signal(signal.SIGKILL)  # what it left behind in its group
        self.watch_socket.close()

    @abstractmethod
    def _wait(self, patience: float) -> int | None:
        """Its exit code, negative for a signal; None if it does not end within *patience* seconds."""

    def _signal(self, number: int) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.pid, number)

    def __enter__(self: Itself) -> Itself:
        return self

    def __exit__(self, *_error: object) -> None:
        self.end()


class WorkerProcess(Worker):
    """A worker that was started here."""

    def __init__(
        self, started: subprocess.Popen[bytes], connection: socket.socket, watch_socket: socket.socket
    ) -> None:
        super().__init__(started.pid, connection, watch_socket)
        self._process = started

    @property
    def is_alive(self) -> bool:
        """Whether the process has not ended."""
        return self._process.poll() is None

    def _wait(self, patience: float) -> int | None:
        try:
            return self._process.wait(patience)
        except subprocess.TimeoutExpired:
            return None


def start(prepared: Prepared, *, cwd: Path | None = None, stderr: IO[bytes] | int | None = None) -> WorkerProcess:
    """A worker in the environment *prepared*, which has loaded nothing yet. What the model prints goes to *stderr*,
    None: to ours. Raises EnvironmentFailure, ServiceError."""
    if prepared.container_runtime is not None:
        raise EnvironmentFailure("a model is asked in an environment of this machine, and this one is a container")
    if prepared.python and tuple(map(int, prepared.python.split(".")[:2])) < _OLDEST_PYTHON:
        raise EnvironmentFailure(
            f"the model's environment has Python {prepared.python}, and models are loaded by Python 3.7 or later",
            hint="--env-manager local uses the Python and packages that are there, which may read the model as well",
        )
    ours, its = socket.socketpair()
    watch_socket, its_watch_socket = socket.socketpair()
    with its, its_watch_socket:
        try:
            started = process.start(
                [environment.interpreter(prepared), "-u", _LAUNCHER, str(its.fileno()), str(its_watch_socket.fileno())],
                cwd=cwd,
                env=_variables(prepared),
                stdout=None if stderr is None else subprocess.DEVNULL,
                stderr=stderr if stderr is None or isinstance(stderr, int) else stderr.fileno(),
                pass_fds=(its.fileno(), its_watch_socket.fileno()),
            )
        except BaseException:
            ours.close()
            watch_socket.close()
            raise
    return WorkerProcess(started, ours, watch_socket)


def invocation(requests: Sequence[tuple[str | None, bytes]]) -> dict[str, Any]:
    """The header of the message that asks *requests*, each a content type and a body."""
    return {"op": "invoke", "items": [{"type": kind, "size": len(body)} for kind, body in requests]}


def answers(header: Mapping[str, Any], body: memoryview) -> list[Answer]:
    """The answers in a worker's message."""
    items = header["items"]
    bodies = frames.parts(body, [item["size"] for item in items])
    return [
        Answer(item["status"], item["type"], content, item.get("rows", 0), _headers(item))
        for item, content in zip(items, bodies, strict=True)
    ]


def _headers(item: Mapping[str, Any]) -> tuple[tuple[bytes, bytes], ...]:
    return tuple((name.encode(), value.encode()) for name, value in item.get("headers", {}).items())


def loaded(header: Mapping[str, Any]) -> Loaded:
    """What a worker says of having loaded. Raises NotLoaded with its reason when it could not."""
    if header.get("ok"):
        return Loaded(str(header["loaded_by"]), float(header["seconds"]), header.get("copies") is True)
    error = NotLoaded(f"the model cannot be loaded: {header.get('error')}", hint=header.get("hint"))
    error.traceback = str(header.get("traceback") or "")
    raise error


def _variables(prepared: Prepared) -> dict[str, str]:
    variables = prepared.apply(os.environ)
    return {name: value for name, value in variables.items() if name not in _OURS}
