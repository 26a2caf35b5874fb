"""Listening at both addresses of the loopback, and seeing whether something does."""

from __future__ import annotations

import socket
from contextlib import ExitStack

import pytest

from mlproj.server import loopback_port


def test_a_free_port_is_listened_at_with_both_addresses() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    assert not loopback_port.is_answered(port)
    with ExitStack() as closing_all:
        found = [closing_all.enter_context(each) for each in loopback_port.listen(port)]
        assert [each.getsockname()[:2] for each in found] == [(host, port) for _family, host in loopback_port.HOSTS]
        assert loopback_port.is_answered(port)
    assert not loopback_port.is_answered(port)


@pytest.mark.parametrize(("family", "host"), loopback_port.HOSTS)
def test_a_port_that_is_taken_at_one_address_is_taken(family: socket.AddressFamily, host: str) -> None:
    with socket.create_server((host, 0), family=family) as server:
        port = server.getsockname()[1]
        assert loopback_port.is_answered(port)
        with pytest.raises(OSError, match="in use"):
            loopback_port.listen(port)
        with socket.socket() as probe:
            if family == socket.AF_INET6:  # what was bound before the error is free again
                probe.bind(("127.0.0.1", port))
