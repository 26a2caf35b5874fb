"""Writes a run's record from its first line to its last, however the run ends."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import TYPE_CHECKING

from mlproj import __version__, outbox, tracking
from mlproj.backends.base import Outcome
from mlproj.environments.base import Prepared
from mlproj.foundation import env_vars, paths
from mlproj.foundation.dataclass import replace
from mlproj.foundation.errors import Interrupted, MlprojError
from mlproj.foundation.progress import Progress
from mlproj.foundation.redaction import redact
from mlproj.run_folder import liveness
from mlproj.running import definition, machine
from mlproj.running.capture import Capture
from mlproj.running.interruption import Interruption
from mlproj.running.plan import (
    Plan,
    environment_document,
    input_documents,
    shown_command,
    shown_parameters,
    source_document,
    source_name,
)
from mlproj.tracking.base import NewRun, Run, RunChanges, Status
from mlproj.tracking.record import image_tags, mlflow_tags

if TYPE_CHECKING:
    from mlproj.outbox.upload_worker import UploadWorker

TIMEOUT_EXIT_CODE = 124
"""What a shell's ``timeout`` exits with; a run that was ended for taking too long does too."""


class Recording:
    """The record of one run, open while it runs.

    Used as a context manager: entering creates the run, leaving closes it, with the reason of whatever ended it. A
    process that dies without leaving frees the run's lock, by which others see that the run was killed.
    """

    def __init__(self, plan: Plan, progress: Progress, interruption: Interruption, run_id: str | None = None) -> None:
        self.plan = plan
        self.progress = progress
        self.run_id = run_id or new_run_id()
        self.run_dir = paths.run_dir(self.run_id)
        self.run: Run | None = None
        self._interruption = interruption
        self._environment = environment_document(plan.environment.description)
        self._status: Status | None = None
        self._reason: str | None = None
        self._exit_code: int | None = None
        self._capture: Capture | None = None
        self._resources = ExitStack()
        self._upload_worker: UploadWorker | None = None

    def __enter__(self) -> Recording:
        try:
            with self._interruption.held():
                self._open()
        except BaseException as error:  # a context that was not entered is not left
            if self.run is None:
                self._resources.close()
            else:
                self.__exit__(type(error), error, error.__traceback__)
            raise
        return self

    def _open(self) -> None:
        plan, request = self.plan, self.plan.request
        self.uri = outbox.recording_uri()
        self.store = tracking.open(self.uri)
        self._resources.callback(self.store.close)
        experiment_name, experiment_id = request.experiment_name, request.experiment_id
        if self.is_remote and experiment_id:  # of the server, which alone can say what that is
            experiment_name, experiment_id = _experiment_of_server(experiment_id), None
        self._resources.enter_context(liveness.hold(self.run_dir))
        paths.write_atomic(
            self.run_dir / paths.PLAN,
            json.dumps({"schema": 1, "mlproj": __version__, "plan": plan.to_json()}, indent=2),
        )
        if plan.project.file:
            with suppress(OSError):  # it was read, so that is no reason not to run
                paths.write_atomic(
                    self.run_dir / paths.DEFINITION,
                    definition.without_secrets(plan.project.file.read_bytes(), plan.project),
                )
        if plan.revision.diff:
            paths.write_atomic(self.run_dir / paths.DIFF, plan.revision.diff)
        self.run = self.store.create_run(
            NewRun(
                run_id=self.run_id,
                experiment_name=experiment_name,
                experiment_id=experiment_id,
                run_name=request.run_name,
                start_time=_now(),
                status=Status.RUNNING,
                params=shown_parameters(plan.command),
                tags={**self._tags(), **request.tags},
                source=source_document(plan.revision),
                environment=self._environment,
                entry_point=plan.entry_point.name,
                command=shown_command(plan.command),
                inputs=input_documents(plan.command),
                host=os.uname().nodename,
                user=user_name(),
                pid=os.getpid(),
            )
        )
        if self.is_remote:
            from mlproj.outbox.upload_worker import UploadWorker

            self._upload_worker = UploadWorker(self.run_id)
            self._upload_worker.start()

    @property
    def is_remote(self) -> bool:
        """Whether the run is for a tracking server, and waits on this disk until it is there."""
        return self.uri != env_vars.TRACKING_URI.get()

    def deliver(self) -> None:
        """After the end: see that the tracking server has it all, if there is one and it answers."""
        if self._upload_worker is None:
            return
        with self.progress.step(f"delivering to {self._upload_worker.server}"):
            is_delivered = self._upload_worker.finish()
        if is_delivered and self.run is not None:
            self.run = replace(self.run, **self._upload_worker.there)
        if not is_delivered:
            self.progress.warn(
                f"the run waits on this disk ({self._upload_worker.reason}); the next run delivers it, or mlproj sync"
            )

    def environment_is_ready(self, prepared: Prepared, environ: Mapping[str, str]) -> None:
        """Keep the environment's lock with the run, and begin to take over what the command logs and leaves.

        *environ* are the variables that the command inherits; those that may change what it computes are recorded.
        """
        self._environment["machine"] = machine.describe(environ, in_container=prepared.container_runtime is not None)
        self._environment |= {
            "python": prepared.python or self._environment["python"],
            "reused": prepared.reused,
            **prepared.record,
        }
        if prepared.lock:
            paths.write_atomic(self.run_dir / prepared.lock.name, prepared.lock.read_bytes())
            self._environment["lock"] = prepared.lock.name
        self.store.update_run(self.run_id, RunChanges(environment=self._environment))
        if image := prepared.record.get("image"):
            self.store.log(self.run_id, tags=image_tags(image["name"], image["id"]))
        assert self.run is not None
        self._capture = Capture(self.plan, self.run, self.store, self.uri, self.progress, is_remote=self.is_remote)
        self._capture.begin(self.plan.isolation.network(prepared), environ, self._resources)

    @property
    def capture(self) -> Capture:
        """Records what the command logs and leaves behind; there once the environment is ready."""
        assert self._capture is not None
        return self._capture

    def ended(self, outcome: Outcome, explanation: str | None) -> None:
        """Note how the command ended; *explanation* says more about a failure when something is known."""
        self._exit_code = outcome.exit_code
        for note in outcome.notes:
            self.progress.warn(note)
        if outcome.notes:
            self.store.log(self.run_id, tags={"mlproj.notes": "\n".join(outcome.notes)})
        self.capture.log_usage(outcome.usage)
        if outcome.stopped_by == "timeout":
            self._exit_code = TIMEOUT_EXIT_CODE
            self._status, self._reason = Status.KILLED, f"timed out after {self.plan.request.timeout:g} s"
        elif outcome.stopped_by == "cancelled":
            self._status, self._reason = Status.KILLED, "cancelled"
        elif outcome.stopped_by == "signal" and self._interruption.received:
            self._exit_code = 128 + self._interruption.received
            self._status, self._reason = Status.KILLED, str(Interrupted(self._interruption.received))
        elif outcome.exit_code == 0 and outcome.has_begun is not False:
            self._status, self._reason = Status.FINISHED, None
        else:
            self._status, self._reason = (
                Status.FAILED,
                explanation or f"the entry point ended with exit code {outcome.exit_code}",
            )

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._interruption.held(), self._resources:
            if error is not None:
                self._status, self._reason = _judge(error)
                self._exit_code = error.exit_code if isinstance(error, (MlprojError, Interrupted)) else None
            try:
                if self._capture:
                    self._end_capture(self._capture)
            finally:
                self._close()

    def _end_capture(self, capture: Capture) -> None:
        reported = capture.stop_server()
        if reported and self._status is Status.FINISHED:
            self._reason = f"the program marked its run {reported.value}, and ended with exit code 0"
        capture.collect(self._status or Status.FAILED, self._environment.get("lock"))

    def _close(self) -> None:
        reason = redact(self._reason) if self._reason else None
        status = self._status or Status.FAILED
        self.store.update_run(
            self.run_id, RunChanges(status=status, status_reason=reason, exit_code=self._exit_code, end_time=_now())
        )
        if self._capture:
            self._capture.end_children(status)
        self.run = self.store.get_run(self.run_id)

    def _tags(self) -> dict[str, str]:
        plan, kind = self.plan, self.plan.environment.description.kind
        sandbox = plan.sandbox
        reported = [sandbox.by, *(f"not confined: {gap}" for gap in sandbox.not_confined)] if sandbox else []
        return ({"mlproj.sandbox": "\n".join(reported)} if reported else {}) | mlflow_tags(
            user=user_name(),
            source_name=source_name(plan.revision),
            commit=plan.revision.commit,
            repository=plan.revision.uri if plan.revision.kind == "git" else None,
            branch=plan.revision.branch,
            entry_point=plan.entry_point.name,
            environment={"container": "docker"}.get(kind, kind),
            backend=plan.request.backend,
            parent_run_id=plan.request.parent_run_id,
        )


def new_run_id() -> str:
    """A fresh id of 32 hexadecimal digits, as MLflow's are."""
    return os.urandom(16).hex()


def _judge(error: BaseException) -> tuple[Status, str]:
    """What an exception that ended a run means for its status."""
    if isinstance(error, (Interrupted, KeyboardInterrupt)):
        return Status.KILLED, str(error) or "interrupted"
    if isinstance(error, MlprojError):
        return Status.FAILED, str(error)
    return Status.FAILED, f"a bug in mlproj: {type(error).__name__}: {error}"


def _experiment_of_server(experiment_id: str) -> str:
    """The name of an experiment of the server. Raises UsageError, ServiceError."""
    store = tracking.open()
    try:
        return store.get_experiment(experiment_id=experiment_id).name
    finally:
        store.close()


def _now() -> int:
    return time.time_ns() // 1_000_000


def user_name() -> str:
    """Who runs this, as :func:`getpass.getuser` without its import of terminals; the user's number where the account
    has no name (containers)."""
    named = next(filter(None, map(os.environ.get, ("LOGNAME", "USER", "LNAME", "USERNAME"))), None)
    if named:
        return named
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
