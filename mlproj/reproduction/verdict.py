"""Whether a run came out as an earlier one did: how it ended, every metric, every file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from mlproj.reproduction import file_difference, tolerance
from mlproj.reproduction.results import File, Results
from mlproj.reproduction.tolerance import Tolerance
from mlproj.tracking.base import Metric

SAME, WITHIN, DIFFERS, MISSING, NEW, UNKNOWN = "same", "within tolerance", "differs", "missing", "new", "unknown"
_BAD = (DIFFERS, MISSING, NEW)


@dataclass(frozen=True)
class MetricVerdict:
    """One metric then and now, by its last values (None where there is none). ``step`` is the first at which they are not the same."""

    name: str
    state: str
    before: float | None
    after: float | None
    step: int | None = None


@dataclass(frozen=True)
class FileVerdict:
    """One file then and now. ``details`` say for people how it differs; ``only_time`` that it does in dates, times and ids alone."""

    path: str
    state: str
    before: str | None
    after: str | None
    details: tuple[str, ...] = ()
    only_time: bool = False


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
        metrics = [one.name for one in self.metrics if one.state in _BAD]
        return [*metrics, *(one.path for one in self.files if one.state in _BAD)]

    @property
    def is_exact(self) -> bool:
        """Whether nothing differs at all."""
        return self.reproduced and not any(one.state == WITHIN for one in self.metrics)

    @property
    def word(self) -> str:
        """The verdict in a word or three."""
        return "reproduced" if self.is_exact else "reproduced within tolerance" if self.reproduced else "not reproduced"

    @property
    def summary(self) -> str:
        """What was compared and what differs, in a line."""
        if self.ending:
            return f"{self.word}: {self.ending}"
        counted = [_counted(len(self.metrics), "metric"), _counted(len(self.files), "file")]
        if self.reproduced and not (self.metrics or self.files):
            return f"{self.word}: it ended the same way, and left no metrics and no files to compare"
        if self.reproduced:
            return f"{self.word}: {' and '.join(counted)} compared"
        bad = self._bad
        more = f" and {len(bad) - 3} more" if len(bad) > 3 else ""
        return f"{self.word}: of {' and '.join(counted)} {len(bad)} differ: {', '.join(bad[:3])}{more}"


def judge(before: Results, after: Results, tolerances: Mapping[str, Tolerance], ignored: Sequence[str] = ()) -> Verdict:
    """Compare two runs. *ignored* are patterns of paths that do not count."""
    skipped = {path for path in (*before.files, *after.files) if any(fnmatchcase(path.removeprefix("logged: "), one) for one in ignored)}
    return Verdict(
        before,
        after,
        _ending(before, after),
        tuple(_metric(name, before, after, tolerance.of(tolerances, name)) for name in sorted({*before.metrics, *after.metrics})),
        tuple(
            _file(path, before.files.get(path), after.files.get(path))
            for path in sorted({*before.files, *after.files})
            if path not in skipped
        ),
        tuple(sorted(skipped)),
    )


def _ending(before: Results, after: Results) -> str | None:
    one, two = before.run, after.run
    if (one.status, one.exit_code) == (two.status, two.exit_code):
        return None
    reason = f" ({two.status_reason})" if two.status_reason and not one.status_reason else ""
    return f"it ended {two.status.value} with exit code {two.exit_code}, then {one.status.value} with {one.exit_code}{reason}"


def _metric(name: str, before: Results, after: Results, allowed: Tolerance) -> MetricVerdict:
    then, now = _series(before.metrics.get(name, ())), _series(after.metrics.get(name, ()))
    last = then[-1].value if then else None, now[-1].value if now else None
    if not then or not now:
        return MetricVerdict(name, NEW if now else MISSING, *last)
    first = next((one.step for one, two in zip(then, now, strict=False) if not _alike(one, two, tolerance.EXACT)), None)
    if len(then) == len(now) and all(_alike(one, two, allowed) for one, two in zip(then, now, strict=True)):
        return MetricVerdict(name, SAME if first is None else WITHIN, *last, first)
    return MetricVerdict(name, DIFFERS, *last, (then + now)[min(len(then), len(now))].step if first is None else first)


def _series(points: Sequence[Metric]) -> list[Metric]:
    """The points in the order in which they were logged, at each step."""
    return sorted(points, key=lambda point: (point.step, point.timestamp))


def _alike(one: Metric, two: Metric, allowed: Tolerance) -> bool:
    return one.step == two.step and allowed.allows(one.value, two.value)


def _file(path: str, before: File | None, after: File | None) -> FileVerdict:
    if before is None or after is None:
        return FileVerdict(path, MISSING if before else NEW, before.sha256 if before else None, after.sha256 if after else None)
    if before.sha256 is None or after.sha256 is None:
        state = DIFFERS if before.size != after.size else UNKNOWN
        return FileVerdict(path, state, before.sha256, after.sha256)
    if before.sha256 == after.sha256:
        return FileVerdict(path, SAME, before.sha256, after.sha256)
    then, now = before.read(), after.read()
    if then is None or now is None:
        details, only_time = [f"{before.size} bytes, now {after.size}; no copies were kept to look into"], False
    else:
        details, only_time = file_difference.describe(path, then, now), file_difference.is_only_time(then, now)
    return FileVerdict(path, DIFFERS, before.sha256, after.sha256, tuple(details), only_time)


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" + ("" if number == 1 else "s")
