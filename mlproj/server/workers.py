"""Several processes that serve one socket, for machines with processors to spare.

The first process listens and starts the others, which inherit the socket. What ties them to it is their standard input:
it brings what is to be served, and when it ends, because the first process ends or is killed, they end too.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from types import FrameType

from mlproj.foundation import process
from mlproj.foundation.errors import ServiceError
from mlproj.server.serving import Service, opened, serve

_PATIENCE = 40.0  # seconds until a worker that was asked to end is killed
_TOO_SOON = 5.0  # seconds; a worker that ends sooner, not killed by anybody, will do so again


class _Ended(Exception):
    """The supervisor was told to end."""


def supervise(service: Service, listening: socket.socket, count: int, ready: Callable[[], object]) -> None:
    """Serve with *count* workers until SIGTERM or SIGINT. Raises UsageError, ServiceError when they cannot."""
    with opened(service):  # once here, where an error can be shown
        pass
    workers: list[_Worker] = []
    before = [(number, signal.signal(number, _end)) for number in (signal.SIGINT, signal.SIGTERM)]
    try:
        workers += [_Worker(service, listening) for _ in range(count)]
        for worker in workers:
            worker.wait_until_ready()
        ready()
        while True:
            _replace_ended(workers, service, listening)
    except _Ended:
        pass
    finally:
        for number, _ in before:
            signal.signal(number, signal.SIG_IGN)
        listening.close()
        for worker in workers:
            worker.end()
        for worker in workers:
            worker.wait()
        for number, handler in before:
            signal.signal(number, handler)


def _end(_number: int, _frame: FrameType | None) -> None:
    raise _Ended


def _replace_ended(workers: list[_Worker], service: Service, listening: socket.socket) -> None:
    """Wait until a worker ends, and start another one."""
    select.select([worker.output for worker in workers], [], [])
    for index, worker in enumerate(workers):
        if worker.process.poll() is not None or select.select([worker.output], [], [], 0)[0]:
            worker.end()
            worker.wait()
            code = worker.process.returncode
            if code >= 0 and time.monotonic() - worker.started < _TOO_SOON:
                raise ServiceError(f"a worker ended with code {code} as soon as it had started")
            workers[index] = _Worker(service, listening)
            workers[index].wait_until_ready()


class _Worker:
    def __init__(self, service: Service, listening: socket.socket) -> None:
        descriptor = listening.fileno()
        argv = [sys.executable, "-m", "mlproj.server.workers", str(descriptor)]
        self.started = time.monotonic()
        self.process = process.start(argv, stdin=subprocess.PIPE, stderr=None, pass_fds=[descriptor])
        assert self.process.stdin is not None and self.process.stdout is not None
        self.output = self.process.stdout
        self._input = self.process.stdin
        self._input.write(json.dumps(asdict(service)).encode() + b"\n")
        self._input.flush()

    def wait_until_ready(self) -> None:
        """Return when it would answer. Raises ServiceError when it ends instead."""
        if self.output.readline() != b"ready\n":
            raise ServiceError(f"a worker ended with code {self.process.wait()} before it was ready")

    def end(self) -> None:
        """Ask it to end."""
        if not self._input.closed:
            self._input.close()

    def wait(self) -> None:
        """Until it has ended; one that does not is killed."""
        try:
            self.process.wait(_PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill_group(self.process)
        self.output.close()


def _work(descriptor: int) -> None:
    service = Service(**json.loads(sys.stdin.buffer.readline()))
    with socket.socket(fileno=descriptor) as listening:
        serve(service, listening, _tell_ready, _watch_input)


def _tell_ready() -> None:
    sys.stdout.write("ready\n")
    sys.stdout.flush()


def _watch_input(end: Callable[[], None]) -> None:
    def watch() -> None:
        while os.read(sys.stdin.fileno(), 1024):
            pass
        end()

    threading.Thread(target=watch, daemon=True).start()


if __name__ == "__main__":
    _work(int(sys.argv[1]))
