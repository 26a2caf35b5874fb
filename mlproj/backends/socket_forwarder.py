"""From a socket in a sandbox's network to a port in ours, and nowhere else: how a confined program reaches its tracking
server."""

from __future__ import annotations

import os
import select
import socket
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType

_BLOCK = 1 << 16
_HOST = "127.0.0.1"
_PATIENCE = 10.0  # seconds
_BROKEN = select.POLLHUP | select.POLLERR | select.POLLNVAL


class SocketForwarder:
    """Passes connections on to *port* of this machine between entering and leaving.

    ``descriptor`` is for the sandbox's first program, which sends the socket that it listens at through it.
    ``was_opened`` tells whether one was sent.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.was_opened = False

    def __enter__(self) -> SocketForwarder:
        self._ours, self._theirs = socket.socketpair()
        self.descriptor = self._theirs.fileno()
        self._begin()
        return self

    def _begin(self) -> None:
        self._over, self._tell_over = os.pipe()  # readable at the end, when nobody holds the other side any more
        self._thread = threading.Thread(target=self._attend, name="mlproj-doorway", daemon=True)
        self._thread.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._tell_over)
        self._thread.join()
        self._close()
        os.close(self._over)

    def _close(self) -> None:
        self._ours.close()
        self._theirs.close()

    def _attend(self) -> None:
        """Wait for the sandbox's socket, then for connections; each has a thread of its own."""
        passing: list[threading.Thread] = []
        door = self._handed_out()
        if door is None:
            return
        self.was_opened = True
        with door:
            is_open = True
            while is_open:
                ready = self._ready(door)
                is_open = self._over not in ready and not ready[door.fileno()] & _BROKEN
                for caller in _callers(door):  # those, too, who knocked just before the end
                    thread = threading.Thread(
                        target=self._pass_on, args=(caller,), name="mlproj-doorway-caller", daemon=True
                    )
                    thread.start()
                    passing = [*(each for each in passing if each.is_alive()), thread]
        deadline = time.monotonic() + _PATIENCE
        for thread in passing:  # everybody in the sandbox is gone, and what they sent is passed on
            thread.join(max(0.0, deadline - time.monotonic()))

    def _handed_out(self) -> socket.socket | None:
        """The sandbox's socket; None when it is over before there is one."""
        return self._received(self._ours)

    def _received(self, way: socket.socket) -> socket.socket | None:
        if way.fileno() not in self._ready(way):
            return None
        _message, descriptors, _flags, _address = socket.recv_fds(way, 1, 1)
        return _listening(descriptors)

    def _ready(self, awaited: socket.socket) -> dict[int, int]:
        """Wait for *awaited* or the end; which of them there is, perhaps both, each with its events."""
        poll = select.poll()
        poll.register(awaited, select.POLLIN)
        poll.register(self._over, select.POLLIN)
        return dict(poll.poll())

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


class MountedSocketForwarder(SocketForwarder):
    """A doorway for a first program that can be handed no descriptor, but sees the socket *at* in some place of its
    own.

    The first who connects there hands its socket out, and the place is free again. Raises OSError when none can be made
    there.
    """

    def __init__(self, port: int, at: Path) -> None:
        super().__init__(port)
        self._at = at

    def __enter__(self) -> MountedSocketForwarder:
        self._entrance = socket.socket(socket.AF_UNIX)
        try:
            _bind(self._entrance, self._at)
            self._at.chmod(
                0o666
            )  # in whatever numbers users are counted there; its folder keeps others of this machine out
            self._entrance.listen(1)
        except BaseException:
            self._entrance.close()
            raise
        self._begin()
        return self

    def _close(self) -> None:
        self._entrance.close()
        self._at.unlink(missing_ok=True)

    def _handed_out(self) -> socket.socket | None:
        if self._entrance.fileno() not in self._ready(self._entrance):
            return None
        way, _address = self._entrance.accept()
        self._at.unlink(missing_ok=True)
        with way, suppress(OSError):
            return self._received(way)
        return None


def _bind(entrance: socket.socket, at: Path) -> None:
    """The address of a socket is short (108 bytes on Linux), and that of a folder may not be."""
    if sys.platform != "linux":
        entrance.bind(str(at))
        return
    folder = os.open(at.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        entrance.bind(f"/proc/self/fd/{folder}/{at.name}")
    finally:
        os.close(folder)


def _listening(descriptors: Sequence[int]) -> socket.socket | None:
    """What was handed out, when it is a socket that listens: whoever hands it out need not be ours."""
    for descriptor in descriptors:
        try:
            door = socket.socket(fileno=descriptor)
        except OSError:
            os.close(descriptor)
            continue
        with suppress(OSError):
            if door.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                door.setblocking(False)
                return door
        door.close()
    return None


def _callers(door: socket.socket) -> Iterator[socket.socket]:
    """Those who wait at the door now. One who has left again, or whom there is no file for, is passed over."""
    with suppress(OSError):
        while True:
            caller, _address = door.accept()
            caller.setblocking(True)
            yield caller
