"""Copies of a worker: processes that share the memory of the one that loaded the model, and start in milliseconds."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Mapping
from typing import Any

from mlproj.models.scorer import frames
from mlproj.models.scoring.worker_process import Worker, WorkerGone, WorkerProcess


class Original:
    """A worker that has loaded a model, and only makes copies of itself."""

    def __init__(self, worker: WorkerProcess) -> None:
        self.worker = worker
        self._one_at_a_time = threading.Lock()

    def copy(self) -> CopiedProcess:
        """A new copy. Raises WorkerGone."""
        ours, its = socket.socketpair()
        watch_socket, its_watch_socket = socket.socketpair()
        try:
            with its, its_watch_socket, self._one_at_a_time:
                frames.send(self.worker.connection, {"op": "fork"})
                socket.send_fds(self.worker.connection, [b"\0"], [its.fileno(), its_watch_socket.fileno()])
                answer = frames.receive(self.worker.connection)
        except (OSError, EOFError):
            answer = None
        if answer is None:
            ours.close()
            watch_socket.close()
            raise WorkerGone(f"the process that loaded the model {self.worker.how_it_ended()}")
        return CopiedProcess(answer[0]["pid"], ours, watch_socket, self)

    def reap(self, pid: int, patience: float) -> int | None:
        """The wait status of a copy; None if it does not end within *patience* seconds.

        Raises WorkerGone, when its copies are nobody's to wait for.
        """
        end = time.monotonic() + patience
        while True:
            with self._one_at_a_time:
                answer = self._asked({"op": "reap", "pid": pid, "patience": 0.02})
            if answer["status"] is not None or time.monotonic() >= end:
                status: int | None = answer["status"]
                return status

    def _asked(self, header: Mapping[str, Any]) -> dict[str, Any]:
        if not self.worker.is_alive:
            raise WorkerGone("the process that loaded the model is gone")
        return self.worker.ask(header)[0]


class CopiedProcess(Worker):
    """A copy; *original* waits for it, and until then nothing else gets its number."""

    def __init__(self, pid: int, connection: socket.socket, watch_socket: socket.socket, original: Original) -> None:
        super().__init__(pid, connection, watch_socket)
        self._original = original
        self._code: int | None = None

    def _wait(self, patience: float) -> int | None:
        if self._code is None:
            try:
                status = self._original.reap(self.pid, patience)
            except WorkerGone:
                return self._wait_without(patience)
            self._code = None if status is None else os.waitstatus_to_exitcode(status)
        return self._code

    def _wait_without(self, patience: float) -> int | None:
        """An orphan: if it is not ours by now, nobody tells how it ended."""
        end = time.monotonic() + patience
        while self._code is None and time.monotonic() < end:
            try:
                found, status = os.waitpid(self.pid, os.WNOHANG)
                self._code = os.waitstatus_to_exitcode(status) if found else None
            except ChildProcessError:
                self._code = None if _exists(self.pid) else 0
            time.sleep(0.01)
        return self._code

    def _signal(self, number: int) -> None:
        if self._code is None:
            super()._signal(number)


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, PermissionError):
        return False
    return True
