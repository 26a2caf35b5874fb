"""The signals that end a server: the first one gently, the second one at once."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from mlproj.models.scoring.worker_process import Loaded

if TYPE_CHECKING:
    import uvicorn


class Ending:
    """The signals: the first one asks the server to end, the second one to hurry."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._told = self._loop.create_future()
        self._hurried = self._loop.create_future()
        self._server: uvicorn.Server | None = None
        for number in (signal.SIGINT, signal.SIGTERM):
            self._loop.add_signal_handler(number, self._signalled)

    def _signalled(self) -> None:
        first = not self._told.done()
        waited = self._told if first else self._hurried
        if not waited.done():
            waited.set_result(self._loop.time())
        if self._server is not None:
            self._server.should_exit = True
            self._server.force_exit = not first

    def tell(self, server: uvicorn.Server) -> None:
        """Have *server* end when a signal comes, or has come."""
        self._server = server
        server.should_exit = self._told.done()

    def rest(self, grace: float) -> float:
        """What is left of *grace* seconds since the first signal."""
        return max(0.0, grace - (self._loop.time() - self._told.result())) if self._told.done() else 0.0

    async def unless_told(self, starting: asyncio.Future[Loaded], give_up: Callable[[], object]) -> Loaded | None:
        """The result of *starting*; None if a signal comes before, and *give_up* is called, after which it fails."""
        await asyncio.wait([starting, self._told], return_when=asyncio.FIRST_COMPLETED)
        if starting.done():
            return starting.result()
        await asyncio.to_thread(give_up)
        await asyncio.wait([starting])
        if not starting.cancelled():
            starting.exception()
        return None

    async def unless_hurried(self, stopping: Any, hurry: Callable[[], object]) -> None:
        """Wait for *stopping*; call *hurry*, after which it ends soon, when the second signal comes."""
        task = asyncio.ensure_future(stopping)
        await asyncio.wait([task, self._hurried], return_when=asyncio.FIRST_COMPLETED)
        if not task.done():
            hurry()
        await task
