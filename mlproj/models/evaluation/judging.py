"""Requirements and thresholds held against what was measured."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from decimal import Decimal

from mlproj.foundation.dataclass import dataclass
from mlproj.models.evaluation.requirement import EVERY, Requirement
from mlproj.models.evaluation.threshold import Threshold

_COMPARISONS: dict[str, Callable[[Decimal, Decimal], bool]] = {
    ">=": operator.ge,
    ">": operator.gt,
    "<=": operator.le,
    "<": operator.lt,
    "==": operator.eq,
}


@dataclass(frozen=True)
class Measured:
    """The measures of the whole data and of every slice (by column and value), of one model."""

    whole: Mapping[str, float]
    slices: Mapping[tuple[str, str], Mapping[str, float]]


@dataclass(frozen=True)
class Judgement:
    """One requirement: whether it is met, the value and the limit where there are any, and a sentence."""

    text: str
    is_met: bool
    metric: str
    value: float | None
    limit: float | None
    baseline: float | None
    explanation: str


def judge(requirement: Requirement, model: Measured, baseline: Measured | None) -> Judgement:
    """Equal meets ``>=`` and ``<=``; a value that is absent or NaN, of the model or of a baseline that is asked for,
    does not. Numbers are compared as the decimals that they are shown as: 0.7 reaches 0.7."""
    part = requirement.part
    if part is None:
        return _judged(requirement, "", model.whole, None if baseline is None else baseline.whole)
    found = [key for key in model.slices if key[0] == part.column and part.value in (EVERY, key[1])]
    if not found:
        known = [value for column, value in model.slices if column == part.column]
        explanation = f"there is no slice {part}; there are {', '.join(known) or 'none'}"
        return Judgement(requirement.text, False, requirement.metric, None, None, None, explanation)
    judged = [
        _judged(
            requirement,
            f"[{key[0]}={key[1]}]",
            model.slices[key],
            None if baseline is None else baseline.slices.get(key, {}),
        )
        for key in found
    ]
    missed = [one for one in judged if not one.is_met]
    if not missed:
        return (
            judged[0]
            if len(judged) == 1
            else Judgement(
                requirement.text, True, requirement.metric, None, None, None, f"met in all {len(judged)} slices"
            )
        )
    explanation = "; ".join(one.explanation for one in missed)
    first = missed[0]
    return Judgement(requirement.text, False, first.metric, first.value, first.limit, first.baseline, explanation)


def _judged(
    requirement: Requirement, place: str, values: Mapping[str, float], theirs: Mapping[str, float] | None
) -> Judgement:
    metric, value = requirement.metric, values.get(requirement.metric)
    reference = theirs.get(metric) if theirs is not None and requirement.needs_baseline else None
    name = f"{metric}{place}"

    def judgement(is_met: bool, explanation: str, limit: float | None = None) -> Judgement:
        return Judgement(requirement.text, is_met, metric, value, limit, reference, explanation)

    if value is None:
        return judgement(False, f"{name} was not measured: the model's kind or its answers have none")
    if math.isnan(value):
        return judgement(False, f"{name} has no value")
    if requirement.needs_baseline and (reference is None or math.isnan(reference)):
        return judgement(False, f"the baseline has no value of {name}")
    if math.isinf(value) or (reference is not None and math.isinf(reference)):
        return judgement(False, f"{name} is {value:g}, the baseline's {reference}")
    limit = requirement.limit(_decimal(0.0 if reference is None else reference))
    is_met = _COMPARISONS[requirement.comparison](_decimal(value), limit)
    sign = requirement.comparison if is_met else f"not {requirement.comparison}"
    shown, bound = f"{value:.6g}", f"{float(limit):.6g}"
    if shown == bound:  # what they differ in is further behind
        shown, bound = repr(value), str(limit)
    return judgement(is_met, f"{name} {shown} is {sign} {bound}", float(limit))


def judge_threshold(threshold: Threshold, model: Measured, baseline: Measured | None) -> Judgement:
    """By MLflow's rules: see :mod:`mlproj.models.evaluation.threshold`."""
    value = model.whole.get(threshold.metric)
    reference = baseline.whole.get(threshold.metric) if baseline else None
    text = f"threshold of {threshold.written}"
    if value is None:
        explanation = f"{threshold.metric} was not measured"
        return Judgement(text, False, threshold.metric, None, None, reference, explanation)
    limits = threshold.limits(reference)
    missed = [(name, limit) for name, limit in limits if not threshold.passes(name, value, limit, reference)]
    side = "at least" if threshold.greater_is_better else "at most"
    explanation = "; ".join(
        f"{name}: expected {side} {'what the baseline has no value of' if limit is None else f'{limit:.6g}'}"
        for name, limit in missed
    )
    shown = f"{threshold.metric} {value:.6g}"
    first = (missed or limits or [("", None)])[0][1]
    return Judgement(
        text, not missed, threshold.metric, value, first, reference, f"{shown}; {explanation}" if missed else shown
    )


def _decimal(value: float) -> Decimal:
    return Decimal(repr(float(value)))
