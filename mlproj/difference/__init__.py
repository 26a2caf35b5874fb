"""Why two runs differ: what could explain it, the likeliest cause first, and what came out differently."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mlproj.difference import causes, code, effects
from mlproj.difference.causes import Cause
from mlproj.difference.effects import Effect
from mlproj.tracking import comparison
from mlproj.tracking.base import Run

_UNSEEN = "nothing recorded differs that could explain it: look for unset seeds, thread counts, clocks, hash seeds"


@dataclass(frozen=True)
class Difference:
    """Everything that could make two runs differ, the likeliest first, and what came out differently."""

    causes: tuple[Cause, ...]
    effects: tuple[Effect, ...]

    @property
    def likely(self) -> tuple[Cause, ...]:
        """The causes that differ, the likeliest first."""
        return tuple(cause for cause in self.causes if cause.state == causes.DIFFERS)

    @property
    def unknown(self) -> tuple[Cause, ...]:
        """What at least one of the runs has no record of, and what therefore cannot be excluded."""
        return tuple(cause for cause in self.causes if cause.state == causes.UNKNOWN)

    @property
    def conclusion(self) -> str:
        """What to make of it, in a line."""
        names, unknown = ([cause.name for cause in found] for found in (self.likely, self.unknown))
        if not self.effects:
            return "the runs came out the same" + (f", although something differs: {', '.join(names)}" if names else "")
        first = f"likeliest cause: {', then '.join(names)}" if names else _UNSEEN
        return first + (f"; not recorded, and so not excluded: {', '.join(unknown)}" if unknown else "")


def explain(one: Run, other: Run, lock_of: Callable[[Run], bytes | None]) -> Difference:
    """Compare two runs; *lock_of* gives a run's environment lock, where it is known. Raises UsageError for a lock that
    cannot be read."""
    runs = (one, other)
    locks = {run.run_id: lock_of(run) for run in runs}
    facts = comparison.compare(runs, lambda run: locks[run.run_id])
    found = causes.find(runs, facts, is_locked=None not in locks.values())
    of_code, leftovers = code.find(runs, facts)
    return Difference((of_code, *found, leftovers), effects.find(facts))
