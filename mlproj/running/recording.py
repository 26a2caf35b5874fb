"""From the first line of a run's record to its last, however the run ends."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import TYPE_CHECKING

from mlproj import __version__, outbox, tracking
from mlproj.backends.base import LASTING, Outcome
from mlproj.environments.base import Enclosure, Network, Prepared
from mlproj.foundation import env_vars, paths
from mlproj.foundation.dataclass import replace
from mlproj.foundation.errors import Interrupted, MlprojError, ServiceError
from mlproj.foundation.progress import Progress
from mlproj.foundation.redaction import redact
from mlproj.mlflow_import import location
from mlproj.run_folder import artifact_folder, liveness, log_file, outputs
from mlproj.running import machine, nested, system_metrics
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
from mlproj.server.embedded import Embedded
from mlproj.tracking.base import Run, Status
from mlproj.tracking.record import image_tags, mlflow_tags

if TYPE_CHECKING:
    from mlproj.outbox.upload_worker import UploadWorker
    from mlproj.running.background_worker import BackgroundWorker

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
        self.explanation: str | None = None
        """What is known of how the command ended, beyond its exit code."""
        self._environment = environment_document(plan.environment.description)
        self._status: Status | None = None
        self._reason: str | None = None
        self._exit_code: int | None = None
        self._before: outputs.Snapshot | None = None
        self._background_worker: BackgroundWorker | None = None
        self.embedded: Embedded | None = None
        self._resources = ExitStack()
        asked = plan.request.system_metrics
        self._samples = system_metrics.wanted() if asked is None else asked
        self._interval = system_metrics.interval()
        self.artifacts = self.run_dir
        self._reader: log_file.Reader | None = None
        self._upload_worker: UploadWorker | None = None

    def __enter__(self) -> Recording:
        try:
            with self._interruption.held():
                self._open()
        except BaseException as error:  # nobody leaves what was not entered
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
                paths.write_atomic(self.run_dir / paths.DEFINITION, _without_secrets(plan.project.file.read_bytes()))
        if plan.revision.diff:
            paths.write_atomic(self.run_dir / paths.DIFF, plan.revision.diff)
        self.run = self.store.create_run(
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
            user=_user(),
            pid=os.getpid(),
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
        """Keep the environment's lock with the run, and look at the files: from here on changes are the command's.

        *environ* are the variables that the command inherits; those that may change what it computes are recorded.
        """
        self._environment["machine"] = machine.describe(environ, enclosed=prepared.enclosure is not None)
        self._environment |= {
            "python": prepared.python or self._environment["python"],
            "reused": prepared.reused,
            **prepared.record,
        }
        if prepared.lock:
            paths.write_atomic(self.run_dir / prepared.lock.name, prepared.lock.read_bytes())
            self._environment["lock"] = prepared.lock.name
        self.store.update_run(self.run_id, environment=self._environment)
        if image := prepared.record.get("image"):
            self.store.log(self.run_id, tags=image_tags(image["name"], image["id"]))
        assert self.run is not None
        try:
            log_file.make(self.run_dir)
            self.artifacts = artifact_folder.make(self.run, self.run_dir)
        except OSError as error:
            raise ServiceError(f"cannot make {error.filename}: {error.strerror}") from error
        self._reader = log_file.Reader(self.store, self.run_id, self.run_dir)
        self.embedded = self._resources.enter_context(self._tracking_server(self.run, prepared.enclosure))
        self._before = outputs.Snapshot.take(self.plan.checkout.root)
        if self.plan.revision.kind == "folder" and not self.plan.revision.commit:
            from mlproj.run_folder import source_snapshot

            with suppress(OSError):  # it is for doing it again, and no reason not to run
                source_snapshot.keep(self._before, self.run_dir / paths.PROJECT)

    def _tracking_server(self, run: Run, enclosure: Enclosure | None) -> Embedded:
        request = self.plan.request
        network = enclosure.network if enclosure else Network("127.0.0.1", "127.0.0.1")
        return Embedded(
            run,
            self.store,
            folder=self.plan.checkout.project_dir,
            experiment_chosen=bool(request.experiment_name or request.experiment_id),
            name_chosen=bool(request.run_name),
            proxied=enclosure is not None or request.sandbox,  # the program cannot write where the files are
            host=network.listen,
            name=network.name,
            uri=self.uri,
            team=env_vars.TRACKING_URI.get() if self.is_remote else None,
        )

    def is_lasting(self, pid: int | None) -> None:
        """Begin what goes on beside a command that takes a while; *pid* is its first process, if that is on this
        machine."""
        from mlproj.running.background_worker import BackgroundWorker

        assert self._reader is not None
        first = max(0.0, system_metrics.FIRST - LASTING)
        sampler = system_metrics.Sampler(pid, self._interval, first) if pid and self._samples else None
        self._background_worker = BackgroundWorker(self.store, self.run_id, self._reader, sampler)
        self._background_worker.start()

    def ended(self, outcome: Outcome, explanation: str | None) -> None:
        """Note how the command ended; *explanation* says more about a failure when something is known."""
        self._exit_code = outcome.exit_code
        for note in outcome.notes:
            self.progress.warn(note)
        if outcome.notes:
            self.store.log(self.run_id, tags={"mlproj.notes": "\n".join(outcome.notes)})
        if outcome.usage and self._samples:
            self.store.log(
                self.run_id, metrics=system_metrics.usage(outcome.usage.cpu_seconds, outcome.usage.peak_memory)
            )
        if outcome.stopped_by == "timeout":
            self._exit_code = TIMEOUT_EXIT_CODE
            self._status, self._reason = Status.KILLED, f"timed out after {self.plan.request.timeout:g} s"
        elif outcome.stopped_by == "cancelled":
            self._status, self._reason = Status.KILLED, "cancelled"
        elif outcome.stopped_by == "signal" and self._interruption.received:
            self._exit_code = 128 + self._interruption.received
            self._status, self._reason = Status.KILLED, str(Interrupted(self._interruption.received))
        elif outcome.exit_code == 0:
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
                if self.embedded:
                    self._end_tracking_server(self.embedded)
                self._collect()
            finally:
                self._close()

    def _end_tracking_server(self, embedded: Embedded) -> None:
        embedded.stop()
        for warning in embedded.warnings():
            self.progress.warn(warning)
        if embedded.told_failure and self._status is Status.FINISHED:
            self._reason = f"the program marked its run {embedded.told_failure.value}, and ended with exit code 0"

    def _close(self) -> None:
        reason = redact(self._reason) if self._reason else None
        status = self._status or Status.FAILED
        self.store.update_run(
            self.run_id, status=status, status_reason=reason, exit_code=self._exit_code, end_time=_now()
        )
        if self.embedded:
            self.embedded.end_children(status)
        self.run = self.store.get_run(self.run_id)

    def _collect(self) -> None:
        """Keep what the command left: files it made or changed, and what it logged. Trouble here is told, not
        raised."""
        if self._background_worker:
            self._background_worker.stop()
        if self._before is None or self.run is None:
            return  # nothing was run
        self._read_rest()
        try:
            changed = self._before.changes()
            kept = outputs.keep(changed, self.artifacts, limit=self.plan.request.output_limit, progress=self.progress)
            self.store.update_run(self.run_id, outputs=kept)
            if self.is_remote:
                from mlproj.outbox import files

                files.keep_record(self.run_dir, self._environment.get("lock"), self.artifacts)
            artifact_folder.keep(self.run, self.artifacts)
            self._collect_logged(self.run)
        except (OSError, MlprojError) as trouble:
            self.progress.warn(f"not everything that the run left could be kept: {trouble}")

    def _read_rest(self) -> None:
        """What the program wrote to the run's files and nobody has read yet."""
        assert self._reader is not None
        try:
            self._reader.read(final=True)
        except (OSError, MlprojError) as trouble:
            self.progress.warn(f"not everything that the run logged could be read: {trouble}")
        for problem in self._reader.problems:
            self.progress.warn(f"not logged: {problem}")

    def _collect_logged(self, run: Run) -> None:
        checkout = self.plan.checkout.root
        if not any(location.candidates(location.folders(self.run_dir, checkout, run.source), run.start_time or 0)):
            return
        from mlproj.mlflow_import import program_log

        ended = self._status or Status.FAILED
        adopt = self.embedded is None or not self.embedded.is_adopted
        program_log.collect(
            self.store, run, run_dir=self.run_dir, checkout=checkout, ended=ended, progress=self.progress, adopt=adopt
        )

    def _tags(self) -> dict[str, str]:
        plan, kind = self.plan, self.plan.environment.description.kind
        sandbox = plan.sandbox
        told = [sandbox["by"], *(f"not confined: {gap}" for gap in sandbox["not_confined"])] if sandbox else []
        return ({"mlproj.sandbox": "\n".join(told)} if told else {}) | mlflow_tags(
            user=_user(),
            source_name=source_name(plan.revision),
            commit=plan.revision.commit,
            repository=plan.revision.uri if plan.revision.kind == "git" else None,
            branch=plan.revision.branch,
            entry_point=plan.entry_point.name,
            environment={"container": "docker"}.get(kind, kind),
            backend=plan.request.backend,
            parent_run_id=plan.request.parent_run_id,
        )


