"""The line: from what the user asked for to a recorded run, a step after another."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from mlproj import backends, environments, projects, sources
from mlproj.backends.base import Job, Outcome, Submission
from mlproj.environments.base import Declaration, Prepared, Request
from mlproj.foundation import env_vars
from mlproj.foundation.dataclass import replace
from mlproj.foundation.locked import Given, Locked
from mlproj.foundation.progress import Progress, Silent
from mlproj.projects.base import EntryPoint, Project
from mlproj.running.interruption import Interruption, listening
from mlproj.running.plan import Plan, Proposal, RunRequest
from mlproj.running.recording import Recording, child_variables, new_run_id
from mlproj.server.embedded import FOREIGN_VARIABLES
from mlproj.sources.base import Checkout, Revision, Source
from mlproj.tracking.base import Run, Status

# MLflow's variables that would attach the program to somebody else's run or experiment.
_FOREIGN = {
    "MLFLOW_RUN_ID",
    "MLFLOW_EXPERIMENT_ID",
    "MLFLOW_EXPERIMENT_NAME",
    "MLFLOW_REGISTRY_URI",
    *FOREIGN_VARIABLES,
}


@contextmanager
def planned(
    request: RunRequest,
    progress: Progress,
    consent: Callable[[Proposal], None] | None = None,
    source: Source | None = None,
) -> Iterator[Plan]:
    """Resolve *request*; nothing outside the cache is touched, and a user's mistake surfaces here.

    *consent* is called before anything that could run code of the project or of its packages, and raises to keep it
    from running. *source* is what the request's URI stands for, where that is known. The checkout lives as long as the
    block. Raises UsageError, InvalidProject, SourceError, EnvironmentFailure.
    """
    if request.sandbox:
        from mlproj.running.isolation import confinement

        confinement.check(request)
    source = source or sources.open(request.uri)
    is_here = Path(request.uri.partition("#")[0]).is_dir()
    with ExitStack() as resources:
        with nullcontext() if is_here else progress.step(f"fetching {request.uri}"):
            revision = source.pin(request.version, offline=request.offline)
            checkout = source.fetch(revision, isolated=request.isolated)
            resources.callback(checkout.release)
        project = projects.load(checkout.project_dir, root=checkout.root)
        entry_point = projects.resolve_entry_point(project, request.entry_point or checkout.given.entry_point)
        chosen = projects.merge(request.parameters_file, request.parameters)
        values = checkout.given.values(entry_point.name, chosen)
        place, fetch = standing(request, checkout), _fetcher(request, checkout.given)
        command = projects.bind(entry_point, values, project_dir=checkout.project_dir, cwd=place, fetch=fetch)
        wanted = environment_request(request, revision, checkout, project, entry_point)
        if request.sandbox:
            confinement.check_here(wanted, checkout, command, chosen)
        if consent:
            consent(Proposal(request, revision, project, entry_point, command, wanted))
        environment = environments.resolve(wanted, progress)
        yield Plan(request, revision, checkout, project, entry_point, command, environment)


def execute(plan: Plan, progress: Progress, *, handle: RunHandle | None = None) -> Run:
    """Do what *plan* says and return the record. From the first step on, every end is recorded.

    An entry point that fails is a result, not an error. Raises EnvironmentFailure, ServiceError, Interrupted.
    """
    with listening() as interruption:
        recording = Recording(plan, progress, interruption, handle.run_id if handle else None)
        try:
            with recording:
                prepared = plan.environment.prepare(progress, rebuild=plan.request.rebuild)
                prepared = _with_variables(prepared, plan.request.variables)
                recording.environment_is_ready(prepared, inherited_environ(prepared, confined=plan.request.sandbox))
                outcome = _run_job(plan, recording, prepared, interruption, handle)
                recording.ended(outcome, _explain(plan, recording, outcome))
        finally:
            if handle:
                handle.run = recording.run
            recording.deliver()
            if handle:
                handle.run = recording.run
        assert recording.run is not None
        return recording.run


def _with_variables(prepared: Prepared, asked: Mapping[str, str | None]) -> Prepared:
    variables = {**prepared.variables, **asked}
    return replace(
        prepared,
        variables={name: value for name, value in variables.items() if value is not None},
        unset=(*prepared.unset, *(name for name, value in asked.items() if value is None)),
    )


def _run_job(
    plan: Plan, recording: Recording, prepared: Prepared, interruption: Interruption, handle: RunHandle | None
) -> Outcome:
    job = Job(
        run_id=recording.run_id,
        argv=("bash", "-c", plan.command.text),
        cwd=plan.checkout.project_dir,
        environ=child_environ(recording, prepared, confined=plan.request.sandbox),
        log_dir=recording.run_dir,
        timeout=plan.request.timeout,
        grace=plan.request.grace,
        echo=plan.request.echo,
        when_lasting=recording.is_lasting,
    )
    backend = backends.open(plan.request.backend)
    with (
        _placed(job, plan, recording, prepared) as place,
        interruption.passed_to(lambda: backend.submit(place())) as submission,
    ):
        if handle:
            handle.attach(submission)
        outcome = submission.wait()
    # What is used in a sandbox or a container is not told to those outside; they know of its outermost program only.
    return replace(outcome, usage=None) if plan.request.sandbox or prepared.enclosure else outcome


@contextmanager
def _placed(job: Job, plan: Plan, recording: Recording, prepared: Prepared) -> Iterator[Callable[[], Job]]:
    """What puts *job* where it is to run (into the environment's enclosure, into a sandbox, or nowhere) and returns it
    ready for a backend; what it needs there lasts as long as the block."""
    if prepared.enclosure is not None:
        from mlproj.running.isolation import container_launch

        enclosure = prepared.enclosure
        with container_launch.door(plan, recording) as door:
            yield lambda: container_launch.launch(job, enclosure, plan, recording, door)
    elif plan.request.sandbox:
        from mlproj.backends import bubblewrap
        from mlproj.running.isolation import confinement

        assert recording.embedded is not None
        bounds = confinement.bounds(plan, recording, prepared, job.environ)
        with bubblewrap.confined(job, bounds, recording.embedded.port) as confined:
            yield lambda: confined
    else:
        yield lambda: job


def child_environ(recording: Recording, prepared: Prepared, *, confined: bool = False) -> dict[str, str]:
    """The whole environment of the command: what it inherits, and the run's variables."""
    environ = inherited_environ(prepared, confined=confined)
    return {**environ, **child_variables(recording, environ)}


def inherited_environ(prepared: Prepared, *, confined: bool = False) -> dict[str, str]:
    """Our variables, as the prepared environment changes them. A *confined* command gets none of ours that looks
    secret."""
    inherited = (
        {} if prepared.enclosure else {name: value for name, value in os.environ.items() if name not in _FOREIGN}
    )
    environ = prepared.apply(inherited)
    if confined:
        from mlproj.running.isolation import confinement

        environ = confinement.environ(environ)
    return environ


def _explain(plan: Plan, recording: Recording, outcome: Outcome) -> str | None:
    """What is known about a failure beyond its exit code."""
    if outcome.exit_code == 0 or recording.explanation:
        return recording.explanation
    if outcome.exit_code == 137 and outcome.stopped_by == "signal":
        return "killed by SIGKILL; the system does that when memory runs out"
    from mlproj.run_folder import output_log
    from mlproj.running import missing_module

    tail = output_log.tail(recording.run_dir, 40).decode("utf-8", "replace")
    return missing_module.explain(tail, plan.environment.description, plan.checkout.project_dir)


def environment_request(
    request: RunRequest, revision: Revision, checkout: Checkout, project: Project, entry_point: EntryPoint
) -> Request:
    """What the environment is decided from, out of what the earlier steps found."""
    declared = project.environment
    reason = "MLflow's default file" if declared and declared.by_default else "MLproject names it"
    return Request(
        project_dir=checkout.project_dir,
        root=checkout.root,
        declared=Declaration(declared.kind, declared.file, reason, declared.place, declared.options)
        if declared
        else None,
        script=entry_point.script,
        command=entry_point.command,
        manager=request.env_manager,
        as_of=request.as_of,
        time_travel=revision.kind != "folder",
        commit_date=revision.commit_date,
        last_changed=checkout.last_changed,
        infer=request.infer,
        offline=request.offline,
        docker_args=request.docker_args,
        build_image=request.build_image,
        in_container=request.in_container,
        locked=_locked(request.locked, checkout.given.locked),
        sandbox=request.sandbox,
    )


def _locked(asked: Locked | None, given: Locked | None) -> Locked | None:
    """The environment that is made again: the one asked for, by what came with the files where that has the same
    lock."""
    if asked is None or given is None:
        return asked or given
    locks = (asked.lock, given.kept or given.lock)
    is_same = None not in locks and len({lock.read_bytes() for lock in locks if lock}) == 1
    return replace(given, of=asked.of) if is_same else asked


def standing(request: RunRequest, checkout: Checkout) -> Path:
    """Where relative paths of the user's count from."""
    return checkout.root / request.cwd if request.cwd else checkout.project_dir


def _fetcher(request: RunRequest, given: Given) -> Callable[[str], Path]:
    """How files named by ``path`` parameters are brought here; the module that can is loaded when one is."""

    def fetch(uri: str) -> Path:
        if uri in given.files:
            return given.files[uri]
        from mlproj.running import inputs

        return inputs.fetch(uri, offline=request.offline)

    return fetch


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

    def complete(self, plan: Plan, progress: Progress) -> None:
        """Execute *plan* and keep what kept it from running; for the runner only."""
        try:
            execute(plan, progress, handle=self)
        except BaseException as error:
            self._error = error
        finally:
            self._done.set()


def run(
    uri: str,
    entry_point: str | None = None,
    version: str | None = None,
    parameters: Mapping[str, Any] | None = None,
    *,
    synchronous: bool = True,
    progress: Progress | None = None,
    **options: Any,
) -> RunHandle:
    """Run a project and record what happened; ``mlproj run`` from Python.

    *options* are the other fields of :class:`mlproj.running.plan.RunRequest` (``experiment_name``, ``env_manager``,
    ``as_of``, …). With ``synchronous=False`` the run goes on in a thread after this returns; Python does not exit
    before it has ended. Called from inside a run, it makes a child run. An entry point that fails is told by the
    handle's ``status``; what keeps it from starting is raised: UsageError, InvalidProject, SourceError,
    EnvironmentFailure, ServiceError.
    """
    progress = progress or Silent()
    options.setdefault("parent_run_id", env_vars.RUN_ID.get())
    request = RunRequest(
        uri=os.fspath(uri), entry_point=entry_point, version=version, parameters=dict(parameters or {}), **options
    )
    handle = RunHandle(new_run_id())
    with ExitStack() as stack:
        plan = stack.enter_context(planned(request, progress))
        if synchronous:
            handle.complete(plan, progress)
            handle.wait()
            return handle
        threading.Thread(
            target=_complete, args=(handle, plan, progress, stack.pop_all()), name=f"mlproj-run-{handle.run_id[:8]}"
        ).start()
    return handle


def _complete(handle: RunHandle, plan: Plan, progress: Progress, resources: ExitStack) -> None:
    with resources:
        handle.complete(plan, progress)
