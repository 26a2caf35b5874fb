"""Reads a run's files about every second while it runs, and measures the machine from time to time."""

from __future__ import annotations

import threading
from collections.abc import Callable

from mlproj.foundation.errors import MlprojError
from mlproj.run_folder.log_file import Reader
from mlproj.running.system_metrics import Sampler
from mlproj.tracking.base import Runs

_EVERY = 1.0  # seconds between two looks at the files


class BackgroundWorker:
    """A thread beside one run, from :meth:`start` (if that comes) to :meth:`stop`. Whatever fails in it, the run goes
    on.

    *also* is done at each look as well, and may raise OSError.
    What it could not put into the store, because that is busy or away, it tries again at the next look.
    """

    def __init__(
        self,
        store: Runs,
        run_id: str,
        reader: Reader,
        sampler: Sampler | None,
        also: Callable[[], None] | None = None,
    ) -> None:
        self._store = store
        self._run_id = run_id
        self._reader = reader
        self._sampler = sampler
        self._also = also
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    def start(self) -> None:
        """Begin. May be called by any thread, also after the stop."""
        if self._thread is None and not self._stopping.is_set():
            self._thread = threading.Thread(target=self._work, name="mlproj-background-worker", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End, and wait until nothing is being read."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def flush(self) -> None:
        """Read what is in the files now. Raises OSError, MlprojError."""
        with self._lock:
            self._reader.read()

    def _work(self) -> None:
        while not self._stopping.wait(min(_EVERY, self._sampler.patience() if self._sampler else _EVERY)):
            try:
                if self._also:
                    self._also()
                self.flush()
                if self._sampler and (points := self._sampler.sample()):
                    self._store.log(self._run_id, metrics=points)
            except (OSError, MlprojError):
                continue
