"""Connections of clients that take too long to ask, or to take their answer: they are closed.

uvicorn waits for ever for the end of a request that has begun. All connections are looked at once a second, so that a
request costs nothing more.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

from mlproj.foundation.dataclass import dataclass
from mlproj.models.serving.http import GONE

_LATE = b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n"


@dataclass(frozen=True)
class Patience:
    """Seconds: for the head of a request; for its body, and a second more for each ``rate`` bytes of it that came; for
    the client to take some of its answer."""

    head: float = 20.0
    body: float = 20.0
    rate: int = 4096
    answer: float = 60.0


def counting(protocol: type[Any]) -> type[Any]:
    """uvicorn's *protocol* that counts the bytes it was sent, as ``received``, and tells who answers a request when its
    client is gone."""

    class Counting(protocol):  # type: ignore[misc]
        received = 0

        def data_received(self, data: bytes) -> None:
            self.received += len(data)
            super().data_received(data)

        def connection_lost(self, error: Exception | None) -> None:
            super().connection_lost(error)
            gone = (self.scope or {}).get(GONE)
            if gone is not None:
                gone()

    return Counting


class SlowClients:
    """Looks at *connections*, made by a protocol of :func:`counting`."""

    def __init__(self, connections: Iterable[Any], patience: Patience) -> None:
        self._connections = connections
        self._patience = patience
        self._since: dict[Any, tuple[tuple[Any, ...], float, int]] = {}

    async def watch(self, interval: float = 1.0) -> None:
        """Look at them until cancelled."""
        while True:
            await asyncio.sleep(interval)
            self.look(asyncio.get_running_loop().time())

    def look(self, now: float) -> None:
        """Close those that are over at the time *now*, in seconds."""
        before, self._since = self._since, {}
        for connection in list(self._connections):
            doing = _doing(connection)
            if doing is None:
                continue
            known = before.get(connection)
            since = known if known is not None and known[0] == doing else (doing, now, connection.received)
            if now - since[1] > self._limit(doing[0], connection.received - since[2]):
                _close(connection, asked=doing[0] == "answer")
            else:
                self._since[connection] = since

    def _limit(self, doing: str, received: int) -> float:
        if doing == "body":
            return self._patience.body + received / self._patience.rate
        return self._patience.head if doing == "head" else self._patience.answer


def _doing(connection: Any) -> tuple[Any, ...] | None:
    """What is waited for from the client: head, body or that it takes its answer; None if nothing is."""
    cycle = connection.cycle
    unsent = connection.transport.get_write_buffer_size()
    if unsent:  # also of an answer that uvicorn is through with
        return ("answer", cycle, unsent)
    if cycle is not None and not cycle.response_complete:
        return ("body", cycle) if cycle.more_body else None
    # Between two requests uvicorn's own clock runs, until the first byte of the next one.
    return None if connection.timeout_keep_alive_task is not None else ("head", cycle)


def _close(connection: Any, *, asked: bool) -> None:
    if asked:
        connection.transport.abort()
        return
    cycle = connection.cycle
    if cycle is None or not cycle.response_started or cycle.response_complete:
        connection.transport.write(_LATE)
    connection.transport.close()
