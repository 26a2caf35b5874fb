"""Whether a project comes out the same each time: several runs in fresh environments, where they first part, and why."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from mlproj.progress import Progress
from mlproj.reproduction import attempt, divergence, results, unseeded, verdict
from mlproj.reproduction.attempt import How
from mlproj.reproduction.divergence import Divergence
from mlproj.reproduction.original import Original
from mlproj.reproduction.tolerance import Tolerance
from mlproj.reproduction.verdict import DIFFERS, Verdict
from mlproj.tracking.base import TrackingStore

VERDICT = "mlproj.verdict"
"""The tag of a run that reproduces another one: what came of it."""
TRIAL = "mlproj.trial"
"""The tag of a run that was made to find out why others differ: what was set for it."""

# Set for as many runs as differ without it: where those are alike, it is the cause.
_TRIALS = (
    ("hash seed", {"PYTHONHASHSEED": "0"}, "the order of sets and dictionaries decides something: set PYTHONHASHSEED, or sort"),
    (
        "thread counts",
        {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "NUMEXPR_NUM_THREADS": "1"},
        "sums depend on how many threads add up: set OMP_NUM_THREADS and its like",
    ),
)


@dataclass(frozen=True)
class Cause:
    """Why runs differ. ``proof`` is ``tried`` (runs with it set were alike) or ``read`` (found in the code or in the outputs)."""

    name: str
    text: str
    proof: str


@dataclass(frozen=True)
class Asked:
    """What is compared and how."""

    original: Original
    tolerances: Mapping[str, Tolerance]
    ignored: Sequence[str] = ()


@dataclass(frozen=True)
class Audit:
    """Several runs that do one again. ``verdicts`` compare each with the original, ``among`` each but the first with the first.

    ``parting`` is where the first two that differ do so, ``causes`` why; both only where the new runs differ among themselves.
    """

    verdicts: tuple[Verdict, ...]
    among: tuple[Verdict, ...]
    parting: Divergence | None = None
    causes: tuple[Cause, ...] = ()

    @property
    def reproduced(self) -> bool:
        """Whether every run came out as the original."""
        return all(one.reproduced for one in self.verdicts)

    @property
    def is_deterministic(self) -> bool:
        """Whether the new runs came out alike."""
        return all(one.reproduced for one in self.among)


def audit(asked: Asked, times: int, how: How, store: TrackingStore, progress: Progress, *, search: bool = True) -> Audit:
    """Do a run again *times* times, each in a fresh environment when there are several. With *search*, runs that differ are followed
    by others that tell why. Raises what keeps a run from running."""
    draws: list[str] = []
    looking = replace(how, look=lambda folder: draws.extend(unseeded.find(folder)))
    runs = []
    for number in range(times):
        if times > 1:
            progress.note(f"run {number + 1} of {times}")
        runs.append(attempt.reproduce(asked.original, how if draws or number else looking, progress, fresh=times > 1))
    then, now = results.of(asked.original.run, store), [results.of(run, store) for run in runs]
    verdicts = tuple(verdict.judge(then, one, asked.tolerances, asked.ignored) for one in now)
    among = tuple(verdict.judge(now[0], one, asked.tolerances, asked.ignored) for one in now[1:])
    for run, one in zip(runs, verdicts, strict=True):
        store.log(run.run_id, tags={VERDICT: one.summary})
    odd = next((one for one in among if not one.reproduced), None)
    if odd is None:
        return Audit(verdicts, among)
    tried = _tried(asked, times, how, store, progress) if search else []
    causes = (*tried, *_read([] if tried else draws, among))
    return Audit(verdicts, among, divergence.find(odd.before, odd.after), causes)


def _tried(asked: Asked, times: int, how: How, store: TrackingStore, progress: Progress) -> list[Cause]:
    """The first of what may be set that makes all of *times* runs alike."""
    for name, variables, advice in _TRIALS:
        if any(variable in os.environ for variable in variables):
            continue  # set by the user already, and that did not help
        shown = " ".join(f"{variable}={value}" for variable, value in variables.items())
        progress.note(f"is it the {name}? {times} runs with {shown}")
        with_it = replace(how, tags={**how.tags, TRIAL: shown})
        runs = [attempt.reproduce(asked.original, with_it, progress, variables=variables) for _ in range(times)]
        first, *others = [results.of(run, store) for run in runs]
        if all(verdict.judge(first, one, asked.tolerances, asked.ignored).reproduced for one in others):
            return [Cause(name, advice, "tried")]
    return []


def _read(draws: Sequence[str], among: Sequence[Verdict]) -> list[Cause]:
    timed = sorted({one.path for each in among for one in each.files if one.state == DIFFERS and one.only_time})
    found = [Cause("times in outputs", f"only dates, times and ids differ in {', '.join(timed[:3])}", "read")] if timed else []
    return [*found, *(Cause("unset seed", text, "read") for text in draws)]
