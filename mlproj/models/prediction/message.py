"""Messages with large bodies: sent from where they are, so laid out that numbers in them can be used in place."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Mapping, Sequence
from typing import Any

from mlproj.models.scorer import frames
from mlproj.models.scorer.table.wire import ALIGNMENT
from mlproj.models.scoring.worker_process import WorkerGone, WorkerProcess

_LENGTHS = struct.Struct(">II")
_LARGEST = 2**32 - 1  # of a body


def send(worker: WorkerProcess, header: Mapping[str, Any], buffers: Sequence[Any]) -> frames.Message:
    """What the worker answers to a message. Raises WorkerGone."""
    try:
        _send(worker.connection, header, buffers)
        answer = frames.receive(worker.connection)
    except (OSError, EOFError):
        answer = None
    if answer is None:
        raise WorkerGone(f"the model's process {worker.how_it_ended()}")
    return answer


def _send(connection: socket.socket, header: Mapping[str, Any], buffers: Sequence[Any]) -> None:
    head = json.dumps(header).encode()
    head += b" " * (-len(head) % ALIGNMENT)
    parts = [memoryview(buffer).cast("B") for buffer in buffers if len(buffer)]
    connection.sendall(_LENGTHS.pack(len(head), sum(map(len, parts))) + head)
    for part in parts:
        connection.sendall(part)
