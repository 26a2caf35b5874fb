"""One worker and the loop that feeds it: takes requests, has them answered, and replaces a worker that ended."""

from __future__ import annotations

import asyncio
import contextlib
import json
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from mlproj.foundation.dataclass import dataclass
from mlproj.models.scoring.queue import Pending, RequestQueue, TimedOut
from mlproj.models.scoring.worker_process import (
    Loaded,
    Worker,
    WorkerGone,
    answers,
)

_LENGTHS = struct.Struct(">II")
_LONGEST_PAUSE = 30.0  # seconds between attempts to start a worker anew
_BUFFER = 1 << 20  # bytes that the reader may hold


@dataclass(frozen=True)
class Batching:
    """How requests are put together: at most ``most`` at once; after the first one the others are waited for
    ``delay`` seconds. A worker that is busy makes them wait anyhow, and so come together."""

    most: int = 64
    delay: float = 0.0


class Lane:
    """Feeds one worker. *launch* starts a worker that has loaded the model; it blocks and may raise.

    ``observe`` is told of every batch: the number of requests, and the seconds that the worker took.
    """

    def __init__(
        self,
        queue: RequestQueue,
        launch: Callable[[], tuple[Worker, Loaded]],
        batching: Batching,
        observe: Callable[[int, float], None] = lambda _size, _seconds: None,
    ) -> None:
        self._queue = queue
        self._launch = launch
        self._batching = batching
        self._observe = observe
        self._worker: Worker | None = None
        self._stream: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._task: asyncio.Task[None] | None = None
        self._failures = 0
        self.restarts = 0

    @property
    def is_ready(self) -> bool:
        """Whether its worker has loaded the model and lives, as far as is known."""
        return self._stream is not None

    @property
    def pid(self) -> int | None:
        """The worker's process."""
        return self._worker.pid if self._worker else None

    async def start(self) -> Loaded:
        """Start the worker, and feed it from now on. Raises what *launch* raises."""
        loaded = await self._start_worker()
        self._task = asyncio.get_running_loop().create_task(self._feed())
        return loaded

    async def stop(self) -> None:
        """End the worker, after the batch it has; to be called when the queue is closed, or to drop this lane."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self._end_worker()

    async def finish(self) -> None:
        """Wait until the closed queue is empty and all is answered; then end the worker."""
        if self._task is not None:
            await asyncio.wait([self._task])
        await self._end_worker()

    async def _start_worker(self) -> Loaded:
        worker, loaded = await asyncio.to_thread(self._launch)
        worker.connection.setblocking(False)  # the socket's own signature
        self._worker = worker
        self._stream = await asyncio.open_connection(sock=worker.connection, limit=_BUFFER)
        return loaded

    async def _end_worker(self) -> None:
        worker, stream = self._worker, self._stream
        self._worker, self._stream = None, None
        if stream is not None:
            stream[1].close()
        if worker is not None:
            await asyncio.to_thread(worker.end)

    async def _feed(self) -> None:
        while not self._queue.is_over:
            if self._stream is None and not await self._restarted():
                continue
            batch = await self._queue.take(self._batching.most, self._batching.delay)
            if not batch:
                return
            await self._answer(batch)

    async def _restarted(self) -> bool:
        """Start a worker anew; after a failure a pause, each longer than the last."""
        try:
            await self._start_worker()
        except Exception:  # whatever it is: the next attempt tells whether it lasts
            self._failures += 1
            await asyncio.sleep(min(_LONGEST_PAUSE, 0.1 * 2 ** min(self._failures, 10)))
            return False
        self._failures = 0
        return True

    async def _answer(self, batch: Sequence[Pending]) -> None:
        loop = asyncio.get_running_loop()
        begin = loop.time()
        deadline = min(pending.deadline for pending in batch)
        # The only way to stop a prediction is to end its process.
        timer = loop.call_at(deadline, self.kill)
        try:
            header, body = await self._asked({"op": "invoke", "items": [one.item for one in batch]}, batch)
        except (OSError, EOFError, asyncio.IncompleteReadError):
            await self._lost(batch)
            return
        except asyncio.CancelledError:
            for pending in batch:
                pending.fail(WorkerGone("the server stopped before the model answered"))
            raise
        finally:
            timer.cancel()
        for pending, answer in zip(batch, answers(header, body), strict=True):
            if not pending.answer.done():
                pending.answer.set_result(answer)
        self._observe(len(batch), loop.time() - begin)

    async def _asked(self, header: Mapping[str, Any], batch: Sequence[Pending]) -> tuple[dict[str, Any], memoryview]:
        assert self._stream is not None
        reader, writer = self._stream
        head = json.dumps(header).encode()
        size = sum(len(pending.body) for pending in batch)
        writer.write(b"".join((_LENGTHS.pack(len(head), size), head, *(pending.body for pending in batch))))
        await writer.drain()
        head_size, body_size = _LENGTHS.unpack(await reader.readexactly(_LENGTHS.size))
        content = memoryview(await reader.readexactly(head_size + body_size))
        return json.loads(bytes(content[:head_size])), content[head_size:]

    def kill(self) -> None:
        """End the process of the worker at once; another one is started."""
        if self._worker is not None:
            self._worker.kill()

    async def _lost(self, batch: Sequence[Pending]) -> None:
        """The worker ended in the middle of *batch*: those whose time is over learn that, the others that it ended."""
        now = asyncio.get_running_loop().time()
        worker = self._worker
        reason = await asyncio.to_thread(worker.how_it_ended) if worker else "ended"
        for pending in batch:
            is_late = pending.deadline <= now
            pending.fail(
                TimedOut("the model did not answer in time") if is_late else WorkerGone(f"the model's process {reason}")
            )
        self.restarts += 1
        await self._end_worker()
