"""Messages between the server and its workers: a JSON header and bytes, each with its length before it."""

from __future__ import annotations

import json
import socket
import struct
from typing import Any, Dict, Tuple

_LENGTHS = struct.Struct(">II")

Message = Tuple[Dict[str, Any], memoryview]


def send(connection: socket.socket, header: dict[str, Any], *bodies: bytes) -> None:
    """One message; the bodies go one after another."""
    head = json.dumps(header).encode()
    body = b"".join(bodies)
    connection.sendall(b"".join((_LENGTHS.pack(len(head), len(body)), head, body)))


def receive(connection: socket.socket) -> Message | None:
    """The next message; None when the other side has closed. EOFError if it did so in the middle of one."""
    lengths = _exactly(connection, _LENGTHS.size, may_end=True)
    if lengths is None:
        return None
    head_size, body_size = _LENGTHS.unpack(lengths)
    content = _exactly(connection, head_size + body_size)
    assert content is not None
    return json.loads(bytes(content[:head_size])), content[head_size:]


def _exactly(connection: socket.socket, size: int, may_end: bool = False) -> memoryview | None:
    buffer = memoryview(bytearray(size))
    got = 0
    while got < size:
        count = connection.recv_into(buffer[got:])
        if count == 0:
            if may_end and got == 0:
                return None
            raise EOFError("The connection was closed in the middle of a message.")
        got += count
    return buffer


def parts(body: memoryview, sizes: list[int]) -> list[bytes]:
    """The bodies of a message whose header has their sizes."""
    found = []
    start = 0
    for size in sizes:
        found.append(bytes(body[start : start + size]))
        start += size
    return found
