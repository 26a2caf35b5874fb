"""A model that answers requests: a queue and its workers, which another version's may replace without losing one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mlproj.foundation.dataclass import dataclass, field
from mlproj.models.scoring.lane import Batching, Lane
from mlproj.models.scoring.queue import Pending, RequestQueue, TimedOut
from mlproj.models.scoring.worker_process import Answer, Loaded, Worker, WorkerGone

Launch = Callable[[], tuple[Worker, Loaded]]
"""Starts a worker that has loaded a model; it blocks, and may raise."""


@dataclass(frozen=True)
class ServiceOptions:
    """``workers`` processes; ``timeout`` seconds from a request's coming to its answer; ``waiting`` requests may wait
    at once; how they are put together."""

    workers: int = 1
    timeout: float = 60.0
    waiting: int = 1024
    batching: Batching = field(default_factory=Batching)


class Service:
    """Serves one model. ``observe`` is told the size and the seconds of every batch."""

    def __init__(
        self, options: ServiceOptions, observe: Callable[[int, float], None] = lambda _size, _seconds: None
    ) -> None:
        self._options = options
        self._observe = observe
        self._queue = RequestQueue(options.waiting)
        self._lanes: Sequence[Lane] = ()
        self._restarts = 0  # of lanes that are no more

    @property
    def waiting(self) -> int:
        """How many requests wait for a worker."""
        return len(self._queue)

    @property
    def is_ready(self) -> bool:
        """Whether a worker is there to answer."""
        return any(lane.is_ready for lane in self._lanes)

    @property
    def restarts(self) -> int:
        """How many workers died and were replaced."""
        return self._restarts + sum(lane.restarts for lane in self._lanes)

    @property
    def lanes(self) -> Sequence[Lane]:
        """The workers of now."""
        return self._lanes

    async def start(self, launch: Launch) -> Loaded:
        """Start the workers. Raises what *launch* raises; then nothing is left running."""
        self._lanes, loaded = await self._started(launch, self._queue)
        return loaded

    async def replace(self, launch: Launch, taken: Callable[[Loaded], object] = lambda _loaded: None) -> Loaded:
        """Let the workers that *launch* starts answer from now on; the old ones answer what they were asked, and end.
        *taken* is called when the new ones have taken over.

        Raises what *launch* raises; then nothing has changed.
        """
        queue = RequestQueue(self._options.waiting)
        lanes, loaded = await self._started(launch, queue)
        old_queue, old_lanes = self._queue, self._lanes
        self._queue, self._lanes = queue, lanes
        taken(loaded)
        old_queue.close()
        await asyncio.gather(*(lane.finish() for lane in old_lanes))
        self._restarts += sum(lane.restarts for lane in old_lanes)
        return loaded

    async def ask(
        self,
        kind: str | None,
        body: bytes,
        form: Mapping[str, Any] | None = None,
        waiting: Callable[[Callable[[Exception], object]], object] | None = None,
    ) -> Answer:
        """The model's answer to a *body* of the content type *kind*; *form* is told to the worker if it is to be read
        and answered in another form than MLflow's. *waiting* is given what ends the wait with an exception.

        Raises QueueFull, TimedOut, WorkerGone.
        """
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._options.timeout
        answer: asyncio.Future[Answer] = loop.create_future()
        pending = Pending(kind, body, deadline, answer, form)
        self._queue.put(pending)
        if waiting is not None:
            waiting(pending.fail)
        timer = loop.call_at(deadline, pending.fail, TimedOut("the model did not answer in time"))
        try:
            return await answer
        finally:
            timer.cancel()

    def kill(self) -> None:
        """End the workers' processes at once; what they were asked is then answered with WorkerGone."""
        self._queue.close()
        self._queue.fail_all(WorkerGone("the server stopped before the model answered"))
        for lane in self._lanes:
            lane.kill()

    async def stop(self, grace: float) -> None:
        """Answer what was asked, for *grace* seconds at most; then end the workers."""
        self._queue.close()
        finishing = [asyncio.ensure_future(lane.finish()) for lane in self._lanes]
        if finishing:
            await asyncio.wait(finishing, timeout=grace)
        self._queue.fail_all(WorkerGone("the server stopped before the model answered"))
        await asyncio.gather(*(lane.stop() for lane in self._lanes))
        for task in finishing:
            task.cancel()

    async def _started(self, launch: Launch, queue: RequestQueue) -> tuple[Sequence[Lane], Loaded]:
        lanes = [Lane(queue, launch, self._options.batching, self._observe) for _ in range(self._options.workers)]
        results = await asyncio.gather(*(lane.start() for lane in lanes), return_exceptions=True)
        failures = [one for one in results if isinstance(one, BaseException)]
        if failures:
            await asyncio.gather(*(lane.stop() for lane in lanes))
            raise failures[0]
        return lanes, next(one for one in results if isinstance(one, Loaded))
