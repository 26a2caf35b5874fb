"""A socket that tells a worker, whatever it is busy with, that the server is gone."""

from __future__ import annotations

import array
import os
import signal
import socket
import sys
from typing import Any


def end_with(watch_socket: socket.socket) -> None:
    """End this process and its group when the other side of *watch_socket* is closed, on which nobody ever writes.

    The system then sends SIGIO, also to a process that computes and never looks. This process must lead its group.
    """
    import fcntl

    watch_socket.setblocking(False)
    if sys.platform != "linux":  # elsewhere SIGIO does nothing by itself
        signal.signal(signal.SIGIO, lambda *_: os._exit(1))
    try:
        fcntl.fcntl(watch_socket.fileno(), fcntl.F_SETOWN, -os.getpid())
        fcntl.fcntl(
            watch_socket.fileno(), fcntl.F_SETFL, fcntl.fcntl(watch_socket.fileno(), fcntl.F_GETFL) | os.O_ASYNC
        )
    except (OSError, AttributeError):
        return  # it ends with its connection, as soon as it looks
    try:
        gone = watch_socket.recv(1) == b""
    except BlockingIOError:
        gone = False
    if gone:  # before it was said what is to happen then
        os._exit(1)


def received(connection: socket.socket, count: int) -> list[socket.socket]:
    """The sockets that come with the next byte."""
    found: Any = array.array("i")
    _, ancillary, _, _ = connection.recvmsg(1, socket.CMSG_SPACE(count * found.itemsize))
    for level, kind, content in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            found.frombytes(content[: len(content) - len(content) % found.itemsize])
    return [socket.socket(fileno=descriptor) for descriptor in found]
