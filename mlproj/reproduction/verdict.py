"""Whether a run came out as an earlier one did: how it ended, every metric, every file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from mlproj.reproduction import file_difference, series, tolerance
from mlproj.reproduction.results import File, Results
from mlproj.reproduction.tolerance import Tolerance

SAME, WITHIN, DIFFERS, MISSING, NEW, UNKNOWN = (
    "same",
    "within tolerance",
    "differs",
    "missing",
    "new",
    "cannot be compared",
)
_GOOD = (SAME, WITHIN)
_MOST_NAMED = 3


@dataclass(frozen=True)
class MetricVerdict:
    """One metric then and now, by its last values (None where there is none). ``step`` is the first at which they are
    not the same."""

    name: str
    state: str
    before: float | None
    after: float | None
    step: int | None = None

    @property
    def is_good(self) -> bool:
        """Whether it counts as reproduced."""
        return self.state in _GOOD


@dataclass(frozen=True)
class FileVerdict:
    """One file then and now. ``details`` say for people how it differs; ``only_time`` that it does in dates, times and
    ids alone."""

    path: str
    state: str
    before: str | None
    after: str | None
    details: tuple[str, ...] = ()
    only_time: bool = False

    @property
    def is_good(self) -> bool:
        """Whether it counts as reproduced."""
        return self.state in _GOOD


@dataclass(frozen=True)
class Verdict:
    """What came of doing a run again. ``ending`` tells how the ends of the runs differ, None when they do not."""

    before: Results
    after: Results
    ending: str | None
    metrics: tuple[MetricVerdict, ...]
    files: tuple[FileVerdict, ...]
    ignored: tuple[str, ...] = ()

    @property
    def reproduced(self) -> bool:
        """Whether it came out the same, within the tolerances."""
        return self.ending is None and not self._bad

    @property
    def _bad(self) -> list[str]:
        metrics = [one.name for one in self.metrics if not one.is_good]
        return [*metrics, *(one.path for one in self.files if not one.is_good)]

    @property
    def is_exact(self) -> bool:
        """Whether nothing differs at all."""
        return self.reproduced and not any(one.state == WITHIN for one in self.metrics)

    @property
    def is_timed(self) -> bool:
        """Whether nothing but dates, times and ids in files differs."""
        differing = [one for one in self.files if not one.is_good]
        others = self.ending or not all(one.is_good for one in self.metrics)
        return not others and bool(differing) and all(one.only_time for one in differing)

    @property
    def word(self) -> str:
        """The verdict in a word or three."""
        return "reproduced" if self.is_exact else "reproduced within tolerance" if self.reproduced else "not reproduced"

    @property
    def summary(self) -> str:
        """The verdict with its reason, in a line."""
        return f"{self.word}: {self.reason}"

    @property
    def reason(self) -> str:
        """What was compared and what differs, in a line."""
        if self.ending:
            return self.ending
        if not (self.metrics or self.files):
            return "it ended the same way, and left no metrics and no files to compare"
        counted = f"{_counted(len(self.metrics), 'metric')} and {_counted(len(self.files), 'file')}"
        if self.reproduced:
            return f"{counted} compared"
        bad = self._bad
        more = f" and {len(bad) - _MOST_NAMED} more" if len(bad) > _MOST_NAMED else ""
        return (
            f"of {counted} {len(bad)} {'differs' if len(bad) == 1 else 'differ'}: {', '.join(bad[:_MOST_NAMED])}{more}"
        )


def judge(before: Results, after: Results, tolerances: Mapping[str, Tolerance], ignored: Sequence[str] = ()) -> Verdict:
    """Compare two runs. *ignored* are patterns of the paths of files that do not count."""
    files = {**before.files, **after.files}
    skipped = {name for name, file in files.items() if any(fnmatchcase(file.path, pattern) for pattern in ignored)}
    return Verdict(
        before,
        after,
        _ending(before, after),
        tuple(_metric(name, before, after, tolerances) for name in sorted({*before.metrics, *after.metrics})),
        tuple(
            _file(name, before.files.get(name), after.files.get(name)) for name in sorted(files) if name not in skipped
        ),
        tuple(sorted(skipped)),
    )


def _ending(before: Results, after: Results) -> str | None:
    one, two = before.run, after.run
    if (one.status, one.exit_code) != (two.status, two.exit_code):
        reason = f" ({two.status_reason})" if two.status_reason and two.status_reason != one.status_reason else ""
        ended, other = (f"{run.run_name} ended {run.status.value} with exit code {run.exit_code}" for run in (two, one))
        return f"{ended}{reason}, {other}"
    if len(before.endings) != len(after.endings):
        return f"{two.run_name} had {_counted(len(after.endings), 'child run')}, {one.run_name} {len(before.endings)}"
    changed = sum(then != now for then, now in zip(before.endings, after.endings, strict=True))
    return (
        f"{_counted(changed, 'child run')} of {two.run_name} ended otherwise than with {one.run_name}"
        if changed
        else None
    )


def _metric(name: str, before: Results, after: Results, tolerances: Mapping[str, Tolerance]) -> MetricVerdict:
    then, now = (series.in_order(results.metrics.get(name, ())) for results in (before, after))
    last = then[-1].value if then else None, now[-1].value if now else None
    if not then or not now:
        return MetricVerdict(name, NEW if now else MISSING, *last)
    step = series.first_difference(then, now)
    if step is None:
        return MetricVerdict(name, SAME, *last)
    state = WITHIN if series.are_alike(then, now, tolerance.tolerance_for(tolerances, now[0].key)) else DIFFERS
    return MetricVerdict(name, state, *last, step)


def _file(name: str, before: File | None, after: File | None) -> FileVerdict:
    if before is None or after is None:
        return FileVerdict(
            name, MISSING if before else NEW, before.sha256 if before else None, after.sha256 if after else None
        )
    if before.sha256 is None or after.sha256 is None:
        state = DIFFERS if before.size != after.size else UNKNOWN
        return FileVerdict(name, state, before.sha256, after.sha256)
    if before.sha256 == after.sha256:
        return FileVerdict(name, SAME, before.sha256, after.sha256)
    then, now = before.read(), after.read()
    if then is None or now is None:
        details, only_time = [f"{before.size} bytes, now {after.size}; no copies were kept to look into"], False
    else:
        details, only_time = file_difference.describe(before.path, then, now), file_difference.is_only_time(then, now)
    return FileVerdict(name, DIFFERS, before.sha256, after.sha256, tuple(details), only_time)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
