"""Requests that wait for a worker: a bounded line, from which a worker takes as many at once as it may predict
together."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from mlproj.foundation.errors import ServiceError
from mlproj.models.scoring.worker_process import Answer

_MOST_BYTES = 64 << 20  # of requests that wait; one request alone may be larger


class QueueFull(ServiceError):
    """More requests wait than may; whoever asked should come again later."""


class TimedOut(ServiceError):
    """A request that was not answered within its time."""


class Pending:
    """A request that waits for its answer: a body, its content type, and in which ``form`` it is answered if not as
    MLflow does. ``deadline`` is in the event loop's time."""

    __slots__ = ("answer", "body", "deadline", "form", "type")

    def __init__(
        self,
        kind: str | None,
        body: bytes,
        deadline: float,
        answer: asyncio.Future[Answer],
        form: Mapping[str, Any] | None = None,
    ) -> None:
        self.type = kind
        self.form = form
        self.body = body
        self.deadline = deadline
        self.answer = answer

    @property
    def item(self) -> dict[str, Any]:
        """What a worker is told of it."""
        header = {"type": self.type, "size": len(self.body)}
        return header if self.form is None else {**header, "form": self.form}

    def fail(self, error: Exception) -> None:
        """End it with *error*, unless it has ended."""
        if not self.answer.done():
            self.answer.set_exception(error)


class RequestQueue:
    """The line of one model. ``limit`` is the number of requests that may wait."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._waiting: deque[Pending] = deque()
        self._bytes = 0
        self._takers: deque[asyncio.Future[None]] = deque()
        self._is_closed = False

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def is_over(self) -> bool:
        """Whether it is closed and nobody waits any more."""
        return self._is_closed and not self._waiting

    def put(self, pending: Pending) -> None:
        """Let *pending* wait. Raises QueueFull."""
        is_full = len(self._waiting) >= self._limit or (self._waiting and self._bytes + len(pending.body) > _MOST_BYTES)
        if is_full or self._is_closed:
            raise QueueFull("the server is stopping" if self._is_closed else "too many requests wait for the model")
        self._waiting.append(pending)
        self._bytes += len(pending.body)
        self._wake()

    async def take(self, most: int, delay: float) -> Sequence[Pending]:
        """The next requests, one or up to *most*, none of which is over; after the first it waits *delay* seconds for
        more. Empty when the line is closed and nobody waits any more."""
        while not self._waiting:
            if self._is_closed:
                return ()
            await self._something()
        if delay > 0:
            await self._filled(most, delay)
        batch: list[Pending] = []
        while self._waiting and len(batch) < most:
            pending = self._waiting.popleft()
            self._bytes -= len(pending.body)
            if not pending.answer.done():
                batch.append(pending)
        return batch or await self.take(most, delay)

    def close(self) -> None:
        """Take no more requests; those that wait are still to be taken."""
        self._is_closed = True
        while self._takers:
            self._wake()

    def fail_all(self, error: Exception) -> None:
        """End all that wait with *error*."""
        while self._waiting:
            self._waiting.popleft().fail(error)
        self._bytes = 0

    async def _filled(self, most: int, delay: float) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + delay
        while len(self._waiting) < most and not self._is_closed and (rest := end - loop.time()) > 0:
            try:
                await asyncio.wait_for(self._something(), rest)
            except asyncio.TimeoutError:
                return

    async def _something(self) -> None:
        """Wait for the next change."""
        change = asyncio.get_running_loop().create_future()
        self._takers.append(change)
        try:
            await change
        finally:
            if change in self._takers:
                self._takers.remove(change)

    def _wake(self) -> None:
        while self._takers:
            taker = self._takers.popleft()
            if not taker.done():
                taker.set_result(None)
                return
