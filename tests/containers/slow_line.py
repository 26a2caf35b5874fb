"""A registry behind a slow line: what it sends stops half-way until it is let go on."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress


class SlowLine:
    """Passes connections on to *port* of this machine, and after *before* bytes of answers in all nothing, until
    :meth:`go_on`.

    ``stopped`` is set when that has happened.
    """

    def __init__(self, port: int, before: int) -> None:
        self._port = port
        self._left = before
        self._counting = threading.Lock()
        self._free = threading.Event()
        self.stopped = threading.Event()

    def __enter__(self) -> SlowLine:
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._server.getsockname()[1]
        threading.Thread(target=self._attend, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.go_on()
        self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()

    def go_on(self) -> None:
        """Let everything pass."""
        self._free.set()

    def _attend(self) -> None:
        with suppress(OSError):
            while True:
                caller, _address = self._server.accept()
                threading.Thread(target=self._pass_on, args=(caller,), daemon=True).start()

    def _pass_on(self, caller: socket.socket) -> None:
        with caller, socket.create_connection(("127.0.0.1", self._port)) as registry:
            asking = threading.Thread(target=self._copy, args=(caller, registry), daemon=True)
            asking.start()
            self._copy(registry, caller, is_answer=True)
            asking.join()

    def _copy(self, source: socket.socket, target: socket.socket, *, is_answer: bool = False) -> None:
        with suppress(OSError):
            while block := source.recv(1 << 14):
                if is_answer:
                    self._wait(len(block))
                target.sendall(block)
        for end in (source, target):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def _wait(self, size: int) -> None:
        with self._counting:
            self._left -= size
        if self._left < 0:
            self.stopped.set()
            self._free.wait(60)
