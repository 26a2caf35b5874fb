"""Delivers while a run goes on, in a thread that the run never waits for, and at its end as long as the server takes
it."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from typing import Any

from mlproj import outbox, tracking
from mlproj.foundation import env_vars
from mlproj.foundation.errors import MlprojError, ServiceError
from mlproj.outbox.delivery import Delivery, is_left
from mlproj.outbox.destination import Destination
from mlproj.outbox.ledger import Entry, Ledger
from mlproj.run_folder import liveness
from mlproj.tracking.base import Run

_EVERY = 1.0  # seconds between two looks
_LONGEST_PAUSE = 30.0  # seconds between two attempts while the server is out of reach
_QUICK = 3.0  # seconds
_FOR_OTHERS = 5.0  # seconds that a run which is delivered gives those before it


class UploadWorker:
    """Brings what is recorded to the server that ``MLPROJ_TRACKING_URI`` names. ``trouble`` says why the last attempt
    failed; after the end ``there`` has the fields of the run that are others with the server."""

    def __init__(self, run_id: str) -> None:
        self.trouble: MlprojError | None = None
        self.there: Mapping[str, Any] = {}
        self._run_id = run_id
        self._server = env_vars.TRACKING_URI.get() or ""
        self._outbox = outbox.open_outbox(self._server)
        self._delivery: Delivery | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._work, name="mlproj-upload-worker", daemon=True)
        self._answered = 0
        self._last_attempt_took = 0.0

    @property
    def reason(self) -> str:
        """Why the run is not delivered whole."""
        entry = self._entry()
        return str(self.trouble or (entry and entry.trouble) or "another process is delivering it")

    @property
    def server(self) -> str:
        """The address without credentials."""
        return self._outbox.server

    def start(self) -> None:
        """Begin; former runs that wait are delivered, too."""
        self._thread.start()

    def finish(self) -> bool:
        """After the run's end: deliver the rest; whether all of this run is delivered.

        Goes on as long as the server answers: for large files that takes its time.
        """
        self._stopping.set()
        self._thread.join()
        while (
            self.trouble is None or self._last_attempt_took < _QUICK
        ):  # who did not answer for long just now need not be asked again
            before = self._answered
            self._attempt(final=True)
            if self._is_delivered() or self._answered == before or self.trouble is None:
                break
        if self._delivery:
            if self.trouble is None:
                until = time.monotonic() + _FOR_OTHERS
                self._attempt(final=False, stop=lambda: time.monotonic() > until)
            self.there = self._delivery.there.get(self._run_id, {})
            self._delivery.close()
        return self._is_delivered()

    def _work(self) -> None:
        pause = 0.0
        while not self._stopping.wait(pause):
            self._attempt(final=False)
            pause = min(_LONGEST_PAUSE, max(1.0, pause) * 2) if self.trouble else _EVERY

    def _attempt(self, *, final: bool, stop: Callable[[], bool] | None = None) -> None:
        begun = time.monotonic()
        try:
            if self._delivery is None:
                with closing(tracking.open(self._outbox.uri)) as store:
                    liveness.reap(store)
                self._delivery = Delivery(self._outbox, Destination(self._server))
            if final:
                delivery = self._delivery

                def ours(run: Run) -> bool:
                    return delivery.is_below(run, self._run_id)

                delivery.deliver(may_clear=ours, first=self._run_id, only=ours, on_answer=self._server_answered)
            else:
                self._delivery.deliver(
                    may_clear=self._may_clear,
                    first=self._run_id,
                    stop=stop or self._stopping.is_set,
                    on_answer=self._server_answered,
                )
            self.trouble = None
        except MlprojError as trouble:
            self.trouble = trouble
        except Exception as trouble:  # nobody else is there to tell it, and the run is to go on
            self.trouble = ServiceError(f"{type(trouble).__name__}: {trouble}")
        self._last_attempt_took = time.monotonic() - begun

    def _server_answered(self) -> None:
        self._answered += 1

    def _is_delivered(self) -> bool:
        entry = self._entry()
        return entry is None or entry.finished

    def _entry(self) -> Entry | None:
        with closing(Ledger(self._outbox.folder / "runs.db")) as notes:
            return notes.entry(self._run_id)

    def _may_clear(self, run: Run) -> bool:
        """Runs of this process are still read by it."""
        return run.pid != os.getpid() and is_left(run)
