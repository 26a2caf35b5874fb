"""What goes through the door of a sandbox; here the other side is in the same network."""

from __future__ import annotations

import socket
import threading

from mlproj.backends.doorway import Doorway


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


def opened(doorway: Doorway) -> socket.socket:
    """A door as the first program of a sandbox makes it."""
    door = socket.create_server(("127.0.0.1", 0))
    with socket.socket(fileno=socket.dup(doorway.descriptor)) as way_out:
        socket.send_fds(way_out, [b"!"], [door.fileno()])
    return door


def test_everything_is_passed_on_in_both_directions() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=echo, args=(server,), daemon=True).start()
        with Doorway(server.getsockname()[1]) as doorway, opened(doorway) as door:
            for size in (0, 1, 3_000_000):
                with socket.create_connection(door.getsockname()) as caller:
                    sender = threading.Thread(target=lambda caller=caller, size=size: (caller.sendall(b"x" * size), caller.shutdown(1)))
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
        listener = threading.Thread(target=listen)
        listener.start()
        with Doorway(server.getsockname()[1]) as doorway, opened(doorway) as door:
            for number in range(20):
                with socket.create_connection(door.getsockname()) as caller:
                    caller.sendall(b"last words %d" % number)
        listener.join()

    assert heard == {b"last words %d" % number for number in range(20)}


def test_a_sandbox_that_never_opens_its_door_keeps_nobody() -> None:
    with Doorway(1):
        pass


def test_a_server_that_is_gone_closes_the_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with Doorway(port) as doorway, opened(doorway) as door, socket.create_connection(door.getsockname()) as caller:
        assert caller.recv(1) == b""
