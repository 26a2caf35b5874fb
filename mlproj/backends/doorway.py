"""From a socket in a sandbox's network to a port in ours, and nowhere else: how a confined program reaches its tracking server."""

from __future__ import annotations

import os
import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from types import TracebackType

_BLOCK = 1 << 16
_HOST = "127.0.0.1"
_PATIENCE = 10.0  # seconds


class Doorway:
    """Passes connections on to *port* of this machine between entering and leaving.

    ``descriptor`` is for the sandbox's first program, which sends the socket that it listens at through it.
    """

    def __init__(self, port: int) -> None:
        self.port = port

    def __enter__(self) -> Doorway:
        self._ours, self._theirs = socket.socketpair()
        self._over, self._tell_over = os.pipe()  # readable at the end, when nobody holds the other side any more
        self.descriptor = self._theirs.fileno()
        self._thread = threading.Thread(target=self._attend, name="mlproj-doorway", daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        os.close(self._tell_over)
        self._thread.join()
        self._ours.close()
        self._theirs.close()
        os.close(self._over)

    def _attend(self) -> None:
        """Wait for the sandbox's socket, then for connections; each has a thread of its own."""
        passing: list[threading.Thread] = []
        if self._ours.fileno() not in self._ready(self._ours):
            return
        _message, descriptors, _flags, _address = socket.recv_fds(self._ours, 1, 1)
        if not descriptors:
            return
        with socket.socket(fileno=descriptors[0]) as door:
            door.setblocking(False)
            is_open = True
            while is_open:
                is_open = self._over not in self._ready(door)
                for caller in _callers(door):  # those, too, who knocked just before the end
                    thread = threading.Thread(target=self._pass_on, args=(caller,), name="mlproj-doorway-caller", daemon=True)
                    thread.start()
                    passing = [*(each for each in passing if each.is_alive()), thread]
        deadline = time.monotonic() + _PATIENCE
        for thread in passing:  # everybody in the sandbox is gone, and what they sent is passed on
            thread.join(max(0.0, deadline - time.monotonic()))

    def _ready(self, awaited: socket.socket) -> set[int]:
        """Wait for *awaited* or the end; which of them there is, perhaps both."""
        poll = select.poll()
        poll.register(awaited, select.POLLIN)
        poll.register(self._over, select.POLLIN)
        return {descriptor for descriptor, _ in poll.poll()}

    def _pass_on(self, caller: socket.socket) -> None:
        with caller, suppress(OSError), socket.create_connection((_HOST, self.port)) as server:
            other = {caller.fileno(): (caller, server), server.fileno(): (server, caller)}
            poll = select.poll()
            for descriptor in other:
                poll.register(descriptor, select.POLLIN)
            while other:
                for descriptor, _ in poll.poll():
                    source, target = other[descriptor]
                    if data := source.recv(_BLOCK):
                        target.sendall(data)
                    else:
                        poll.unregister(descriptor)
                        del other[descriptor]
                        target.shutdown(socket.SHUT_WR)


def _callers(door: socket.socket) -> Iterator[socket.socket]:
    """Those who wait at the door now. One who has left again, or whom there is no file for, is passed over."""
    with suppress(OSError):
        while True:
            caller, _address = door.accept()
            caller.setblocking(True)
            yield caller
