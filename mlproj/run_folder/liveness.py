"""Whether a run that says it is running still is.

The process that owns a run holds a lock on ``alive.lock`` in the run's folder from before the run is recorded until
after its end is. The system lets go of the lock when the process dies, however it dies, and then anybody who lists runs
sees it and records the end. Runs of other machines (a home on a network share) are left to those machines, whose locks
and processes cannot be judged from here.
"""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlproj.foundation import paths
from mlproj.foundation.errors import MlprojError, ServiceError
from mlproj.run_folder.log_file import Reader
from mlproj.tracking.base import UNFINISHED, NotFound, Run, RunChanges, Status, TrackingStore

LOCK = "alive.lock"
REASON = "mlproj was killed or the machine stopped"
_LATE = 3_600_000  # milliseconds


@contextmanager
def hold(run_dir: Path) -> Iterator[None]:
    """Be the owner of the run in *run_dir* (made when missing) until leaving. Enter before the run is recorded.

    The lock is not inherited by programs that are started meanwhile. Raises ServiceError when the folder cannot be
    written or locked, or another process owns the run.
    """
    file = run_dir / LOCK
    try:
        run_dir.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        if not _try_lock(descriptor, fcntl.LOCK_EX):
            os.close(descriptor)
            raise ServiceError(f"another process owns the run in {run_dir}")
    except OSError as error:
        raise ServiceError(
            f"cannot use {file}: {error.strerror}", hint="make the folder writable, or set MLPROJ_HOME to another one"
        ) from error
    try:
        yield
        file.unlink(missing_ok=True)  # after a death it stays: its time is a sign of life
    finally:
        os.close(descriptor)


def owner_lives(run_dir: Path, pid: int | None) -> bool:
    """Whether the process that owns the run in *run_dir* is there. Takes nothing away and makes nothing.

    Without a lock to ask (another home shares the store, or somebody removed the folder) the process id decides.
    """
    try:
        descriptor = os.open(run_dir / LOCK, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return pid is not None and _exists(pid)
    except OSError:  # another user's run, perhaps: it is not for us to judge
        return True
    try:
        # Shared, so that two who look at once do not take each other for the owner.
        return not _try_lock(descriptor, fcntl.LOCK_SH)
    except OSError:  # a file system that cannot lock says nothing
        return True
    finally:
        os.close(descriptor)


def reap(store: TrackingStore) -> list[Run]:
    """Record the end of this machine's runs whose process is gone, as KILLED at their last sign of life; return them.

    One indexed query when nothing is running. A run that ends by itself meanwhile keeps its own end.
    """
    _read_late_lines(store)
    host = os.uname().nodename
    dead = []
    for run in store.list_runs(statuses=UNFINISHED, lifecycle_stage=None):
        run_dir = paths.run_dir(run.run_id)
        if run.host != host or owner_lives(run_dir, run.pid):
            continue
        _read_on(store, run.run_id, run_dir)
        end = max(last_sign_of_life(run_dir) or 0, run.start_time or 0)
        if store.update_run(
            run.run_id, RunChanges(status=Status.KILLED, status_reason=REASON, end_time=end), expected=UNFINISHED
        ):
            dead.append(store.get_run(run.run_id))
    return dead


def _read_on(store: TrackingStore, run_id: str, run_dir: Path) -> None:
    """Take over what a dead run's program appended to its files, unless another process is at it.

    The program may outlive its mlproj by the grace time, and write on. So the run is noted in the home's folder
    ``late``, and whoever looks for dead runs reads on, until there has been no sign of life for an hour.
    """
    is_quiet = time.time() * 1000 - (last_sign_of_life(run_dir) or 0) > _LATE
    note = paths.home() / "late" / run_id
    try:
        with _taken(run_dir) as is_ours:
            if not is_ours:
                return
            if not is_quiet:
                note.parent.mkdir(parents=True, exist_ok=True)
                note.touch()
            Reader(store, run_id, run_dir).read(final=is_quiet)
            if is_quiet:
                note.unlink(missing_ok=True)
    except NotFound:  # purged
        note.unlink(missing_ok=True)
    except (OSError, MlprojError):  # the run's end is to be recorded all the same, and those of others
        return


def _read_late_lines(store: TrackingStore) -> None:
    try:
        with os.scandir(paths.home() / "late") as entries:
            run_ids = [entry.name for entry in entries]
    except OSError:
        return
    for run_id in run_ids:
        _read_on(store, run_id, paths.run_dir(run_id))


@contextmanager
def _taken(run_dir: Path) -> Iterator[bool]:
    """Own the dead run in *run_dir*; False when another process does."""
    descriptor = os.open(run_dir / LOCK, os.O_RDWR | os.O_CLOEXEC)
    try:
        yield _try_lock(descriptor, fcntl.LOCK_EX)
    finally:
        os.close(descriptor)


def last_sign_of_life(run_dir: Path) -> int | None:
    """When a file in *run_dir* was last written, in UTC milliseconds; None when there is none."""
    try:
        with os.scandir(run_dir) as entries:
            return max((entry.stat(follow_symlinks=False).st_mtime_ns // 1_000_000 for entry in entries), default=None)
    except OSError:
        return None


def _try_lock(descriptor: int, kind: int) -> bool:
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it is there, and another user's
        return True
    return True
