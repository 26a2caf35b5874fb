"""A server that follows an alias: when it stands for another version, that one is warmed, and takes over."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import TypeVar

from mlproj.foundation.dataclass import dataclass
from mlproj.foundation.errors import MlprojError
from mlproj.foundation.progress import Progress
from mlproj.models import address
from mlproj.models.address import OfRegistry
from mlproj.models.locating import Locator
from mlproj.models.scoring.worker_process import Loaded
from mlproj.models.serving.current import Current
from mlproj.models.serving.measurements import Measurements
from mlproj.models.serving.source import Model

Value = TypeVar("Value")


@dataclass(frozen=True)
class Following:
    """*text* is an address that may name another version tomorrow; *open* opens the model at one that cannot. It is
    looked up every ``interval`` seconds."""

    text: str
    interval: float
    open: Callable[[str], Model]


def is_moving(text: str) -> bool:
    """Whether the address *text* may name another version tomorrow."""
    named = address.parse(text)
    return isinstance(named, OfRegistry) and named.version is None


class Follower:
    """Keeps *current*, which *model* began with, what the address stands for."""

    def __init__(
        self, following: Following, current: Current, model: Model, measurements: Measurements, progress: Progress
    ) -> None:
        self._following = following
        self._current = current
        self._model = model
        self._measurements = measurements
        self._progress = progress
        self._refused: str | None = None
        self._trouble: str | None = None

    async def follow(self) -> None:
        """Look, and change the version, until cancelled."""
        while True:
            await asyncio.sleep(self._following.interval)
            wanted = await self._look()
            if wanted is None or wanted == self._model.about.address:
                self._refused = None if wanted is not None else self._refused
            elif wanted != self._refused:
                await self._change(wanted)

    def close(self) -> None:
        """Close the model that is served last."""
        self._model.close()

    async def _look(self) -> str | None:
        """What the address stands for now; None if nobody can tell, which is said once."""
        try:
            found = await _in_thread(lambda: _standing_for(self._following.text))
        except MlprojError as error:
            if str(error) != self._trouble:
                self._progress.warn(f"cannot look up {self._following.text}: {error}; what is served stays")
            self._trouble = str(error)
            return None
        self._trouble = None
        return found

    async def _change(self, wanted: str) -> None:
        self._progress.note(f"{self._following.text} is {wanted} now")
        try:
            model = await _in_thread(lambda: self._following.open(wanted))
        except MlprojError as error:
            return self._refuse(wanted, error)
        before = self._model
        try:
            await self._current.service.replace(model.launch, lambda loaded: self._take(model, loaded))
        except MlprojError as error:
            self._refuse(wanted, error)
        finally:
            unused = before if self._model is model else model
            threading.Thread(target=unused.close).start()  # is waited for, so that nothing of it is left

    def _take(self, model: Model, loaded: Loaded) -> None:
        self._model = model
        self._current.about, self._current.loaded_by = model.about, loaded.loaded_by
        self._refused = None
        self._measurements.replacements += 1
        self._progress.note(f"{model.about.title} answers from now on")

    def _refuse(self, wanted: str, error: MlprojError) -> None:
        self._refused = wanted
        self._progress.warn(f"{wanted} is not served: {error}; {self._model.about.title} goes on answering")


def _standing_for(text: str) -> str:
    named = address.parse(text)
    assert isinstance(named, OfRegistry)
    with Locator() as locator:
        return locator.standing_for(named)


async def _in_thread(call: Callable[[], Value]) -> Value:
    """What *call* returns, in a thread that the server's end does not wait for: it may be making an environment."""
    loop = asyncio.get_running_loop()
    result: asyncio.Future[Value] = loop.create_future()

    def settle(value: Value | None, error: BaseException | None) -> None:
        if result.done():
            return
        if error is not None:
            result.set_exception(error)
        else:
            result.set_result(value)  # type: ignore[arg-type]

    def run() -> None:
        try:
            outcome: tuple[Value | None, BaseException | None] = (call(), None)
        except Exception as error:
            outcome = (None, error)
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, *outcome)

    threading.Thread(target=run, daemon=True).start()
    return await result
