"""A run that was started: waits for it, or ends it."""

from __future__ import annotations

import threading
from collections.abc import Callable

from mlproj.backends.base import Submission
from mlproj.tracking.base import Run, Status


class RunHandle:
    """A run that was started. Safe to use from any thread."""

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        self.run: Run | None = None
        self._submission: Submission | None = None
        self._cancelled = False
        self._done = threading.Event()
        self._error: BaseException | None = None
        self._lock = threading.Lock()

    @property
    def status(self) -> Status:
        """How the run stands; SCHEDULED while its environment is made."""
        if self.run is not None:
            return self.run.status
        if self._done.is_set():
            return Status.FAILED
        return Status.RUNNING if self._submission is not None else Status.SCHEDULED

    def wait(self) -> bool:
        """Wait for the end; True when the entry point succeeded. Raises what kept it from running at all."""
        self._done.wait()
        if self._error is not None:
            raise self._error
        return self.run is not None and self.run.status is Status.FINISHED

    def cancel(self) -> None:
        """Ask the run to end and return; :meth:`wait` tells when it has. Cancelling twice, or too late, does
        nothing."""
        with self._lock:
            self._cancelled = True
            if self._submission is not None:
                self._submission.cancel()

    def attach(self, submission: Submission) -> None:
        """Learn what to cancel; for the runner only."""
        with self._lock:
            self._submission = submission
            if self._cancelled:
                submission.cancel()

    def complete(self, execute: Callable[[], object]) -> None:
        """Let *execute* do the run, and keep what kept it from running; for the code that starts it only."""
        try:
            execute()
        except BaseException as error:
            self._error = error
        finally:
            self._done.set()
