"""Runs of one user find each other, share sockets that listen, and pass connections on."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager

import pytest

from mlproj.server import peer_runs
from mlproj.server.peer_runs import PeerRequest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has sockets with names in the kernel")

ONE, OTHER = "3" * 32, "4" * 32


@contextmanager
def answering(run_id: str, answer: Callable[[socket.socket, PeerRequest], None]) -> Iterator[None]:
    """A run that takes one request."""
    waiting = peer_runs.listener(run_id)
    assert waiting is not None
    waiting.setblocking(True)

    def take() -> None:
        channel = peer_runs.accept(waiting)
        assert channel is not None
        with channel:
            answer(channel, peer_runs.read(channel))

    thread = threading.Thread(target=take)
    with closing(waiting):
        thread.start()
        yield
        thread.join()


def test_runs_find_each_other_as_long_as_they_live() -> None:
    assert peer_runs.peers(ONE) == []
    one, other = peer_runs.listener(ONE), peer_runs.listener(OTHER)
    assert one and other
    with one, other:
        assert peer_runs.peers(ONE) == [OTHER]
        assert peer_runs.listener(ONE) is None, "a name is taken once"
    assert peer_runs.peers(ONE) == []


def test_the_sockets_that_listen_at_a_port_are_shared() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        shared = {port: [server]}
        with (
            answering(ONE, lambda channel, request: peer_runs.share(channel, shared.get(request.port or 0, []))),
            ExitStack() as closing_all,
        ):
            found = [closing_all.enter_context(each) for each in peer_runs.listeners_of(ONE, port)]
            assert [each.getsockname() for each in found] == [server.getsockname()]


def test_a_connection_is_passed_on_and_works_there() -> None:
    def answer(_channel: socket.socket, request: PeerRequest) -> None:
        assert request.port is None
        for connection in request.connections:
            with connection:
                connection.sendall(b"taken")

    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        connection = server.accept()[0]
        with answering(ONE, answer):
            assert peer_runs.hand_over(ONE, connection)
        assert connection.fileno() < 0, "it is the other run's now"
        assert client.recv(5) == b"taken"


def test_a_run_that_is_not_there_shares_and_takes_nothing() -> None:
    one, other = socket.socketpair()
    with one, other:
        assert not peer_runs.hand_over(ONE, one)
        assert one.fileno() >= 0, "a connection that was not passed on stays ours"
    assert peer_runs.listeners_of(ONE, 5000) == []


@pytest.mark.parametrize("message", [b"L", b"Lx", b"X", b"L\xff"])
def test_what_is_no_request_asks_for_nothing_and_leaks_no_descriptor(message: bytes) -> None:
    one, other = socket.socketpair()
    sent, kept = socket.socketpair()
    with one, other, kept:
        socket.send_fds(one, [message], [sent.fileno()])
        sent.close()
        assert peer_runs.read(other) == PeerRequest(None, [])
        assert kept.recv(1) == b"", "what came with it was closed"
