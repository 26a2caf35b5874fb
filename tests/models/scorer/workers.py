"""A worker as the server starts one: a process of the model's Python on one end of a socket pair."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import mlproj.models.scorer
from mlproj.models.scorer import frames

LAUNCH = Path(mlproj.models.scorer.__file__).with_name("launch.py")
Answer = tuple[int, str, bytes]


class Worker:
    """Speaks with the process."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection

    def send(self, header: dict[str, Any], *bodies: bytes) -> tuple[dict[str, Any], memoryview]:
        frames.send(self.connection, header, *bodies)
        reply = frames.receive(self.connection)
        assert reply is not None, "the worker ended"
        return reply

    def load(self, spec: dict[str, Any]) -> dict[str, Any]:
        return self.send({"op": "load"}, json.dumps(spec).encode())[0]

    def ask(self, *requests: tuple[str | None, bytes]) -> list[Answer]:
        items = [{"type": kind, "size": len(body)} for kind, body in requests]
        header, body = self.send({"op": "invoke", "items": items}, *(body for _, body in requests))
        bodies = frames.parts(body, [item["size"] for item in header["items"]])
        return [(item["status"], item["type"], one) for item, one in zip(header["items"], bodies, strict=True)]


@contextmanager
def started(python: Path | str, **environ: str) -> Iterator[Worker]:
    """A worker that ends with the block, by itself, when its connection is closed."""
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            [str(python), str(LAUNCH), str(theirs.fileno())],
            pass_fds=[theirs.fileno()],
            env={**os.environ, **environ},
        )
    try:
        with ours:
            yield Worker(ours)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
