"""Work on a thread of its own, some items ahead of or behind those who use it."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

Item = TypeVar("Item")
_WAIT = 0.2  # seconds between looks at whether the other side is still there
_AHEAD = 2


class _End:
    def __init__(self, error: BaseException | None) -> None:
        self.error = error


class Ahead(Generic[Item]):
    """The items of *source*, made by a thread while those before are worked on. A context manager: leaving stops it."""

    def __init__(self, source: Iterator[Item]) -> None:
        self._source = source
        self._items: queue.Queue[Item | _End] = queue.Queue(_AHEAD)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._make, daemon=True)

    def __enter__(self) -> Iterator[Item]:
        self._thread.start()
        return self._taken()

    def __exit__(self, *_: object) -> None:
        self._stop.set()  # it may be waiting for a pipe that never says anything: it ends with the process

    def _make(self) -> None:
        error: BaseException | None = None
        try:
            for item in self._source:
                if not self._put(item):
                    return
        except BaseException as trouble:  # raised where the items are used
            error = trouble
        self._put(_End(error))

    def _put(self, item: Item | _End) -> bool:
        while not self._stop.is_set():
            try:
                self._items.put(item, timeout=_WAIT)
            except queue.Full:
                continue
            return True
        return False

    def _taken(self) -> Iterator[Item]:
        while True:
            item = self._items.get()
            if isinstance(item, _End):
                if item.error is not None:
                    raise item.error
                return
            yield item


class Behind(Generic[Item]):
    """Gives items to *use* on a thread. Leaving the block waits for the last one; an error of *use* is raised by the
    next :meth:`put` or by leaving."""

    def __init__(self, use: Callable[[Item], object]) -> None:
        self._use = use
        self._items: queue.Queue[Item | _End] = queue.Queue(_AHEAD)
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._work, daemon=True)

    def __enter__(self) -> Behind[Item]:
        self._thread.start()
        return self

    def put(self, item: Item) -> None:
        """Have it used; waits while too many wait."""
        while True:
            if self._error is not None:
                raise self._error
            try:
                return self._items.put(item, timeout=_WAIT)
            except queue.Full:
                continue

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._use = lambda _item: None  # what waits is of no use any more
        while self._thread.is_alive():
            try:
                self._items.put(_End(None), timeout=_WAIT)
                break
            except queue.Full:
                continue
        self._thread.join()
        if kind is None and self._error is not None:
            raise self._error

    def _work(self) -> None:
        while not isinstance(item := self._items.get(), _End):
            try:
                self._use(item)
            except BaseException as error:  # raised where the items come from
                self._error = error
                return
