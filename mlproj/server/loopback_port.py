"""Ports of this machine's loopback: whether something listens there, and listening there."""

from __future__ import annotations

import errno
import socket

HOSTS = ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1"))
"""The loopback's addresses, with their families."""

_BACKLOG = 128
_PROBE = 0.25  # seconds that a server on this machine has to accept


def is_answered(port: int) -> bool:
    """Whether something listens at *port*, at any of the addresses."""
    return any(_accepts(family, host, port) for family, host in HOSTS)


def _accepts(family: int, host: str, port: int) -> bool:
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.settimeout(_PROBE)
            probe.connect((host, port))
    except OSError:
        return False
    return True


def listen(port: int) -> list[socket.socket]:
    """Sockets that listen at *port*, IPv4 first. Raises OSError when one of the addresses is taken."""
    found: list[socket.socket] = []
    try:
        for family, host in HOSTS:
            try:
                made = socket.socket(family, socket.SOCK_STREAM)
            except OSError:  # without IPv6
                continue
            found.append(made)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                made.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            try:
                made.bind((host, port))
            except OSError as error:
                if family == socket.AF_INET or error.errno != errno.EADDRNOTAVAIL:  # IPv6 is switched off
                    raise
                found.pop().close()
                continue
            made.listen(_BACKLOG)
            made.setblocking(False)
    except BaseException:
        for each in found:
            each.close()
        raise
    return found
