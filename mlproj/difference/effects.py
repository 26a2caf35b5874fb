"""What came out differently: how the runs ended, their metrics, their outputs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mlproj.tracking.comparison import Fact

_SECTIONS = ("result", "metrics", "outputs")
_LOAD = "system/"  # metrics of the machine's load, never twice the same


@dataclass(frozen=True)
class Effect:
    """A result that differs. ``absolute`` is how much greater the second number is, ``relative`` that as a part of the
    first.

    Both are None where the values are no numbers, ``relative`` also where the first is zero.
    """

    fact: Fact
    absolute: float | None = None
    relative: float | None = None


def find(facts: Sequence[Fact]) -> tuple[Effect, ...]:
    """The results that differ among *facts*, the ends of the runs first."""
    chosen = (fact for section in _SECTIONS for fact in facts if fact.section == section and fact.differs)
    return tuple(_effect(fact) for fact in chosen if not (fact.section == "metrics" and fact.name.startswith(_LOAD)))


def _effect(fact: Fact) -> Effect:
    before, after = fact.values
    if fact.section != "metrics" or not (isinstance(before, (int, float)) and isinstance(after, (int, float))):
        return Effect(fact)
    return Effect(fact, after - before, (after - before) / abs(before) if before else None)
