"""One commit, run and measured: as ``mlproj run`` runs it, recorded as any run."""

from __future__ import annotations

import math
from collections.abc import Callable

from mlproj.bisection.question import Question
from mlproj.foundation.dataclass import dataclass, replace
from mlproj.foundation.errors import (
    EnvironmentFailure,
    Interrupted,
    InvalidProject,
    MlprojError,
    SourceError,
    UsageError,
    did_you_mean,
)
from mlproj.foundation.progress import Progress
from mlproj.running import runner
from mlproj.running.handle import RunHandle
from mlproj.running.interruption import listening
from mlproj.running.plan import Proposal
from mlproj.running.recording import TIMEOUT_EXIT_CODE, new_run_id
from mlproj.tracking.base import Run, Status

Consent = Callable[[Proposal], None]


class BuildLimitReached(Exception):
    """The run would need one more environment than may be built."""


@dataclass(frozen=True)
class Trial:
    """The result of one run of a commit: the metric's value, or the ``trouble`` that kept it from having one.

    ``built`` says whether an environment was built for it, or tried to; ``note`` what is odd about a value.
    """

    value: float | None = None
    trouble: MlprojError | None = None
    run_id: str | None = None
    built: bool = False
    note: str | None = None


def attempt(question: Question, commit: str, progress: Progress, consent: Consent, *, may_build: bool) -> Trial:
    """Run *commit* once. Trouble with the commit itself is part of the result; Interrupted, ServiceError and
    BuildsUsedUp are raised."""
    request = replace(question.request, version=commit)
    question.source.pin(
        commit, offline=request.offline
    )  # it is fetched now: a remote out of reach is no fault of the commit
    handle = RunHandle(new_run_id())
    built = begun = False
    try:
        with listening() as interruption, runner.planned(request, progress, consent, question.source) as plan:
            built = not plan.environment.is_ready()
            if built and not may_build:
                raise BuildLimitReached
            for line in (*plan.reasons, *plan.warnings):
                progress.detail(str(line))
            begun = True
            runner.execute(plan, progress, handle=handle)
            if interruption.received:
                raise Interrupted(interruption.received)
    except (InvalidProject, SourceError, EnvironmentFailure, UsageError) as error:
        if begun and isinstance(error, UsageError):  # the store of runs does not take it, whatever the commit
            raise
        return Trial(trouble=error, run_id=handle.run_id if handle.run else None, built=built)
    assert handle.run is not None
    return replace(_judged(handle.run, question.metric), run_id=handle.run_id, built=built)


def _judged(run: Run, metric: str) -> Trial:
    value = run.metrics.get(metric)
    log = f"its log: mlproj runs logs {run.run_id[:8]}"
    if run.status is Status.KILLED:
        what = run.status_reason if run.exit_code == TIMEOUT_EXIT_CODE else f"killed: {run.status_reason}"
        return Trial(trouble=UsageError(str(what), hint=log))
    if value is None and run.status is not Status.FINISHED:
        return Trial(trouble=UsageError(f"{run.status_reason}, and {metric} was not logged", hint=log))
    if value is None:
        return Trial(trouble=UsageError(f"its run logged no metric {metric!r}", hint=_known(run, metric)))
    if math.isnan(value):
        return Trial(trouble=UsageError(f"{metric} is NaN", hint=log))
    return Trial(value, note=None if run.status is Status.FINISHED else run.status_reason)


def _known(run: Run, metric: str) -> str:
    names = sorted(name for name in run.metrics if not name.startswith("system/"))
    guess = did_you_mean(metric, names)
    return (
        f"did you mean {guess!r}?"
        if guess
        else f"it logged: {', '.join(names[:10])}"
        if names
        else "it logged no metric at all"
    )
