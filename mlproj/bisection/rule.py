"""What counts as bad: the side of a threshold that the bad end is on. Pure."""

from __future__ import annotations

import math

from mlproj.foundation.dataclass import dataclass
from mlproj.foundation.errors import UsageError


@dataclass(frozen=True)
class Rule:
    """Values beyond ``threshold`` are bad: those above it when ``bad_is_higher``, else those below."""

    threshold: float
    bad_is_higher: bool

    def is_bad(self, value: float) -> bool:
        """Whether a commit with this value has what the bad end has."""
        return value > self.threshold if self.bad_is_higher else value < self.threshold

    def __str__(self) -> str:
        return f"{'above' if self.bad_is_higher else 'below'} {number(self.threshold)}"


def decide(metric: str, good: float, bad: float, *, threshold: float | None, higher_is_better: bool | None) -> Rule:
    """The rule that tells *good* from *bad*, the values of the two ends; the middle between them where no threshold is
    given.

    Raises UsageError, which tells the values, where there can be none.
    """
    ends = f"{metric} is {number(good)} at the good end and {number(bad)} at the bad one"
    if good == bad:
        raise UsageError(
            f"{metric} is {number(good)} at both ends, so there is no change to find",
            hint="name other commits or another metric",
        )
    bad_is_higher = bad > good
    if higher_is_better is not None and higher_is_better == bad_is_higher:
        option = "--higher-is-better" if higher_is_better else "--lower-is-better"
        raise UsageError(
            f"{ends}: with {option} it became better", hint="swap --good and --bad, or leave the option out"
        )
    if threshold is None:
        if math.isinf(good) or math.isinf(bad):
            raise UsageError(
                f"{ends}: there is no middle between them", hint="say with --threshold from which value on it is bad"
            )
        threshold = good / 2 + bad / 2
        threshold = good if threshold == bad else threshold  # where no number is between them
    rule = Rule(threshold, bad_is_higher)
    if rule.is_bad(good) or not rule.is_bad(bad):
        raise UsageError(f"{ends}: --threshold {number(threshold)} is not between them", hint="choose one that is")
    return rule


def number(value: float) -> str:
    """*value* for people."""
    return f"{value:.12g}"
