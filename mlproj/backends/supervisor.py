"""One loop from a job's start to its end: reads both streams, acts on signals and timers, leaves no process.

How a job ends, whatever began it: (1) a signal to all its processes (the one received, SIGTERM for a timeout or a
cancellation); (2) after the grace time, or at the second signal, SIGKILL. When its first process ends, by itself or
not, what is left gets a moment to end as well, then SIGTERM, then after the grace time SIGKILL.
"""

from __future__ import annotations

import math
import os
import select
import signal
import subprocess
import sys
import time

from mlproj.backends.base import LASTING, Job, Outcome, Usage
from mlproj.backends.echo import Echo
from mlproj.backends.event_queue import EventQueue, Request
from mlproj.backends.process_tree import ProcessTree
from mlproj.backends.watchdog import Watchdog
from mlproj.run_folder.output_log import OutputLog

_BLOCK = 1 << 16
_PIPE_AT_MOST = 1 << 20  # what is read at most from a pipe that a process which cannot be found still writes to
# Seconds.
LEFTOVER_PATIENCE = 0.25  # for what ends by itself after the command, such as the `tee` of `> >(tee log)`
_LOOK_AGAIN = 0.02
_GIVE_UP = 5.0  # after SIGKILL: a process that the kernel does not let go (a dead network disk)
_SAME_SIGNAL = 0.2  # service managers signal a whole tree: SIGTERM comes twice, directly and from an outer run
_PEAK_UNIT = 1 if sys.platform == "darwin" else 1024  # bytes; getrusage(2)
# Nobody but the program itself is to blame for these.
_CRASHES = {
    signal.SIGSEGV,
    signal.SIGABRT,
    signal.SIGBUS,
    signal.SIGFPE,
    signal.SIGILL,
    signal.SIGTRAP,
    signal.SIGSYS,
    signal.SIGPIPE,
}
# What a shell returns when someone else ended the program it ran.
_SHELL_CODES = {128 + signal.SIGINT, 128 + signal.SIGKILL, 128 + signal.SIGTERM}


