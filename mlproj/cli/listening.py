"""The address that a server of a command listens at: a socket, and who can reach it."""

from __future__ import annotations

import errno
import ipaddress
import socket

from mlproj.foundation.errors import ServiceError, UsageError


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches *host*."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def in_url(host: str) -> str:
    """*host* as it stands in a URL."""
    return f"[{host}]" if ":" in host else host


def listen(host: str, port: int) -> socket.socket:
    """A listening socket. Raises UsageError for an address that is not this machine's, ServiceError when the port is
    taken."""
    try:
        family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        return socket.create_server((str(address[0]), port), family=family, backlog=1024)
    except socket.gaierror as error:
        raise UsageError(f"--host: {host!r} is no address: {error.strerror}") from error
    except OSError as error:
        if error.errno == errno.EADDRNOTAVAIL:
            raise UsageError(f"--host: {host} is no address of this machine") from error
        reason = (
            "is taken by another program" if error.errno == errno.EADDRINUSE else f"cannot be used: {error.strerror}"
        )
        raise ServiceError(
            f"port {port} {reason}", hint="choose another one with --port, or 0 for any that is free"
        ) from error
