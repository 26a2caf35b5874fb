"""Ports of this machine's loopback at which a run's own tracking server answers, because the project names them and
nobody is there.

Whoever connects is looked for among the processes: those of the run need no token, all others get 403. Several runs may
name the same port. They share one socket that listens: whoever accepts a connection passes it to the run that its
client is part of, and when a run ends the others still hold the socket. They find each other by sockets with names in
the kernel (unix(7), abstract), which live as long as their processes do and are of one network, as ports are.
"""

from __future__ import annotations

import os
import select
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from types import TracebackType

from mlproj.backends.connection_owner import runs_of

FREE, TAKEN, FORBIDDEN = "free", "taken", "forbidden"
"""What became of a port: it is ours to answer at, somebody else's server is there, or the system does not let us."""

Deliver = Callable[[socket.socket], None]

_HOSTS = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))
_BACKLOG = 128
_PATIENCE = 2.0  # seconds that another run has to answer
_PROBE = 0.25  # seconds that a server on this machine has to accept
_READ = 0.05  # seconds that the request of who is refused has to arrive
_TRIES = 4
_CREDENTIALS = 12  # bytes: pid, uid, gid
_ASK, _HAND = b"L", b"C"
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
        self._entrance: socket.socket | None = None

    def __enter__(self) -> StandIn:
        self._wake, self._tell = os.pipe()
        self._is_over = False
        self._entrance = _entrance(self._run_id)
        self._thread = threading.Thread(target=self._attend, name="mlproj-stand-in", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """Close the ports, those apart that other runs hold as well, and return. Doing it again changes nothing."""
        if self._is_over:
            return
        self._is_over = True
        os.write(self._tell, b"!")
        self._thread.join()
        for each in (*self._all(), *([self._entrance] if self._entrance else [])):
            each.close()
        os.close(self._tell)
        os.close(self._wake)

    def open(self, ports: Iterable[int]) -> None:
        """Listen at those of *ports* that are free."""
        for port in ports:
            if port not in self.states:
                state, found = self._opened(port)
                with self._lock:
                    self.states[port], self._listeners[port] = state, found
        os.write(self._tell, b"!")

    def accept(self, connection: socket.socket) -> None:
        """Take a connection that is the run's for sure, such as one from its own network."""
        with suppress(OSError):
            self.asked.add(connection.getsockname()[1])
        self._deliver(connection)

    # Ports.

    def _opened(self, port: int) -> tuple[str, list[socket.socket]]:
        for _ in range(_TRIES):
            for peer in _peers(self._run_id):
                if shared := _shared_by(peer, port):
                    return FREE, shared
            if any(_answers(family, host, port) for family, host in _HOSTS):
                return TAKEN, []
            try:
                return FREE, _listening(port)
            except PermissionError:
                return FORBIDDEN, []
            except OSError:  # another run was quicker; it is among the peers now
                time.sleep(_READ)
        return TAKEN, []

    def _all(self) -> list[socket.socket]:
        with self._lock:
            return [each for found in self._listeners.values() for each in found]

    # The thread.

    def _attend(self) -> None:
        while not self._is_over:
            awaited: dict[int, Callable[[], None]] = {self._wake: self._woken}
            for each in self._all():
                awaited[each.fileno()] = lambda each=each: self._accept(each)  # type: ignore[misc]
            if self._entrance:
                awaited[self._entrance.fileno()] = self._answer_peer
            poll = select.poll()
            for descriptor in awaited:
                poll.register(descriptor, select.POLLIN)
            for descriptor, _ in poll.poll():
                with suppress(OSError):
                    awaited[descriptor]()

    def _woken(self) -> None:
        os.read(self._wake, 1 << 10)

    def _accept(self, listener: socket.socket) -> None:
        connection, _address = listener.accept()
        connection.setblocking(True)
        runs = runs_of(connection)
        if self._run_id in (runs or ()) or (runs is None and self._always):
            self.accept(connection)
        elif not any(_hand_over(run_id, connection) for run_id in runs or ()):
            self.refused += 1
            _refuse(connection)

    def _answer_peer(self) -> None:
        """Serve another run of ours: hand it the sockets of a port, or take a connection that it accepted."""
        assert self._entrance is not None
        way, _address = self._entrance.accept()
        with way:
            way.settimeout(_PATIENCE)
            if not _is_ours(way):
                return
            message, descriptors, _flags, _ = socket.recv_fds(way, 16, 1)
            received = [socket.socket(fileno=each) for each in descriptors]
            if message[:1] == _ASK and message[1:].isdigit():
                with self._lock:
                    found = [each.fileno() for each in self._listeners.get(int(message[1:]), ())]
                socket.send_fds(way, [b"!"], found)
            for connection in received:
                connection.setblocking(True)
                if message[:1] == _HAND and self._run_id in (runs_of(connection) or ()):
                    self.accept(connection)
                else:
                    _refuse(connection)


def _listening(port: int) -> list[socket.socket]:
    """Sockets that listen at *port* of the loopback's addresses, IPv4 first. Raises OSError when one is taken."""
    found: list[socket.socket] = []
    try:
        for family, host in _HOSTS:
            try:
                made = socket.socket(family, socket.SOCK_STREAM)
            except OSError:  # without IPv6
                continue
            found.append(made)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            try:
                made.bind((host, port))
            except OSError as error:
                if family == socket.AF_INET or error.errno != 99:  # EADDRNOTAVAIL: IPv6 is switched off
                    raise
                found.pop().close()
                continue
            made.listen(_BACKLOG)
            made.setblocking(False)
    except BaseException:
        for each in found:
            each.close()
        raise
    return found


def _answers(family: int, host: str, port: int) -> bool:
    """Whether somebody listens there."""
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.settimeout(_PROBE)
            probe.connect((host, port))
    except OSError:
        return False
    return True


def _refuse(connection: socket.socket) -> None:
    with connection, suppress(OSError):
        connection.settimeout(_READ)
        with suppress(TimeoutError):  # what is not read would reset the connection before the answer is
            connection.recv(1 << 16)
        connection.sendall(_ANSWER)
        connection.shutdown(socket.SHUT_RDWR)


# Other runs of this user.


def _prefix() -> str:
    return f"mlproj-stand-in/{os.geteuid()}/"


def _entrance(run_id: str) -> socket.socket | None:
    """Where other runs reach this one; None where the system has no such sockets."""
    if sys.platform != "linux":
        return None
    entrance = socket.socket(socket.AF_UNIX)
    try:
        entrance.bind("\0" + _prefix() + run_id)
        entrance.listen(_BACKLOG)
        entrance.setblocking(False)
    except OSError:
        entrance.close()
        return None
    return entrance


def _peers(run_id: str) -> list[str]:
    """The other runs that can be reached."""
    prefix = "@" + _prefix()
    try:
        with open("/proc/net/unix", encoding="utf-8", errors="replace") as file:  # noqa: PTH123
            names = {word.removeprefix(prefix) for line in file for word in line.split()[7:] if word.startswith(prefix)}
    except OSError:
        return []
    return sorted(names - {run_id})


def _reached(run_id: str) -> socket.socket:
    """A connection to another run of ours. Raises OSError."""
    way = socket.socket(socket.AF_UNIX)
    try:
        way.settimeout(_PATIENCE)
        way.connect("\0" + _prefix() + run_id)
        if not _is_ours(way):
            raise PermissionError
    except BaseException:
        way.close()
        raise
    return way


def _is_ours(way: socket.socket) -> bool:
    """Whether the other side is a process of our user: anybody may take a name."""
    if sys.platform != "linux":
        return False
    told = way.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS)
    return int.from_bytes(told[4:8], sys.byteorder) == os.geteuid()


def _shared_by(run_id: str, port: int) -> list[socket.socket]:
    """The sockets by which another run listens at *port*; none where it does not, or does not answer."""
    try:
        with _reached(run_id) as way:
            way.sendall(_ASK + str(port).encode())
            _message, descriptors, _flags, _ = socket.recv_fds(way, 1, len(_HOSTS))
    except OSError:
        return []
    return [socket.socket(fileno=each) for each in descriptors]


def _hand_over(run_id: str, connection: socket.socket) -> bool:
    """Give *connection* to another run; False when it cannot be reached."""
    try:
        with _reached(run_id) as way:
            socket.send_fds(way, [_HAND], [connection.fileno()])
    except OSError:
        return False
    connection.close()
    return True
