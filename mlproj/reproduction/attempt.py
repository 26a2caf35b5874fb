"""One run that does an earlier one again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from mlproj.foundation.errors import Interrupted
from mlproj.foundation.progress import Progress
from mlproj.reproduction import original as originals
from mlproj.reproduction.original import Original
from mlproj.running import runner
from mlproj.running.interruption import listening
from mlproj.running.plan import Plan, Proposal, RunRequest
from mlproj.sources.base import Source
from mlproj.tracking.base import Run


def _nothing(_: Plan) -> None:
    return None


@dataclass(frozen=True)
class ReproduceOptions:
    """How an earlier run is done again. ``given`` are values of parameters; ``latest_code`` takes the source as it is
    now.

    ``tags`` are the run's besides the link to the earlier one, ``options`` further fields of the request. ``consent``
    is what :func:`mlproj.running.runner.planned` gets; ``tell`` is shown the plan before it is run.
    """

    given: Mapping[str, Any] = field(default_factory=dict)
    latest_code: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    consent: Callable[[Proposal], None] | None = None
    tell: Callable[[Plan], None] = _nothing


def reproduce(
    original: Original,
    how: ReproduceOptions,
    progress: Progress,
    *,
    fresh: bool = False,
    variables: Mapping[str, str] | None = None,
) -> Run:
    """Do *original* again: the same code, values, inputs and packages; in a *fresh* environment, with more *variables*.

    Raises what keeps it from running: UsageError, SourceError, InvalidProject, EnvironmentFailure, ServiceError; and
    Interrupted when the user ends it, as nothing can be made of a run that was ended.
    """
    options = {**how.options, "rebuild": fresh, "variables": {**original.variables, **(variables or {})}}
    tags = {**how.tags, originals.REPRODUCES: original.run.run_id}
    request = originals.request(original, how.given, exact=True, tags=tags, **options)
    with listening() as interruption:
        run = _run(original, request, how, progress, same_inputs=True)
        if interruption.received:
            raise Interrupted(interruption.received)
    return run


def rerun(original: Original, how: ReproduceOptions, progress: Progress) -> Run:
    """Run *original* again with other parameters. Raises as :func:`reproduce`, but tells by the run that the user ended
    it."""
    tags = {**how.tags, originals.RERUNS: original.run.run_id}
    request = originals.request(
        original, how.given, exact=False, tags=tags, **how.options, variables=original.variables
    )
    return _run(original, request, how, progress, same_inputs=False)


def _run(
    original: Original, request: RunRequest, how: ReproduceOptions, progress: Progress, *, same_inputs: bool
) -> Run:
    source: Source | None = originals.source(original)
    if how.latest_code:
        request, source = originals.with_latest_code(original, request), None
    with runner.planned(request, progress, how.consent, source) as plan:
        if same_inputs:
            originals.check_inputs(original, plan.command)
        how.tell(plan)
        return runner.execute(plan, progress)
