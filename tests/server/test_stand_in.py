"""Ports at which a run's own server answers: its clients are let in, others are refused, several runs share a port."""

from __future__ import annotations

import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial

import pytest

from mlproj.server import loopback_port, peer_runs, stand_in
from mlproj.server.stand_in import FORBIDDEN, FREE, TAKEN, StandIn

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells whose a connection is")

ONE, OTHER = "1" * 32, "2" * 32
PATIENCE = 30.0  # seconds
Runs = Callable[[socket.socket], list[str] | None]


class Delivered:
    """Takes the connections that a stand-in delivers."""

    def __init__(self) -> None:
        self.connections: list[socket.socket] = []
        self._came = threading.Semaphore(0)

    def __call__(self, connection: socket.socket) -> None:
        self.connections.append(connection)
        self._came.release()

    def next(self) -> socket.socket:
        assert self._came.acquire(timeout=PATIENCE), "no connection was delivered"
        return self.connections[-1]


@pytest.fixture
def port() -> int:
    """A port where nothing listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number: int = probe.getsockname()[1]
    return number


@pytest.fixture
def delivered() -> Iterator[Delivered]:
    taken = Delivered()
    yield taken
    for each in taken.connections:
        each.close()


@pytest.fixture
def of(monkeypatch: pytest.MonkeyPatch) -> Callable[[Runs], None]:
    """Sets whose connections are, as the system would tell."""
    return lambda runs: monkeypatch.setattr(stand_in, "runs_of", runs)


def whose(run_id: str, _connection: socket.socket) -> list[str]:
    return [run_id]


def asked(port: int, host: str = "127.0.0.1") -> bytes:
    """What is answered to a request of a client that is refused."""
    with socket.create_connection((host, port), timeout=PATIENCE) as client:
        client.sendall(b"GET / HTTP/1.1\r\n\r\n")
        answer = b""
        while portion := client.recv(1 << 12):
            answer += portion
        return answer


@pytest.mark.parametrize("host", [host for _family, host in loopback_port.HOSTS])
def test_a_client_of_the_run_is_delivered(
    port: int, delivered: Delivered, of: Callable[[Runs], None], host: str
) -> None:
    of(lambda _: [ONE])
    with StandIn(ONE, delivered) as standing:
        standing.open([port])
        assert standing.states == {port: FREE}
        with socket.create_connection((host, port)) as client:
            client.sendall(b"hello")
            assert delivered.next().recv(5) == b"hello"
        assert standing.asked == {port} and standing.refused == 0


def test_a_client_of_no_run_is_refused_with_an_error_of_mlflows_form(
    port: int, delivered: Delivered, of: Callable[[Runs], None]
) -> None:
    of(lambda _: [])
    with StandIn(ONE, delivered) as standing:
        standing.open([port])
        head, _, body = asked(port).partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 403 ") and b'"error_code": "PERMISSION_DENIED"' in body
        assert (standing.refused, standing.asked, delivered.connections) == (1, set(), [])


@pytest.mark.parametrize(
    ("runs", "always", "taken"),
    [(None, False, False), (None, True, True), ([], True, False), ([OTHER], True, False)],
)
def test_always_takes_clients_whose_owner_is_not_known_and_no_others(
    port: int,
    delivered: Delivered,
    of: Callable[[Runs], None],
    runs: list[str] | None,
    always: bool,
    taken: bool,
) -> None:
    of(lambda _: runs)
    with StandIn(ONE, delivered, always=always) as standing:
        standing.open([port])
        if taken:
            with socket.create_connection(("127.0.0.1", port)):
                delivered.next()
        else:
            assert asked(port).startswith(b"HTTP/1.1 403 ")
        assert (len(delivered.connections), standing.refused) == (int(taken), int(not taken))


def test_a_port_that_is_answered_already_is_left_alone(delivered: Delivered) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, StandIn(ONE, delivered) as standing:
        taken = server.getsockname()[1]
        standing.open([taken])
        assert standing.states == {taken: TAKEN}


def test_a_port_that_the_system_does_not_allow_is_forbidden(
    delivered: Delivered, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(_port: int) -> list[socket.socket]:
        raise PermissionError

    monkeypatch.setattr(loopback_port, "listen", refused)
    with StandIn(ONE, delivered) as standing:
        standing.open([port])
        assert standing.states == {port: FORBIDDEN}


def test_a_stopped_one_leaves_its_ports_free_and_stops_once(port: int, delivered: Delivered) -> None:
    with StandIn(ONE, delivered) as standing:
        standing.open([port, port])
        standing.stop()
        assert not loopback_port.is_answered(port)
        standing.stop()


def test_two_runs_share_a_port_and_get_the_clients_that_are_theirs(port: int, of: Callable[[Runs], None]) -> None:
    first, second = Delivered(), Delivered()
    with StandIn(OTHER, second) as later:
        with StandIn(ONE, first) as earlier:
            earlier.open([port])
            later.open([port])
            assert earlier.states == later.states == {port: FREE}
            for run_id, taken in ((ONE, first), (OTHER, second)) * 2:  # whichever of them accepts it
                of(partial(whose, run_id))
                with socket.create_connection(("127.0.0.1", port)), closing(taken.next()):
                    pass
        of(lambda _: [OTHER])
        with socket.create_connection(("127.0.0.1", port)), closing(second.next()):
            pass  # the other one still holds the port
    assert (len(first.connections), len(second.connections)) == (2, 3)
    assert not loopback_port.is_answered(port)


def test_a_connection_that_another_run_passes_on_is_checked_again(
    port: int, delivered: Delivered, of: Callable[[Runs], None]
) -> None:
    of(lambda _: [OTHER])
    with StandIn(ONE, delivered) as standing, socket.create_server(("127.0.0.1", 0)) as server:
        standing.open([port])
        with socket.create_connection(server.getsockname()[:2], timeout=PATIENCE) as client:
            client.sendall(b"GET / HTTP/1.1\r\n\r\n")
            assert peer_runs.hand_over(ONE, server.accept()[0])
            assert client.recv(1 << 12).startswith(b"HTTP/1.1 403 ")
    assert delivered.connections == []


def test_a_connection_from_the_runs_own_network_needs_no_owner(delivered: Delivered) -> None:
    with StandIn(ONE, delivered) as standing, socket.create_server(("127.0.0.1", 0)) as server:
        with socket.create_connection(server.getsockname()[:2]):
            standing.accept(server.accept()[0])
        assert delivered.next() and standing.asked == {server.getsockname()[1]}