def _without_secrets(content: bytes) -> bytes:
    return redact(content.decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")


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


def child_variables(recording: Recording, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables that tell a program which run it is part of and where MLflow should log; it gets *environ* besides.

    ``MLFLOW_RUN_ID`` is among them only when the user asks for it: programs that choose an experiment or a store of
    their own die of it.
    """
    assert recording.run is not None
    assert recording.embedded is not None
    injected = {"MLFLOW_RUN_ID": recording.run_id, "MLFLOW_EXPERIMENT_ID": recording.run.experiment_id}
    made_here = recording.plan.environment.description.kind in ("python", "conda")
    return {
        **({"MLFLOW_CONDA_HOME": str(nested.conda_home())} if made_here else {}),
        "MLPROJ_RUN_ID": recording.run_id,
        **log_file.variables(recording.run_dir, recording.artifacts),
        "MLPROJ_HOME": str(paths.home()),
        "MLPROJ_CACHE": str(paths.cache()),
        **recording.embedded.variables(environ),
        **(injected if recording.plan.request.inject_run_id else {}),
        # What the program records itself goes the way of its run; it has no credentials for the server.
        **({env_vars.TRACKING_URI.name: recording.uri} if recording.is_remote and recording.uri else {}),
        # Without it MLflow 3.17 refuses folders as stores, which programs choose by themselves too (`file:./mlruns`).
        "MLFLOW_ALLOW_FILE_STORE": "true",
        # Output is read through a pipe, which Python would buffer by the block: people could not watch it.
        "PYTHONUNBUFFERED": "1",
    }


def _experiment_of_server(experiment_id: str) -> str:
    """The name of an experiment of the server. Raises UsageError, ServiceError."""
    store = tracking.open()
    try:
        return store.get_experiment(experiment_id=experiment_id).name
    finally:
        store.close()


def _now() -> int:
    return time.time_ns() // 1_000_000


def _user() -> str:
    """As :func:`getpass.getuser` without its import of terminals; the user's number where the account has no name
    (containers)."""
    named = next(filter(None, map(os.environ.get, ("LOGNAME", "USER", "LNAME", "USERNAME"))), None)
    if named:
        return named
    import pwd

    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
