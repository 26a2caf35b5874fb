"""A listening socket whose connections send each part of an answer at once."""

from __future__ import annotations

import socket


def answer_promptly(listening: socket.socket) -> None:
    """Let each part of an answer leave at once, on every connection that *listening* accepts.

    asyncio does so for sockets that were made with the protocol's number, which :func:`socket.create_server` leaves
    out; without it the second part of an answer waits 40 ms for the client's acknowledgement of the first (Nagle's
    algorithm, RFC 896).
    """
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
