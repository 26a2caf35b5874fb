"""Jobs on this machine.

A job gets a session of its own. Keys pressed at a terminal (Ctrl-C, Ctrl-Z, hanging up) therefore reach mlproj alone,
which passes on what it should; and a job cannot be stopped for ever by reading from a terminal in the background. For
the same reason its standard input is ours only when that is no terminal (a pipe, a file), else it is empty.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from contextlib import ExitStack

from mlproj.backends.base import Job, Outcome
from mlproj.backends.event_queue import EventQueue
from mlproj.backends.supervisor import Supervisor
from mlproj.backends.watchdog import Watchdog
from mlproj.foundation import env_vars, process
from mlproj.foundation.dataclass import replace
from mlproj.run_folder import start_sign
from mlproj.run_folder.output_log import OutputLog


class LocalBackend:
    """Runs jobs as processes of this machine."""

    def submit(self, job: Job) -> LocalSubmission:
        """Start the job, from any thread. Raises ServiceError when it cannot be started; nothing is left then."""
        with ExitStack() as undo:
            if job.on_end:
                undo.callback(job.on_end)
            log = OutputLog(job.log_dir)
            undo.callback(log.close)
            watchdog = Watchdog(job.run_id, job.grace, job.cleanup_argv)
            undo.callback(watchdog.release)
            environ = {**job.environ, env_vars.RUN_ID.name: job.run_id}
            started = process.start(
                job.argv, cwd=job.cwd, env=environ, stdin=_standard_input(), pass_fds=job.descriptors
            )
            watchdog.guard(started.pid)
            undo.pop_all()
        return LocalSubmission(job, started, watchdog, log)


class LocalSubmission:
    """A job that runs, or ran, on this machine. Someone must :meth:`wait`, or its output fills a pipe and it stops."""

    def __init__(self, job: Job, started: subprocess.Popen[bytes], watchdog: Watchdog, log: OutputLog) -> None:
        self._pid = started.pid
        self._job = job
        self._events = EventQueue()
        self._supervisor: Supervisor | None = Supervisor(job, started, watchdog, log, self._events)
        self._waiting = threading.Lock()
        self._outcome: Outcome | None = None

    @property
    def pid(self) -> int:
        """The job's first process, leader of its process group and session."""
        return self._pid

    def wait(self) -> Outcome:
        """Wait for the end, in any thread; no process of the job is left when this returns.

        Python's own KeyboardInterrupt is passed on as SIGINT and told in the outcome, not raised.
        """
        with self._waiting:
            if self._outcome is None:
                self._outcome = self._supervise()
            return self._outcome

    def _supervise(self) -> Outcome:
        assert self._supervisor is not None
        explanation = None
        try:
            outcome = self._supervisor.supervise()
        finally:
            self._supervisor = None
            if self._job.on_end:
                explanation = self._job.on_end()
        usage = outcome.usage if self._job.is_measured else None
        sign = self._job.start_sign
        has_begun = start_sign.collect(sign) if sign else None
        return replace(outcome, explanation=explanation, usage=usage, has_begun=has_begun)

    def cancel(self) -> None:
        """Ask the job to end, from any thread; after the grace time it is killed. Returns at once."""
        self._events.put("cancelled", signal.SIGTERM)

    def interrupt(self, signal_number: int) -> None:
        """Pass on a signal that we received; at the second one the job is killed. May be called in a signal handler."""
        self._events.put("signal", signal_number)


def _standard_input() -> int | None:
    """What a job reads: None for our own standard input."""
    try:
        is_ours = os.get_inheritable(0)  # else our caller closed it, and the number went to some file of ours
    except OSError:
        is_ours = False
    return None if is_ours and not os.isatty(0) else subprocess.DEVNULL
