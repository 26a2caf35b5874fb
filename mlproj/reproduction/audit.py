"""Whether a project comes out the same each time: several runs in fresh environments, where they first part, and
why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from mlproj.foundation.progress import Progress
from mlproj.reproduction import attempt, divergence, results, trial, unseeded, verdict
from mlproj.reproduction import original as originals
from mlproj.reproduction.attempt import ReproduceOptions
from mlproj.reproduction.divergence import Divergence
from mlproj.reproduction.original import Original
from mlproj.reproduction.results import Results
from mlproj.reproduction.tolerance import Tolerance
from mlproj.reproduction.trial import Cause
from mlproj.reproduction.verdict import DIFFERS, Verdict
from mlproj.running.plan import Plan
from mlproj.tracking.base import Run, Runs

VERDICT = "mlproj.verdict"
"""The tag of a run that reproduces another one: what came of it."""


@dataclass(frozen=True)
class AuditRequest:
    """What is compared and how."""

    original: Original
    tolerances: Mapping[str, Tolerance]
    ignored: Sequence[str] = ()

    def judge(self, before: Results, after: Results) -> Verdict:
        """Compare two runs."""
        return verdict.judge(before, after, self.tolerances, self.ignored)


@dataclass(frozen=True)
class Audit:
    """Several runs that do one again. ``verdicts`` compare each with the original, ``among`` each but the first with
    the first.

    ``parting`` is where the first two that differ do so, ``causes`` why; both only where the new runs differ among
    themselves. ``lacking`` are files that a run which ended otherwise may have lacked.
    """

    verdicts: tuple[Verdict, ...]
    among: tuple[Verdict, ...]
    parting: Divergence | None = None
    causes: tuple[Cause, ...] = ()
    lacking: tuple[str, ...] = ()

    @property
    def reproduced(self) -> bool:
        """Whether every run came out as the original."""
        return all(one.reproduced for one in self.verdicts)

    @property
    def is_deterministic(self) -> bool:
        """Whether the new runs came out alike."""
        return all(one.reproduced for one in self.among)


def audit(
    asked: AuditRequest, times: int, how: ReproduceOptions, store: Runs, progress: Progress, *, search: bool = True
) -> Audit:
    """Do a run again *times* times, each in a fresh environment when there are several. With *search*, runs that differ
    are followed by others that tell why.

    Raises what keeps a run from running or from being compared: UsageError, SourceError, EnvironmentFailure,
    ServiceError, ….
    """
    originals.check_has_result(asked.original)
    then = _results(asked.original.run, store)
    draws: list[str] = []
    verdicts: list[Verdict] = []
    for number in range(times):
        if times > 1:
            progress.note(f"run {number + 1} of {times}")
        announcing = replace(how, tell=_announcer(how, draws if times > 1 else None)) if number == 0 else _silent(how)
        run = attempt.reproduce(asked.original, announcing, progress, fresh=times > 1)
        verdicts.append(_judged(asked, then, run, store))
    lacking = originals.lacking(asked.original) if any(one.ending for one in verdicts) and not how.latest_code else ()
    among = tuple(asked.judge(verdicts[0].after, one.after) for one in verdicts[1:])
    odd = next((one for one in among if not one.reproduced), None)
    if odd is None:
        return Audit(tuple(verdicts), among, lacking=lacking)
    tried = (
        _tried(asked, times, how, store, progress)
        if search and not all(one.reproduced or one.is_timed for one in among)
        else []
    )
    causes = (*tried, *_read(among, () if tried else draws))
    return Audit(tuple(verdicts), among, divergence.find(odd.before, odd.after), causes, lacking)


def _judged(asked: AuditRequest, then: Results, run: Run, store: Runs) -> Verdict:
    """Compare *run* with the original, and note with it what came of that."""
    with results.place_of(run, store) as place:
        found = asked.judge(then, results.read_results(run, place))
        place.runs.log(run.run_id, tags={VERDICT: found.summary})
    return found


def _results(run: Run, store: Runs) -> Results:
    with results.place_of(run, store) as place:
        return results.read_results(run, place)


def _announcer(how: ReproduceOptions, draws: list[str] | None) -> Callable[[Plan], None]:
    def tell(plan: Plan) -> None:
        how.tell(plan)
        if draws is not None:
            draws.extend(unseeded.find(plan.checkout.project_dir, plan.entry_point))

    return tell


def _silent(how: ReproduceOptions) -> ReproduceOptions:
    return replace(how, tell=lambda _: None)


def _tried(asked: AuditRequest, times: int, how: ReproduceOptions, store: Runs, progress: Progress) -> list[Cause]:
    """The first of what may be set that makes runs alike."""
    for one in trial.prepare_trial(asked.original):
        progress.note(f"is it the {one.cause.name}? Runs with {one.shown}")
        if _makes_alike(
            one.variables, replace(_silent(how), tags={**how.tags, trial.TAG: one.shown}), asked, times, store, progress
        ):
            return [one.cause]
    return []


def _makes_alike(
    variables: Mapping[str, str],
    how: ReproduceOptions,
    asked: AuditRequest,
    times: int,
    store: Runs,
    progress: Progress,
) -> bool:
    first: Results | None = None
    for _ in range(max(times, trial.FEWEST)):
        found = _results(attempt.reproduce(asked.original, how, progress, variables=variables), store)
        if first is not None and not asked.judge(first, found).reproduced:
            return False
        first = first or found
    return True


def _read(among: Sequence[Verdict], draws: Sequence[str]) -> list[Cause]:
    timed = sorted({one.path for each in among for one in each.files if one.state == DIFFERS and one.only_time})
    found = (
        [Cause("times in outputs", f"only dates, times and ids differ in {', '.join(timed[:3])}", "read")]
        if timed
        else []
    )
    return [*found, *(Cause("unset seed", text, "read") for text in draws)]
