"""From a socket in a sandbox's network to a port in ours, and nowhere else: how a confined program reaches its tracking
server."""

from __future__ import annotations

import os
import select
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import TracebackType

_BLOCK = 1 << 16
_HOST = "127.0.0.1"
_PATIENCE = 10.0  # seconds
_MOST_LISTENERS = 64
_BROKEN = select.POLLHUP | select.POLLERR | select.POLLNVAL


class SocketForwarder:
    """Passes connections on to *port* of this machine between entering and leaving.

    ``descriptor`` is for the sandbox's first program, which sends the sockets that it listens at through it.
    ``was_opened`` tells whether any were sent. Connections to those at other ports than *port* are given to *accept*.
    """

    def __init__(self, port: int, accept: Callable[[socket.socket], None] | None = None) -> None:
        self.port = port
        self.was_opened = False
        self._accept = accept

    def __enter__(self) -> SocketForwarder:
        self._own_end, self._sandbox_end = socket.socketpair()
        self.descriptor = self._sandbox_end.fileno()
        self._begin()
        return self

    def _begin(self) -> None:
        self._threads: list[threading.Thread] = []
        self._stop_read, self._stop_write = os.pipe()  # readable at the end, when the other side is closed
        self._thread = threading.Thread(target=self._run, name="mlproj-socket-forwarder", daemon=True)
        self._thread.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._stop_write)
        self._thread.join()
        self._close()
        os.close(self._stop_read)

    def _close(self) -> None:
        self._own_end.close()
        self._sandbox_end.close()

    def _run(self) -> None:
        """Wait for the sandbox's sockets, then for connections; each that is passed on has a thread of its own."""
        listeners = self._listeners()
        if not listeners:
            return
        self.was_opened = True
        with ExitStack() as closing:
            for listener in listeners:
                closing.enter_context(listener)
            self._accept_at(listeners)
        deadline = time.monotonic() + _PATIENCE
        for thread in self._threads:  # all processes of the sandbox have ended, and what they sent is forwarded
            thread.join(max(0.0, deadline - time.monotonic()))

    def _accept_at(self, listeners: list[socket.socket]) -> None:
        while listeners:
            ready = self._ready(*listeners)
            for listener in listeners:
                for client in _waiting_clients(listener):  # also those that connected just before the end
                    self._serve(client, listener)
            if self._stop_read in ready:
                return
            listeners = [listener for listener in listeners if not ready.get(listener.fileno(), 0) & _BROKEN]

    def _serve(self, client: socket.socket, listener: socket.socket) -> None:
        if self._accept and listener.getsockname()[1] != self.port:
            self._accept(client)
            return
        thread = threading.Thread(target=self._forward, args=(client,), name="mlproj-forwarded-connection", daemon=True)
        thread.start()
        self._threads = [*(each for each in self._threads if each.is_alive()), thread]

    def _listeners(self) -> list[socket.socket]:
        """The sandbox's sockets; none when the run ends before there are any."""
        return self._received(self._own_end)

    def _received(self, connection: socket.socket) -> list[socket.socket]:
        if connection.fileno() not in self._ready(connection):
            return []
        _message, descriptors, _flags, _address = socket.recv_fds(connection, 1, _MOST_LISTENERS)
        return _listening(descriptors)

    def _ready(self, *awaited: socket.socket) -> dict[int, int]:
        """Wait for one of *awaited* or the end; which of them there is, perhaps all, each with its events."""
        poll = select.poll()
        for each in awaited:
            poll.register(each, select.POLLIN)
        poll.register(self._stop_read, select.POLLIN)
        return dict(poll.poll())

    def _forward(self, client: socket.socket) -> None:
        with client, suppress(OSError), socket.create_connection((_HOST, self.port)) as server:
            other = {client.fileno(): (client, server), server.fileno(): (server, client)}
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


class MountedSocketForwarder(SocketForwarder):
    """A forwarder for a first program that can be handed no descriptor, but sees the socket *at* in some place of its
    own.

    The first program that connects there sends its sockets, and the place is free again. Raises OSError when none can
    be made there.
    """

    def __init__(self, port: int, at: Path, accept: Callable[[socket.socket], None] | None = None) -> None:
        super().__init__(port, accept)
        self._at = at

    def __enter__(self) -> MountedSocketForwarder:
        self._mounted = socket.socket(socket.AF_UNIX)
        try:
            _bind(self._mounted, self._at)
            self._at.chmod(
                0o666
            )  # in whatever numbers users are counted there; its folder keeps others of this machine out
            self._mounted.listen(1)
        except BaseException:
            self._mounted.close()
            raise
        self._begin()
        return self

    def _close(self) -> None:
        self._mounted.close()
        self._at.unlink(missing_ok=True)

    def _listeners(self) -> list[socket.socket]:
        if self._mounted.fileno() not in self._ready(self._mounted):
            return []
        connection, _address = self._mounted.accept()
        self._at.unlink(missing_ok=True)
        with connection, suppress(OSError):
            return self._received(connection)
        return []


def _bind(listener: socket.socket, at: Path) -> None:
    """The address of a socket is short (108 bytes on Linux), and that of a folder may not be."""
    if sys.platform != "linux":
        listener.bind(str(at))
        return
    folder = os.open(at.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        listener.bind(f"/proc/self/fd/{folder}/{at.name}")
    finally:
        os.close(folder)


def _listening(descriptors: Sequence[int]) -> list[socket.socket]:
    """Those of *descriptors* that are listening sockets; what sends them need not be ours, so others are closed."""
    listeners: list[socket.socket] = []
    for descriptor in descriptors:
        try:
            listener = socket.socket(fileno=descriptor)
        except OSError:
            os.close(descriptor)
            continue
        try:
            is_listener = bool(listener.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
        except OSError:
            is_listener = False
        if is_listener and listener.family in (socket.AF_INET, socket.AF_INET6):
            listener.setblocking(False)
            listeners.append(listener)
        else:
            listener.close()
    return listeners


def _waiting_clients(listener: socket.socket) -> Iterator[socket.socket]:
    """The connections that wait at *listener* now. One that has gone, or that there is no descriptor for, is
    skipped."""
    with suppress(OSError):
        while True:
            client, _address = listener.accept()
            client.setblocking(True)
            yield client
