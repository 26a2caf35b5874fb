"""One run that does an earlier one again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mlproj import runner
from mlproj.plan import Plan, Proposal, RunRequest
from mlproj.progress import Progress
from mlproj.reproduction import original as originals
from mlproj.reproduction.original import Original
from mlproj.sources.base import Source
from mlproj.tracking.base import Run

Consent = Callable[[Proposal], None]


@dataclass(frozen=True)
class How:
    """How an earlier run is done again. ``given`` are values of parameters; ``latest_code`` takes the source as it is now.

    ``tags`` are the run's besides the link to the earlier one, ``options`` further fields of the request. ``consent`` and ``tell``
    are what :func:`mlproj.runner.planned` and the user get before it is run; ``look`` is shown the project's folder.
    """

    given: Mapping[str, Any] = field(default_factory=dict)
    latest_code: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    consent: Consent | None = None
    look: Callable[[Path], None] = field(default=lambda _: None)
    tell: Callable[[Plan], None] = field(default=lambda _: None)


def reproduce(original: Original, how: How, progress: Progress, *, fresh: bool = False, variables: Mapping[str, str] | None = None) -> Run:
    """Do *original* again: the same code, values, inputs and packages; in a *fresh* environment, with more *variables*.

    Raises what keeps it from running: UsageError, SourceError, InvalidProject, EnvironmentFailure, ServiceError.
    """
    kept = (original.plan.get("options") or {}).get("variables") or {}
    options = {**how.options, "rebuild": fresh, "variables": {**kept, **(variables or {})}}
    tags = {**how.tags, originals.REPRODUCES: original.run.run_id}
    request = originals.request(original, how.given, exact=True, tags=tags, **options)
    return _run(original, request, how, progress, same_inputs=True)


def rerun(original: Original, how: How, progress: Progress) -> Run:
    """Run *original* again with other parameters. Raises as :func:`reproduce`."""
    tags = {**how.tags, originals.RERUNS: original.run.run_id}
    request = originals.request(original, how.given, exact=False, tags=tags, **how.options)
    return _run(original, request, how, progress, same_inputs=False)


def _run(original: Original, request: RunRequest, how: How, progress: Progress, *, same_inputs: bool) -> Run:
    source: Source | None = originals.source(original)
    if how.latest_code:
        request, source = originals.with_latest_code(original, request), None
    with runner.planned(request, progress, how.consent, source) as plan:
        if same_inputs:
            originals.check_inputs(original, plan.command)
        how.look(plan.checkout.project_dir)
        how.tell(plan)
        return runner.execute(plan, progress)
