"""Other runs of this user that answer at local ports too: they share listening sockets, and pass connections on.

They find each other by sockets with names in the kernel (unix(7), abstract), which live as long as their processes do
and are of one network, as ports are. A request is one letter: ``L`` with a port asks for the sockets that listen there,
``C`` comes with a connection that its sender accepted.
"""

from __future__ import annotations

import os
import socket
import sys
from contextlib import suppress
from typing import NamedTuple

from mlproj.server.loopback_port import HOSTS

_BACKLOG = 128
_PATIENCE = 2.0  # seconds that another run has to answer
_CREDENTIALS = 12  # bytes: pid, uid, gid
_ASK_LISTENERS, _HAND_CONNECTION = b"L", b"C"


class PeerRequest(NamedTuple):
    """What another run wants: the sockets that listen at *port*, or to pass *connections* on."""

    port: int | None
    connections: list[socket.socket]


def listener(run_id: str) -> socket.socket | None:
    """Where other runs reach this one; None where the system has no such sockets."""
    if sys.platform != "linux":
        return None
    made = socket.socket(socket.AF_UNIX)
    try:
        made.bind("\0" + _prefix() + run_id)
        made.listen(_BACKLOG)
        made.setblocking(False)
    except OSError:
        made.close()
        return None
    return made


def peers(run_id: str) -> list[str]:
    """The ids of the runs besides *run_id* that can be reached."""
    prefix = "@" + _prefix()
    try:
        with open("/proc/net/unix", encoding="utf-8", errors="replace") as file:  # noqa: PTH123
            names = {word.removeprefix(prefix) for line in file for word in line.split()[7:] if word.startswith(prefix)}
    except OSError:
        return []
    return sorted(names - {run_id})


def listeners_of(run_id: str, port: int) -> list[socket.socket]:
    """The sockets by which another run listens at *port*; none where it does not, or does not answer."""
    try:
        with _connected(run_id) as channel:
            channel.sendall(_ASK_LISTENERS + str(port).encode())
            _message, descriptors, _flags, _ = socket.recv_fds(channel, 1, len(HOSTS))
    except OSError:
        return []
    return [socket.socket(fileno=each) for each in descriptors]


def hand_over(run_id: str, connection: socket.socket) -> bool:
    """Give *connection* to another run; False when that cannot be reached."""
    try:
        with _connected(run_id) as channel:
            socket.send_fds(channel, [_HAND_CONNECTION], [connection.fileno()])
    except OSError:
        return False
    connection.close()
    return True


def accept(waiting: socket.socket) -> socket.socket | None:
    """The next connection at a :func:`listener`; None, closed, for one of another user. Raises OSError."""
    channel, _address = waiting.accept()
    channel.settimeout(_PATIENCE)
    if _is_same_user(channel):
        return channel
    channel.close()
    return None


def read(channel: socket.socket) -> PeerRequest:
    """The request that comes on *channel*; what is none asks for nothing. Raises OSError."""
    message, descriptors, _flags, _ = socket.recv_fds(channel, 16, 1)
    received = [socket.socket(fileno=each) for each in descriptors]
    for connection in received:
        connection.setblocking(True)
    if message[:1] == _ASK_LISTENERS and message[1:].isdigit():
        _close(received)
        return PeerRequest(int(message[1:]), [])
    if message[:1] != _HAND_CONNECTION:
        _close(received)
        return PeerRequest(None, [])
    return PeerRequest(None, received)


def share(channel: socket.socket, listeners: list[socket.socket]) -> None:
    """Answer who asked for sockets that listen. Raises OSError."""
    socket.send_fds(channel, [b"!"], [each.fileno() for each in listeners])


def _close(sockets: list[socket.socket]) -> None:
    for each in sockets:
        with suppress(OSError):
            each.close()


def _prefix() -> str:
    return f"mlproj-stand-in/{os.geteuid()}/"


def _connected(run_id: str) -> socket.socket:
    """A connection to another run of this user. Raises OSError."""
    channel = socket.socket(socket.AF_UNIX)
    try:
        channel.settimeout(_PATIENCE)
        channel.connect("\0" + _prefix() + run_id)
        if not _is_same_user(channel):
            raise PermissionError
    except BaseException:
        channel.close()
        raise
    return channel


def _is_same_user(channel: socket.socket) -> bool:
    """Whether the other side is a process of our user: any user may take a name."""
    if sys.platform != "linux":
        return False
    credentials = channel.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS)
    return int.from_bytes(credentials[4:8], sys.byteorder) == os.geteuid()