class Supervisor:
    """Supervises one job; its state is which of its timers are set."""

    def __init__(
        self, job: Job, started: subprocess.Popen[bytes], watchdog: Watchdog, log: OutputLog, events: EventQueue
    ) -> None:
        self._job = job
        self._process = started
        self._watchdog = watchdog
        self._log = log
        self._events = events
        self._tree = ProcessTree(job.run_id, started.pid)
        self._echo = Echo(job.echo)
        self._streams = {
            pipe.fileno(): number for number, pipe in ((1, started.stdout), (2, started.stderr)) if pipe is not None
        }
        self._end = _open_pidfd(started.pid)  # readable when the first process has ended
        self._stop: Request | None = None
        self._notes: list[str] = []
        self._usage: Usage | None = None
        # When to do what (monotonic seconds); infinity: never.
        self._timeout_at = math.inf if job.timeout is None else time.monotonic() + job.timeout
        self._lasting_at = time.monotonic() + LASTING if job.on_lasting else math.inf
        self._ended_at = math.inf
        self._look_at = math.inf  # for leftovers
        self._term_at = math.inf  # for leftovers
        self._kill_at = math.inf
        self._give_up_at = math.inf

    def supervise(self) -> Outcome:
        """Wait until the job is over and its output is kept, however long that takes. To be called once."""
        try:
            with self._events.fed_by_signals():
                while not self._is_over():
                    try:
                        self._poll_once()
                    except KeyboardInterrupt:
                        self._handle(Request("signal", signal.SIGINT, time.monotonic()))
            self._read_rest()
            self._finish_echo()
        except BaseException:
            self._tree.signal(signal.SIGKILL)
            raise
        finally:
            self._watchdog.release()
            self._reap()
            self._close()
        return self._outcome()

    # One turn of the loop.

    def _poll_once(self) -> None:
        poll = select.poll()
        for descriptor in self._descriptors_to_poll():
            poll.register(descriptor, select.POLLIN)
        blocked = self._echo.awaited
        if blocked is not None:
            poll.register(blocked, select.POLLOUT)
        for descriptor, _ in poll.poll(self._milliseconds_to_wait()):
            if descriptor in self._streams:
                self._read(descriptor)
        self._echo.pump()
        while (request := self._events.get()) is not None:
            self._handle(request)
        self._check_timers(time.monotonic())

    def _descriptors_to_poll(self) -> list[int]:
        awaited = [self._events.descriptor]
        if not self._echo.is_full:  # whoever reads us is slow: let the job wait as it would without us
            awaited.extend(self._streams)
        if self._end is not None and self._ended_at == math.inf:
            awaited.append(self._end)
        return awaited

    def _milliseconds_to_wait(self) -> int | None:
        """Return the time until the next timer is due; None: wait until something happens."""
        due = min(self._timeout_at, self._lasting_at, self._look_at, self._term_at, self._kill_at, self._give_up_at)
        if self._end is None and self._ended_at == math.inf:
            due = min(due, time.monotonic() + _LOOK_AGAIN)
        return None if due == math.inf else max(0, math.ceil((due - time.monotonic()) * 1000))

    def _read(self, descriptor: int) -> int:
        """Keep and echo what a stream holds now; returns how many bytes that was, 0 at its end."""
        data = os.read(descriptor, _BLOCK)
        if data:
            stream = self._streams[descriptor]
            self._echo.write(stream, data)
            self._keep(stream, data)
        else:
            del self._streams[descriptor]
        return len(data)

    def _keep(self, stream: int, data: bytes) -> None:
        if self._log.problem:
            return
        self._log.write(stream, data)
        if self._log.problem:
            self._notes.append(self._log.problem)
            self._echo.write(2, f"mlproj: {self._log.problem}; the run goes on\n".encode())

    # Ending.

    def _handle(self, request: Request) -> None:
        if self._stop is None:
            self._stop = request
            self._timeout_at = math.inf
            if self._ended_at == math.inf:
                if not (self._job.send_signal and self._job.send_signal(request.signal_number)):
                    self._tree.signal(request.signal_number)
                self._kill_at = request.time + self._job.grace
            else:  # only leftovers are waited for, and now somebody is waiting for us
                self._kill_at = request.time
        elif request.reason == "signal" and not self._repeats(request):
            self._kill_at = min(self._kill_at, request.time)

    def _repeats(self, request: Request) -> bool:
        """Whether this is the same call to end, come twice; two presses of Ctrl-C are two."""
        assert self._stop is not None
        same = request.signal_number == self._stop.signal_number != signal.SIGINT and self._stop.reason == "signal"
        return same and request.time - self._stop.time < _SAME_SIGNAL

    def _check_timers(self, now: float) -> None:
        if self._ended_at == math.inf and _has_ended(self._process.pid):
            self._ended_at = self._look_at = now
            self._timeout_at = self._lasting_at = math.inf
            self._term_at = now + LEFTOVER_PATIENCE
        if now >= self._lasting_at and self._job.on_lasting:
            self._lasting_at = math.inf
            self._job.on_lasting(self._process.pid)
        if now >= self._timeout_at:
            self._handle(Request("timeout", signal.SIGTERM, now))
        if now >= self._term_at:
            self._term_at = math.inf
            self._tree.signal(signal.SIGTERM)
            self._kill_at = min(self._kill_at, now + self._job.grace)
        if now >= self._kill_at:
            self._give_up_at = min(self._give_up_at, now + _GIVE_UP)
            self._tree.signal(signal.SIGKILL)
            self._kill_at = now + _LOOK_AGAIN  # again, for what was born meanwhile

    def _is_over(self) -> bool:
        now = time.monotonic()
        if self._ended_at == math.inf:
            return now >= self._give_up_at and self._abandon([self._process.pid])
        if now < self._look_at:
            return False
        self._look_at = now + _LOOK_AGAIN
        left = [member.pid for member in self._tree.members()]
        return not left or (now >= self._give_up_at and self._abandon(left))

    def _abandon(self, pids: list[int]) -> bool:
        self._notes.append(f"not ended by SIGKILL: process {', '.join(map(str, pids))}")
        return True

    # Afterwards.

    def _read_rest(self) -> None:
        """What is still in the pipes. Their end is not waited for: a process that nobody can find may hold them
        open."""
        for descriptor in list(self._streams):
            poll = select.poll()
            poll.register(descriptor, select.POLLIN)
            room = _PIPE_AT_MOST
            while room > 0 and poll.poll(0) and (count := self._read(descriptor)):
                room -= count

    def _finish_echo(self) -> None:
        """Wait for whoever reads our streams, unless told to stop: then for the grace time, or up to the next
        signal."""
        give_up_at = math.inf if self._stop is None else time.monotonic() + self._job.grace
        while (blocked := self._echo.awaited) is not None:
            poll = select.poll()
            poll.register(blocked, select.POLLOUT)
            poll.register(self._events.descriptor, select.POLLIN)
            patience = None if give_up_at == math.inf else max(0, math.ceil((give_up_at - time.monotonic()) * 1000))
            try:
                poll.poll(patience)
            except KeyboardInterrupt:
                self._echo.drop()
            if self._events.get() is not None or time.monotonic() >= give_up_at:
                self._echo.drop()
            self._echo.pump()

    def _reap(self) -> None:
        """Only from now on may the number of the first process be given to another."""
        try:
            pid, status, used = os.wait4(self._process.pid, os.WNOHANG)
            if pid:
                self._process.returncode = os.waitstatus_to_exitcode(status)
                self._usage = Usage(used.ru_utime + used.ru_stime, used.ru_maxrss * _PEAK_UNIT)
        except ChildProcessError:  # reaped already
            pass
        try:
            self._process.wait(_GIVE_UP)
        except subprocess.TimeoutExpired:  # abandoned
            self._process.returncode = -signal.SIGKILL

    def _close(self) -> None:
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()
        if self._end is not None:
            os.close(self._end)
        self._echo.close()
        self._log.close()
        self._events.close()

    def _outcome(self) -> Outcome:
        code = self._process.returncode
        exit_code = 128 - code if code < 0 else code
        notes = tuple(self._notes)
        if self._stop is not None and self._stop.time < self._ended_at:
            number = self._stop.signal_number if self._stop.reason == "signal" else None
            return Outcome(exit_code, self._stop.reason, number, notes, self._usage)
        if (code < 0 and -code not in _CRASHES) or code in _SHELL_CODES:
            return Outcome(exit_code, "signal", exit_code - 128, notes, self._usage)
        return Outcome(exit_code, notes=notes, usage=self._usage)


def _open_pidfd(pid: int) -> int | None:
    """A descriptor that is readable when *pid* has ended; None where there is none (macOS, Linux before 5.3)."""
    if not hasattr(os, "pidfd_open"):
        return None
    try:
        return os.pidfd_open(pid)
    except OSError:
        return None


def _has_ended(pid: int) -> bool:
    """Whether our child has ended; it is left to be reaped."""
    try:
        return os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None
    except ChildProcessError:  # the program we are part of ignores SIGCHLD: the system has reaped it
        return True
