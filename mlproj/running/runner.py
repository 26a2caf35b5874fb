"""The steps from what the user asked for to a recorded run, one after another."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mlproj import backends, environments, projects
from mlproj.backends.base import Job, Outcome, Submission
from mlproj.environments.base import Prepared
from mlproj.foundation.dataclass import replace
from mlproj.foundation.progress import Progress
from mlproj.run_folder import start_sign
from mlproj.running import isolation, not_started
from mlproj.running.command_environ import variables_of_run
from mlproj.running.interruption import Interruption, listening
from mlproj.running.opened_project import OpenedProject, open_project
from mlproj.running.plan import Plan, Proposal, RunRequest
from mlproj.running.recording import Recording
from mlproj.sources.base import Source
from mlproj.tracking.base import Run

if TYPE_CHECKING:
    from mlproj.running.handle import RunHandle

_ATTEMPTS = 3  # to start a command whose sandbox fails: mounts of this machine may come and go while it is made


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
        from mlproj.running.isolation import sandbox

        sandbox.check(request.backend)
    with open_project(request, progress, source) as opened:
        yield _plan(opened, progress, consent)


def _plan(opened: OpenedProject, progress: Progress, consent: Callable[[Proposal], None] | None) -> Plan:
    request, checkout = opened.request, opened.checkout
    project = opened.load()
    entry_point = opened.entry_point(project)
    chosen = projects.merge(request.parameters_file, request.parameters)
    command = opened.command(entry_point, checkout.given.values(entry_point.name, chosen))
    wanted = opened.environment_request(project, entry_point)
    if request.sandbox:
        from mlproj.running.isolation import sandbox

        sandbox.check_here(wanted, checkout, command, chosen)
    if consent:
        consent(Proposal(request, opened.revision, project, entry_point, command, wanted))
    environment = environments.resolve(wanted, progress)
    isolated = isolation.choose(environment.description, checkout, command, is_sandbox=request.sandbox)
    confined = sandbox.describe(environment.description, command) if request.sandbox else None
    return Plan(request, opened.revision, checkout, project, entry_point, command, environment, isolated, confined)


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
                inherited = plan.isolation.inherited(prepared)
                recording.environment_is_ready(prepared, inherited)
                job = _job(plan, recording, {**inherited, **variables_of_run(recording, inherited)})
                outcome = _run_job(job, plan, recording, prepared, interruption, handle)
                never_began = not_started.explain(outcome, job.environ, prepared)
                recording.ended(outcome, never_began or _explain(plan, recording, outcome))
                not_started.check(outcome, job.environ, prepared)
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


def _job(plan: Plan, recording: Recording, environ: Mapping[str, str]) -> Job:
    sign = start_sign.create(recording.run_dir)
    return Job(
        run_id=recording.run_id,
        argv=("bash", "-c", start_sign.shell_step(sign) + plan.command.text),
        cwd=plan.checkout.project_dir,
        environ=environ,
        log_dir=recording.run_dir,
        timeout=plan.request.timeout,
        grace=plan.request.grace,
        echo=plan.request.echo,
        on_lasting=recording.capture.is_lasting,
        start_sign=sign,
    )


def _run_job(
    job: Job, plan: Plan, recording: Recording, prepared: Prepared, interruption: Interruption, handle: RunHandle | None
) -> Outcome:
    backend = backends.open(plan.request.backend)

    def attempt(place: Callable[[], Job]) -> tuple[Job, Outcome]:
        placed = [job]

        def start() -> Submission:
            placed.append(place())
            return backend.submit(placed[-1])

        with interruption.passed_to(start) as submission:
            if handle:
                handle.attach(submission)
            return placed[-1], submission.wait()

    with plan.isolation.isolated(job, prepared, recording.capture.reach, recording.progress) as place:
        for _ in range(_ATTEMPTS - 1):
            placed, outcome = attempt(place)
            if interruption.received or not not_started.is_sandbox_at_fault(placed, outcome):
                return outcome
            recording.progress.note(f"{placed.encloser} failed before the command began, and is tried again")
            start_sign.create(recording.run_dir)
        return attempt(place)[1]


def _explain(plan: Plan, recording: Recording, outcome: Outcome) -> str | None:
    """What is known about a failure beyond its exit code."""
    if outcome.exit_code == 0 or outcome.explanation:
        return outcome.explanation
    if outcome.exit_code == 137 and outcome.stopped_by == "signal":
        return "killed by SIGKILL; the system does that when memory runs out"
    from mlproj.run_folder import output_log
    from mlproj.running import failure_causes, failure_output
    from mlproj.sources import lfs

    output = output_log.last_lines(recording.run_dir, failure_output.LINES)
    # A checkout is gone after the run; the command's paths are told from where it ran.
    output = output.replace(f"{plan.checkout.project_dir}{os.sep}", "")
    last, *earlier = failure_output.telling(output)
    return (
        _lacking(plan, recording, last)
        or lfs.explain_failure(plan.checkout.root)
        or failure_causes.explain(last, outcome.exit_code)
        or next(filter(None, (_lacking(plan, recording, one) or failure_causes.explain(one) for one in earlier)), None)
        or failure_causes.of_exit_code(outcome.exit_code)
    )


def _lacking(plan: Plan, recording: Recording, output: str) -> str | None:
    """The server or module that *output* says was not there."""
    from mlproj.running import missing_module

    unreached = recording.capture.named_servers.explain(output)
    return unreached or missing_module.explain(output, plan.environment.description, plan.checkout.project_dir)
