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
_MOST_DOORS = 64
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
        self._ours, self._theirs = socket.socketpair()
        self.descriptor = self._theirs.fileno()
        self._begin()
        return self

    def _begin(self) -> None:
        self._passing: list[threading.Thread] = []
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
        """Wait for the sandbox's sockets, then for connections; each that is passed on has a thread of its own."""
        doors = self._handed_out()
        if not doors:
            return
        self.was_opened = True
        with ExitStack() as closing:
            for door in doors:
                closing.enter_context(door)
            self._stand_at(doors)
        deadline = time.monotonic() + _PATIENCE
        for thread in self._passing:  # everybody in the sandbox is gone, and what they sent is passed on
            thread.join(max(0.0, deadline - time.monotonic()))

    def _stand_at(self, doors: list[socket.socket]) -> None:
        while doors:
            ready = self._ready(*doors)
            for door in doors:
                for caller in _callers(door):  # those, too, who knocked just before the end
                    self._let_in(caller, door)
            if self._over in ready:
                return
            doors = [door for door in doors if not ready.get(door.fileno(), 0) & _BROKEN]

    def _let_in(self, caller: socket.socket, door: socket.socket) -> None:
        if self._accept and door.getsockname()[1] != self.port:
            self._accept(caller)
            return
        thread = threading.Thread(target=self._pass_on, args=(caller,), name="mlproj-doorway-caller", daemon=True)
        thread.start()
        self._passing = [*(each for each in self._passing if each.is_alive()), thread]

    def _handed_out(self) -> list[socket.socket]:
        """The sandbox's sockets; none when it is over before there are any."""
        return self._received(self._ours)

    def _received(self, way: socket.socket) -> list[socket.socket]:
        if way.fileno() not in self._ready(way):
            return []
        _message, descriptors, _flags, _address = socket.recv_fds(way, 1, _MOST_DOORS)
        return _listening(descriptors)

    def _ready(self, *awaited: socket.socket) -> dict[int, int]:
        """Wait for one of *awaited* or the end; which of them there is, perhaps all, each with its events."""
        poll = select.poll()
        for each in awaited:
            poll.register(each, select.POLLIN)
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

    def __init__(self, port: int, at: Path, accept: Callable[[socket.socket], None] | None = None) -> None:
        super().__init__(port, accept)
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

    def _handed_out(self) -> list[socket.socket]:
        if self._entrance.fileno() not in self._ready(self._entrance):
            return []
        way, _address = self._entrance.accept()
        self._at.unlink(missing_ok=True)
        with way, suppress(OSError):
            return self._received(way)
        return []


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


def _listening(descriptors: Sequence[int]) -> list[socket.socket]:
    """What was handed out, as far as it is sockets that listen: whoever hands them out need not be ours."""
    doors: list[socket.socket] = []
    for descriptor in descriptors:
        try:
            door = socket.socket(fileno=descriptor)
        except OSError:
            os.close(descriptor)
            continue
        try:
            is_door = bool(door.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))
        except OSError:
            is_door = False
        if is_door and door.family in (socket.AF_INET, socket.AF_INET6):
            door.setblocking(False)
            doors.append(door)
        else:
            door.close()
    return doors


def _callers(door: socket.socket) -> Iterator[socket.socket]:
    """Those who wait at the door now. One who has left again, or whom there is no file for, is passed over."""
    with suppress(OSError):
        while True:
            caller, _address = door.accept()
            caller.setblocking(True)
            yield caller
