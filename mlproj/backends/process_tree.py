"""All processes of a job, also those that left its process group.

A job's processes are: its process group and its session; everything that descends from them; and everything that
carries the run's id in its environment, which a daemon keeps that has forked twice and made a session of its own.
A daemon that has also emptied its environment is found where this process adopts orphans (:mod:`subreaper`), and only
there.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from mlproj.backends import subreaper
from mlproj.foundation import env_vars, process
from mlproj.foundation.dataclass import dataclass, replace

_PROC = "/proc"
_MARKER = b"\0" + env_vars.RUN_ID.name.encode() + b"="


@dataclass(frozen=True)
class Member:
    """One living process. ``started`` counts clock ticks since boot; ``run_id`` is what its environment says."""

    pid: int
    parent: int
    group: int
    session: int
    started: int
    run_id: str | None


class ProcessTree:
    """The processes of run *run_id* whose first process was *root*, leader of its own session (0: not known).

    As long as *root* is not reaped its number is not given to another process; reap it last.
    """

    def __init__(self, run_id: str, root: int) -> None:
        self.root = root
        self._run_id = run_id
        self._run_ids = {run_id}  # with those of runs that this run started, which end with it
        self._started = _started(root)

    def members(self) -> list[Member]:
        """Those alive now; zombies are not."""
        table = _processes(self._started)
        while True:
            found = self._closure(table)
            # A nested run's processes may outlive the mlproj that ties them to us: remember their run id.
            nested = {member.run_id for member in found if member.run_id} - {os.environ.get(env_vars.RUN_ID.name)}
            if nested <= self._run_ids:
                return found
            self._run_ids |= nested

    def signal(self, number: int) -> None:
        """Send *number* to all of the job, each process once.

        A run inside the run is told by its own mlproj, which may need to record it; only SIGKILL goes to all at once.
        """
        members = self.members()
        if self.root:
            _send(os.killpg, self.root, number)
        for member in members:
            nested = member.run_id != self._run_id and member.run_id in self._run_ids
            if not self._in_group(member) and (number == signal.SIGKILL or not nested):
                _send(os.kill, member.pid, number)
        if number != signal.SIGKILL:
            self._resume(members)

    def _resume(self, members: Iterable[Member]) -> None:
        """Wake stopped processes: they would not see the signal before."""
        if self.root:
            _send(os.killpg, self.root, signal.SIGCONT)
        for member in members:
            if not self._in_group(member):
                _send(os.kill, member.pid, signal.SIGCONT)

    def _in_group(self, member: Member) -> bool:
        return self.root != 0 and member.group == self.root

    def _closure(self, table: list[Member]) -> list[Member]:
        found: dict[int, Member] = {}
        children: dict[int, list[Member]] = {}
        for member in table:
            children.setdefault(member.parent, []).append(member)
        open_ends = [member for member in table if self._is_seed(member)]
        while open_ends:
            member = open_ends.pop()
            if member.pid not in found:
                found[member.pid] = member
                open_ends.extend(children.get(member.pid, ()))
        return list(found.values())

    def _is_seed(self, member: Member) -> bool:
        adopter = subreaper.adopter()  # 0 is also what a process from outside of our container has as parent
        if adopter and member.parent == adopter and not process.is_ours(member.pid):
            return True
        return member.run_id in self._run_ids or (
            self.root != 0 and self.root in (member.pid, member.group, member.session)
        )


def end_orphans(run_id: str, root: int, grace: float) -> None:
    """End what is left of a run whose mlproj was killed: SIGTERM, after *grace* seconds SIGKILL."""
    tree = ProcessTree(run_id, root)
    tree.signal(signal.SIGTERM)
    deadline = time.monotonic() + grace
    while tree.members():
        if time.monotonic() >= deadline:
            tree.signal(signal.SIGKILL)
            if time.monotonic() >= deadline + 5:
                return
        time.sleep(0.05)


def _send(function: Callable[[int, int], None], pid: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        function(pid, number)


def _started(pid: int) -> int:
    entry = _read_stat(pid)
    return 0 if entry is None else entry.started


def _processes(since: int) -> list[Member]:
    """Living processes that started at *since* or later: nothing older can belong to the job."""
    try:
        names = os.listdir(_PROC)  # noqa: PTH208  # a hot path: names, not Path objects
    except FileNotFoundError:
        names = []
    pids = [int(name) for name in names if name.isdigit()]
    if not pids:
        return _processes_by_ps()
    found = []
    for pid in pids:
        entry = _read_stat(pid, since)
        if entry is not None:
            run_id = _read_run_id(pid)
            found.append(replace(entry, run_id=run_id) if run_id and _counts_as_we_do(pid) else entry)
    return found


def _counts_as_we_do(pid: int) -> bool:
    """Whether a process is in our PID namespace. One in a container carries the run's id too, and is its engine's to
    end."""
    try:
        return os.readlink(f"{_PROC}/{pid}/ns/pid") == os.readlink(f"{_PROC}/self/ns/pid")  # noqa: PTH115  # a hot path
    except OSError:
        return True


def _read_stat(pid: int, since: int = 0) -> Member | None:
    """proc(5): ``pid (comm) state ppid pgrp session …``, the start time is field 22. None for the dead, zombies,
    and what is older than *since*: most of a machine's processes."""
    try:
        descriptor = os.open(f"{_PROC}/{pid}/stat", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        text = os.read(descriptor, 1024)
    except OSError:
        return None
    finally:
        os.close(descriptor)
    fields = text[text.rfind(b")") + 2 :].split()  # the name may hold blanks and brackets
    if not fields or fields[0] in (b"Z", b"X") or (started := int(fields[19])) < since:
        return None
    return Member(pid, int(fields[1]), int(fields[2]), int(fields[3]), started, None)


def _read_run_id(pid: int) -> str | None:
    try:
        environ = b"\0" + Path(f"{_PROC}/{pid}/environ").read_bytes()
    except OSError:  # gone, or another user's
        return None
    _, found, rest = environ.partition(_MARKER)
    return rest.partition(b"\0")[0].decode("utf-8", "replace") if found else None


def run_id_of(pid: int) -> str | None:
    """The run that a process says in its environment to be part of; None where it may not be read."""
    return _read_run_id(pid)


def parent_of(pid: int) -> int:
    """The process that *pid* was started by, 0 for one that is gone."""
    entry = _read_stat(pid)
    return 0 if entry is None else entry.parent


def _processes_by_ps() -> list[Member]:
    """The same where there is no /proc (macOS). Environments are not read: a daemon in a session of its own is
    missed."""
    done = process.run(["ps", "-A", "-o", "pid=,ppid=,pgid=,stat="])
    return parse_ps(done.text)


def parse_ps(text: str) -> list[Member]:
    """Lines of ``pid ppid pgid state``; zombies left out."""
    rows = [line.split() for line in text.splitlines()]
    return [
        Member(int(row[0]), int(row[1]), int(row[2]), 0, 0, None)
        for row in rows
        if len(row) == 4 and not row[3].startswith("Z")
    ]


def main() -> None:
    """``RUN_ID GRACE [COMMAND…] ROOT``: what the watchdog runs when mlproj is gone."""
    run_id, grace, *more, root = sys.argv[1:]
    end_orphans(run_id, int(root or 0), float(grace))
    if more:
        for pause in (1.0, 5.0, 0.0):  # what it is to end may just be coming into being
            process.run(more)
            time.sleep(pause)
