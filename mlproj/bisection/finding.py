"""The search from its two ends to the commit, or the few, that changed the metric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mlproj.bisection import rule
from mlproj.bisection.notebook import Entry, Notebook
from mlproj.bisection.question import Question
from mlproj.bisection.rule import Rule
from mlproj.bisection.search import Search
from mlproj.bisection.trial import BuildLimitReached, Consent, Trial, attempt
from mlproj.foundation.dataclass import dataclass, replace
from mlproj.foundation.errors import EnvironmentFailure, InvalidProject, MlprojError, SourceError, UsageError
from mlproj.foundation.progress import Progress
from mlproj.foundation.redaction import redact
from mlproj.sources.ancestry import Step

_LONGEST_REASON = 400  # characters


@dataclass(frozen=True)
class Finding:
    """What came of a search. ``tried`` has what is known of each commit that was asked about, in the order of history.

    ``suspects`` are the commits that may have changed the metric: one when it was found. ``rule`` is None where the
    ends were not both measured. ``new_runs`` counts the runs of this time. ``stopped`` says that more builds were
    needed than allowed.
    """

    question: Question
    tried: Mapping[str, Entry]
    suspects: Sequence[Step]
    rule: Rule | None
    new_runs: int
    stopped: bool = False

    @property
    def culprit(self) -> Step | None:
        """The first bad commit, when it was found."""
        return self.suspects[0] if len(self.suspects) == 1 else None

    @property
    def runs(self) -> int:
        """How many runs the answer rests on, those of earlier times included."""
        return sum(len(entry.run_ids) for entry in self.tried.values())

    @property
    def builds(self) -> int:
        """How many environments were built for them."""
        return sum(entry.builds for entry in self.tried.values())

    def verdict(self, commit: str) -> str:
        """``good``, ``bad``, ``skipped``, or ``measured`` where no rule is known."""
        entry = self.tried[commit]
        if entry.value is None or entry.skipped:
            return "skipped"
        if self.rule is None:
            return "measured"
        return "bad" if self.rule.is_bad(entry.value) else "good"


def find(question: Question, notebook: Notebook, progress: Progress, consent: Consent) -> Finding:
    """Run commits until the first bad one is known, or all that is left cannot be run.

    Raises UsageError where the ends do not tell good from bad, and what keeps an end from being run. What was measured
    is in the notebook, however this ends.
    """
    trials = _Trials(question, notebook, progress, consent)
    steps = question.steps[1:]
    search = Search({step.name: step.parents for step in steps})
    decided: Rule | None = None
    stopped = False
    try:
        good, bad = (trials.end(step, what) for step, what in ((question.good, "good"), (question.bad, "bad")))
        decided = rule.decide(
            question.metric, good, bad, threshold=question.threshold, higher_is_better=question.higher_is_better
        )
        _narrow(search, decided, trials, progress)
    except BuildLimitReached:
        stopped = True
    left = set(search.suspects)
    tried = {step.name: trials.tried[step.name] for step in question.steps if step.name in trials.tried}
    return Finding(question, tried, [step for step in steps if step.name in left], decided, trials.new_runs, stopped)


def _narrow(search: Search, direction: Rule, trials: _Trials, progress: Progress) -> None:
    while (name := search.next()) is not None:
        if not trials.knows(name):
            runs = f"{search.runs_left} {'run' if search.runs_left == 1 else 'runs'}"
            progress.note(f"bisecting: {len(search.suspects)} commits left, about {runs}")
        value = trials.value(name)
        if value is None:
            search.skip(name)
        elif direction.is_bad(value):
            search.bad(name)
        else:
            search.good(name)


class _Trials:
    """Commits measured, each once: what the notebook knows is not run again."""

    def __init__(self, question: Question, notebook: Notebook, progress: Progress, consent: Consent) -> None:
        self._question = question
        self._notebook = notebook
        self._progress = progress
        self._consent = consent
        self._known = notebook.read()
        self._by_name = {step.name: step for step in question.steps}
        self._builds = 0
        self.tried: dict[str, Entry] = {}
        self.new_runs = 0

    def end(self, step: Step, what: str) -> float:
        """The value of an end, which is not skipped: raises what keeps it from having one."""
        entry, trouble = self._measured(step.name, replace(self._known.get(step.name, Entry()), skipped=None))
        if trouble is not None:
            raise _explained(trouble, f"the {what} end {step.name[:10]} cannot be measured")
        self._keep(step.name, entry)
        assert entry.value is not None
        return entry.value

    def knows(self, name: str) -> bool:
        """Whether a commit need not be run any more."""
        entry = self._known.get(name, Entry())
        return entry.skipped is not None or len(entry.values) >= self._question.repeat

    def value(self, name: str) -> float | None:
        """The value of a commit, None for one that cannot be measured."""
        entry = self._known.get(name, Entry())
        if not entry.skipped:
            entry, trouble = self._measured(name, entry)
            if trouble is not None:
                entry = replace(entry, skipped=_one_line(trouble))
                self._progress.warn(f"{name[:10]} is skipped: {entry.skipped}")
        self._keep(name, entry)
        return None if entry.skipped else entry.value

    def _measured(self, name: str, entry: Entry) -> tuple[Entry, MlprojError | None]:
        """*entry* with as many values as are asked for, kept one after the other, and what stood in the way of one."""
        question = self._question
        for index in range(len(entry.values), question.repeat):
            with self._progress.step(self._running(name, index)):
                trial = attempt(question, name, self._progress, self._consent, may_build=self._may_build())
            self.new_runs += trial.run_id is not None
            self._builds += trial.built
            entry = _added(entry, trial)
            if trial.trouble is not None:
                return entry, trial.trouble
            self._keep(name, entry)
            self._progress.note(f"{name[:10]}: {question.metric} is {rule.number(entry.values[-1])}")
        return entry, None

    def _running(self, name: str, index: int) -> str:
        times = f" ({index + 1} of {self._question.repeat})" if self._question.repeat > 1 else ""
        return f"running {name[:10]}{times}: {self._by_name[name].subject}"

    def _may_build(self) -> bool:
        return self._question.max_builds is None or self._builds < self._question.max_builds

    def _keep(self, name: str, entry: Entry) -> None:
        self.tried[name] = entry
        if self._known.get(name) != entry:
            self._known[name] = entry
            self._notebook.keep(name, entry)


def _added(entry: Entry, trial: Trial) -> Entry:
    return replace(
        entry,
        values=entry.values if trial.value is None else (*entry.values, trial.value),
        run_ids=(*entry.run_ids, trial.run_id) if trial.run_id else entry.run_ids,
        builds=entry.builds + trial.built,
        note=_one_line(trial.note) if trial.note else entry.note,
    )


def _explained(error: MlprojError, what: str) -> MlprojError:
    """*error* with what it is about in front; its kind decides the exit code."""
    kind = next(
        kind for kind in (InvalidProject, SourceError, EnvironmentFailure, UsageError) if isinstance(error, kind)
    )
    return kind(f"{what}: {error.message}", hint=error.hint, place=error.place)


def _one_line(reason: object) -> str:
    text = " ".join(redact(str(reason)).split())
    return text if len(text) <= _LONGEST_REASON else text[: _LONGEST_REASON - 1] + "…"
