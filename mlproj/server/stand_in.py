"""Ports of this machine's loopback at which a run's own tracking server answers, because the project names them and
nothing listens there.

Each client is looked for among the processes: those of the run need no token, all others get 403. Several runs may name
the same port. They share one socket that listens: the run that accepts a connection passes it to the run that its
client is part of (see ``peer_runs``), and when a run ends the others still hold the socket.
"""

from __future__ import annotations

import os
import select
import socket
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from types import TracebackType

from mlproj.backends.connection_owner import runs_of
from mlproj.server import loopback_port, peer_runs

FREE, TAKEN, FORBIDDEN = "free", "taken", "forbidden"
"""What became of a port: it is ours to answer at, another server is there, or the system does not let us."""

Deliver = Callable[[socket.socket], None]

_READ = 0.05  # seconds that the request of a refused client has to arrive
_TRIES = 4
_REFUSAL = (
    b'{"error_code": "PERMISSION_DENIED", "message": "this port is answered for the processes of one mlproj run only"}'
)
_ANSWER = (
    b"HTTP/1.1 403 Forbidden\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s"
    % (
        len(_REFUSAL),
        _REFUSAL,
    )
)


class StandIn:
    """Listens between entering and leaving at those of *ports* that are free, and gives each connection of the run to
    *deliver*.

    With *always* a client counts as one of the run where the system does not tell whose it is. ``states`` says what
    became of each port, ``asked`` at which of them the run's programs came, ``refused`` how many others did.
    """

    def __init__(self, run_id: str, deliver: Deliver, *, always: bool = False) -> None:
        self.states: dict[int, str] = {}
        self.asked: set[int] = set()
        self.refused = 0
        self._run_id = run_id
        self._deliver = deliver
        self._always = always
        self._listeners: dict[int, list[socket.socket]] = {}
        self._lock = threading.Lock()
        self._peer_listener: socket.socket | None = None

    def __enter__(self) -> StandIn:
        self._wake_read, self._wake_write = os.pipe()
        self._is_stopped = False
        self._peer_listener = peer_runs.listener(self._run_id)
        self._thread = threading.Thread(target=self._run, name="mlproj-stand-in", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Close the ports, those apart that other runs hold as well, and return. Doing it again changes nothing."""
        if self._is_stopped:
            return
        self._is_stopped = True
        os.write(self._wake_write, b"!")
        self._thread.join()
        for each in (*self._all(), *([self._peer_listener] if self._peer_listener else [])):
            each.close()
        os.close(self._wake_write)
        os.close(self._wake_read)

    def open(self, ports: Iterable[int]) -> None:
        """Listen at those of *ports* that are free."""
        for port in ports:
            if port not in self.states:
                state, found = self._opened(port)
                with self._lock:
                    self.states[port], self._listeners[port] = state, found
        os.write(self._wake_write, b"!")

    def accept(self, connection: socket.socket) -> None:
        """Take a connection that is the run's for sure, such as one from its own network."""
        with suppress(OSError):
            self.asked.add(connection.getsockname()[1])
        self._deliver(connection)

    # Ports.

    def _opened(self, port: int) -> tuple[str, list[socket.socket]]:
        for _ in range(_TRIES):
            for peer in peer_runs.peers(self._run_id):
                if shared := peer_runs.listeners_of(peer, port):
                    return FREE, shared
            if loopback_port.is_answered(port):
                return TAKEN, []
            try:
                return FREE, loopback_port.listen(port)
            except PermissionError:
                return FORBIDDEN, []
            except OSError:  # another run was quicker; it is among the peers now
                time.sleep(_READ)
        return TAKEN, []

    def _all(self) -> list[socket.socket]:
        with self._lock:
            return [each for found in self._listeners.values() for each in found]

    # The thread.

    def _run(self) -> None:
        while not self._is_stopped:
            awaited: dict[int, Callable[[], None]] = {self._wake_read: self._drain_wake}
            for each in self._all():
                awaited[each.fileno()] = lambda each=each: self._accept(each)  # type: ignore[misc]
            if self._peer_listener:
                awaited[self._peer_listener.fileno()] = self._answer_peer
            poll = select.poll()
            for descriptor in awaited:
                poll.register(descriptor, select.POLLIN)
            for descriptor, _ in poll.poll():
                with suppress(OSError):
                    awaited[descriptor]()

    def _drain_wake(self) -> None:
        os.read(self._wake_read, 1 << 10)

    def _accept(self, listener: socket.socket) -> None:
        connection, _address = listener.accept()
        connection.setblocking(True)
        runs = runs_of(connection)
        if self._run_id in (runs or ()) or (runs is None and self._always):
            self.accept(connection)
        elif not any(peer_runs.hand_over(run_id, connection) for run_id in runs or ()):
            self.refused += 1
            _refuse(connection)

    def _answer_peer(self) -> None:
        """Serve another run of ours: hand it the sockets of a port, or take a connection that it accepted."""
        assert self._peer_listener is not None
        channel = peer_runs.accept(self._peer_listener)
        if channel is None:
            return
        with channel:
            request = peer_runs.read(channel)
            if request.port is not None:
                with self._lock:
                    shared = self._listeners.get(request.port, [])
                peer_runs.share(channel, shared)
            for connection in request.connections:
                if self._run_id in (runs_of(connection) or ()):
                    self.accept(connection)
                else:
                    _refuse(connection)


def _refuse(connection: socket.socket) -> None:
    with connection, suppress(OSError):
        connection.settimeout(_READ)
        with suppress(TimeoutError):  # what is not read would reset the connection before the answer is
            connection.recv(1 << 16)
        connection.sendall(_ANSWER)
        connection.shutdown(socket.SHUT_RDWR)
