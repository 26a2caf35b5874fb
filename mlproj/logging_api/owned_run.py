"""Runs that a program starts by itself: recorded, held alive and read by the program, as ``mlproj run`` does for its
own."""

from __future__ import annotations

import atexit
import os
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from mlproj import outbox, tracking
from mlproj.foundation import env_vars, paths
from mlproj.foundation.errors import MlprojError, ServiceError
from mlproj.foundation.redaction import redact
from mlproj.logging_api import active_run
from mlproj.logging_api.active_run import ActiveRun
from mlproj.run_folder import artifact_folder, liveness, log_file
from mlproj.running import system_metrics
from mlproj.running.background_worker import BackgroundWorker
from mlproj.tracking.base import NewRun, Run, RunChanges, Runs, Status, TrackingStore, WrongState

if TYPE_CHECKING:
    from mlproj.outbox.upload_worker import UploadWorker


def start(run_id: str | None, run_name: str | None, experiment_name: str | None, parent: str | None) -> ActiveRun:
    """A new run, or one that goes on; a child of *parent*. Raises UsageError, ServiceError."""
    with ExitStack() as undo:
        store = tracking.open(outbox.recording_uri())
        undo.callback(store.close)
        if run_id is None:
            chosen = os.urandom(16).hex()
            undo.enter_context(liveness.hold(paths.run_dir(chosen)))
            run = _create(store, chosen, run_name, experiment_name, parent)
        else:
            run = store.get_run(run_id)
            if run.lifecycle_stage != "active":
                raise WrongState(f"the run {run.run_id} is deleted", hint="restore it first")
            undo.enter_context(liveness.hold(paths.run_dir(run.run_id)))
            store.update_run(
                run.run_id, RunChanges(status=Status.RUNNING, run_name=run_name, experiment_name=experiment_name)
            )
        owned = _OwnedRun(store, run)
        try:
            owned.begin()
        except BaseException as error:
            store.update_run(run.run_id, RunChanges(status=Status.FAILED, status_reason=redact(str(error))))
            raise
        owned.resources = undo.pop_all()
    atexit.unregister(_end_all)  # after what the program registered meanwhile, which may log
    atexit.register(_end_all, os.getpid())
    return owned.handle


def move(run_id: str, experiment_name: str) -> None:
    """Put the run that this program is part of into an experiment, unless one was chosen for it."""
    store = tracking.open(outbox.recording_uri())
    try:
        if store.get_run(run_id).experiment_id == "0":
            store.update_run(run_id, RunChanges(experiment_name=experiment_name))
    finally:
        store.close()


class _OwnedRun:
    """What the program holds for one run."""

    def __init__(self, store: TrackingStore, run: Run) -> None:
        self.resources = ExitStack()
        self._store = store
        self._run = run
        self._dir = paths.run_dir(run.run_id)

    def begin(self) -> None:
        """Make the run's files and begin to look at them."""
        try:
            log_file.make(self._dir)
            self._artifacts = artifact_folder.make(self._run, self._dir)
        except OSError as error:
            raise ServiceError(f"cannot make {error.filename}: {error.strerror}") from error
        self.handle = ActiveRun(self._run.run_id, str(self._dir), log_file.variables(self._dir, self._artifacts))
        self._reader = log_file.Reader(self._store, self._run.run_id, self._dir)
        sampler = system_metrics.Sampler(os.getpid(), system_metrics.interval()) if system_metrics.wanted() else None
        self._background_worker = BackgroundWorker(self._store, self._run.run_id, self._reader, sampler)
        self._background_worker.start()
        self._upload_worker = _upload_worker(self._run.run_id)
        self.handle.end, self.handle.flush = self.end, self._background_worker.flush

    def end(self, status: str, reason: str | None) -> None:
        """Take over what was logged and record the end."""
        self._background_worker.stop()
        with self.resources:
            try:
                self._reader.read(final=True)
                artifact_folder.keep(self._run, self._artifacts)
            except (OSError, MlprojError) as trouble:
                _warn(f"not everything that the run logged could be kept: {trouble}")
            for problem in self._reader.problems:
                _warn(f"not logged: {problem}")
            self._store.update_run(
                self._run.run_id,
                RunChanges(
                    status=Status(status),
                    status_reason=redact(reason) if reason else None,
                    end_time=time.time_ns() // 1_000_000,
                ),
            )
        if self._upload_worker and not self._upload_worker.finish():
            _warn(
                f"the run waits on this disk ({self._upload_worker.trouble}); the next run delivers it, or mlproj sync"
            )


def _upload_worker(run_id: str) -> UploadWorker | None:
    """Who brings the run to the tracking server, if there is one."""
    if not tracking.is_server(env_vars.TRACKING_URI.get()):
        return None
    from mlproj.outbox.upload_worker import UploadWorker

    worker = UploadWorker(run_id)
    worker.start()
    return worker


def _create(store: Runs, run_id: str, run_name: str | None, experiment_name: str | None, parent: str | None) -> Run:
    user = _user()
    program = sys.argv[0] if sys.argv else ""
    known = {
        "mlflow.user": user,
        "mlflow.source.name": str(Path(program).absolute()) if program not in ("", "-c") else None,
        "mlflow.source.type": "LOCAL",
        "mlflow.parentRunId": parent,
    }
    return store.create_run(
        NewRun(
            run_id=run_id,
            run_name=run_name,
            experiment_name=experiment_name or env_vars.EXPERIMENT_NAME.get(),
            tags={key: value for key, value in known.items() if value},
            host=os.uname().nodename,
            user=user,
            pid=os.getpid(),
        )
    )


def _user() -> str:
    import getpass

    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return str(os.getuid())


def _warn(text: str) -> None:
    print(f"mlproj: {text}", file=sys.stderr)  # noqa: T201  # the program has no other place to read it


def _end_all(pid: int) -> None:
    """At the program's end: what it left open ends as the program does."""
    if pid != os.getpid():
        return
    status, reason = active_run.judge(getattr(sys, "last_value", None))
    while active_run.started:
        try:
            active_run.close(active_run.started[-1], status, reason)
        except (OSError, MlprojError) as trouble:
            _warn(f"the end of a run could not be recorded: {trouble}")
