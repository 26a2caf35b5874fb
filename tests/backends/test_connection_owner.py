"""Whose a connection on this machine is: the runs of the process at its other end."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager

import pytest

from mlproj.backends import connection_owner
from mlproj.backends.connection_owner import runs_of, runs_of_process

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells whose a connection is")

OUTER, INNER = "a" * 32, "b" * 32
CLIENT = """
import os, socket, subprocess, sys
host, port, inner = sys.argv[1:]
if inner:
    environ = {"MLPROJ_RUN_ID": inner} if inner != "-" else {}
    sys.exit(subprocess.run([sys.executable, "-c", os.environ["CODE"], host, port, ""], env=environ).returncode)
with socket.create_connection((host, int(port))):
    sys.stdin.read()
"""


@contextmanager
def connected(
    host: str = "127.0.0.1", *, run_id: str | None = None, inner: str = "", listen: str | None = None
) -> Iterator[tuple[socket.socket, subprocess.Popen[bytes]]]:
    """Our end of a connection, and the program (of the run *run_id*) that began it, by a child of it if *inner*."""
    family = socket.AF_INET6 if ":" in (listen or host) else socket.AF_INET
    with socket.create_server((listen or host, 0), family=family) as server:
        environ = {**({"MLPROJ_RUN_ID": run_id} if run_id else {}), "CODE": CLIENT}
        argv = [sys.executable, "-c", CLIENT, host, str(server.getsockname()[1]), inner]
        with subprocess.Popen(argv, env=environ, stdin=subprocess.PIPE) as client:
            assert client.stdin is not None
            try:
                server.settimeout(30)
                connection, _address = server.accept()
                with closing(connection):
                    yield connection, client
            finally:
                client.stdin.close()


def test_a_connection_is_of_the_run_of_its_process() -> None:
    with connected(run_id=OUTER) as (connection, client):
        assert runs_of(connection) == [OUTER]
        assert runs_of_process(client.pid) == [OUTER]


def test_a_nested_run_comes_before_the_one_around_it() -> None:
    with connected(run_id=OUTER, inner=INNER) as (connection, _client):
        assert runs_of(connection) == [INNER, OUTER]


def test_an_emptied_environment_does_not_take_a_process_out_of_its_run() -> None:
    with connected(run_id=OUTER, inner="-") as (connection, _client):
        assert runs_of(connection) == [OUTER]


def test_a_process_of_no_run_is_of_none() -> None:
    with connected() as (connection, _client):
        assert runs_of(connection) == []


@pytest.mark.skipif(not socket.has_ipv6, reason="the machine has no IPv6")
@pytest.mark.parametrize(("host", "listen"), [("::1", "::1"), ("::ffff:127.0.0.1", "127.0.0.1")])
def test_connections_over_ipv6_are_found_also_to_an_address_of_ipv4(host: str, listen: str) -> None:
    with connected(host, run_id=OUTER, listen=listen) as (connection, _client):
        assert runs_of(connection) == [OUTER]


def test_a_client_that_is_gone_is_of_no_run() -> None:
    with connected(run_id=OUTER) as (connection, client):
        client.kill()
        client.wait()
        assert runs_of(connection) == []


def test_a_connection_within_this_process_is_of_no_run() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()[:2]),
        closing(server.accept()[0]) as connection,
    ):
        assert runs_of(connection) == [] and runs_of_process(os.getpid()) == []


def test_without_the_kernels_tables_nothing_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_owner, "_TABLES", ("/proc/net/none", "/proc/net/none6"))
    with connected(run_id=OUTER) as (connection, _client):
        assert runs_of(connection) is None
