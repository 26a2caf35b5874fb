"""What goes through the door of a sandbox; here the other side is in the same network."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlproj.backends.socket_forwarder import MountedSocketForwarder, SocketForwarder


def echo(server: socket.socket) -> None:
    """Answer each connection with what it said, when it has said all of it."""
    while True:
        try:
            caller, _address = server.accept()
        except OSError:
            return
        with caller:
            said = b""
            while block := caller.recv(1 << 16):
                said += block
            caller.sendall(said)


def opened(forwarder: SocketForwarder) -> socket.socket:
    """A door as the first program of a sandbox makes it."""
    listener = socket.create_server(("127.0.0.1", 0))
    with socket.socket(fileno=socket.dup(forwarder.descriptor)) as channel:
        socket.send_fds(channel, [b"!"], [listener.fileno()])
    return listener


def test_everything_is_passed_on_in_both_directions() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=echo, args=(server,), daemon=True).start()
        with SocketForwarder(server.getsockname()[1]) as forwarder, opened(forwarder) as listener:
            for size in (0, 1, 3_000_000):
                with socket.create_connection(listener.getsockname()) as caller:
                    sender = threading.Thread(
                        target=lambda caller=caller, size=size: (caller.sendall(b"x" * size), caller.shutdown(1))
                    )
                    sender.start()
                    received = 0
                    while block := caller.recv(1 << 16):
                        received += len(block)
                    sender.join()
                assert received == size
        server.shutdown(socket.SHUT_RDWR)


def test_what_was_sent_just_before_the_end_arrives() -> None:
    heard = set()

    def listen() -> None:
        for _ in range(20):
            caller, _address = server.accept()
            with caller:
                heard.add(caller.recv(100))

    with socket.create_server(("127.0.0.1", 0)) as server:
        answering = threading.Thread(target=listen)
        answering.start()
        with SocketForwarder(server.getsockname()[1]) as forwarder, opened(forwarder) as listener:
            for number in range(20):
                with socket.create_connection(listener.getsockname()) as caller:
                    caller.sendall(b"last words %d" % number)
        answering.join()

    assert heard == {b"last words %d" % number for number in range(20)}


def test_a_sandbox_that_never_opens_its_door_keeps_nobody() -> None:
    with SocketForwarder(1):
        pass


def test_a_server_that_is_gone_closes_the_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with (
        SocketForwarder(port) as forwarder,
        opened(forwarder) as listener,
        socket.create_connection(listener.getsockname()) as caller,
    ):
        assert caller.recv(1) == b""


@contextmanager
def entering(at: Path) -> Iterator[socket.socket]:
    """A way in, as seen at a path that may be too long for the address of a socket."""
    folder = os.open(at.parent, os.O_PATH)
    with socket.socket(socket.AF_UNIX) as way:
        way.connect(f"/proc/self/fd/{folder}/{at.name}")
        os.close(folder)
        yield way


def test_a_door_is_handed_out_through_a_socket_in_a_folder_of_any_depth(tmp_path: Path) -> None:
    folder = tmp_path / ("deep" * 30)
    folder.mkdir()
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=echo, args=(server,), daemon=True).start()
        with MountedSocketForwarder(server.getsockname()[1], folder / "door") as forwarder:
            with socket.create_server(("127.0.0.1", 0)) as listener, entering(folder / "door") as way:
                address = listener.getsockname()
                socket.send_fds(way, [b"!"], [listener.fileno()])
            with socket.create_connection(address) as caller:
                caller.sendall(b"hello")
                caller.shutdown(socket.SHUT_WR)
                assert caller.recv(100) == b"hello"
        server.shutdown(socket.SHUT_RDWR)
    assert forwarder.was_opened


def test_what_is_no_door_is_not_taken_for_one(tmp_path: Path) -> None:
    """The first who comes may be a program that is not trusted."""
    reading, writing = os.pipe()
    connected, other = socket.socketpair()
    with connected, other, socket.socket() as unbound:
        for number, handed in enumerate(([], [reading], [connected.fileno()], [unbound.fileno()])):
            with (
                MountedSocketForwarder(1, tmp_path / f"door{number}") as forwarder,
                entering(tmp_path / f"door{number}") as way,
            ):
                socket.send_fds(way, [b"!"], handed) if handed else way.sendall(b"!")
            assert not forwarder.was_opened
    os.close(reading)
    os.close(writing)


def test_a_door_that_is_broken_off_keeps_nobody_busy(tmp_path: Path) -> None:
    with MountedSocketForwarder(1, tmp_path / "door"):
        with socket.create_server(("127.0.0.1", 0)) as listener, entering(tmp_path / "door") as way:
            socket.send_fds(way, [b"!"], [listener.fileno()])
            time.sleep(0.1)
            listener.shutdown(socket.SHUT_RDWR)
        begun = time.process_time()
        time.sleep(0.2)
        assert time.process_time() - begun < 0.1
