"""Which kind of answers is judged: as the user says, else told from the targets and the answers, with the reason."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlproj.models.evaluation.answers import Answers
from mlproj.models.evaluation.label import are_scores, is_missing, is_number, text_of, together
from mlproj.models.evaluation.sample import Kind

_MOST_CLASSES = 20


def choose(asked: str, target: Sequence[Any], answers: Answers) -> tuple[Kind, str]:
    """The kind and why. *target* has no missing values."""
    if asked != "auto":
        return Kind(asked), "asked for"
    if answers.probabilities is not None:
        return _classes(target, answers, "the model answers with probabilities")
    values = [one for one in answers.values or () if not is_missing(one)]
    if are_scores([text_of(one) for one in target], values):
        return Kind.BINARY, "the targets are two classes, and the answers lie between 0 and 1"
    for what, given in (("the targets", target), ("the answers", values)):
        if not all(map(is_number, given)):
            return _classes(target, answers, f"{what} are no numbers")
    for what, given in (("the targets", target), ("the answers", values)):
        if not all(map(_is_whole, given)):
            return Kind.REGRESSION, f"{what} have fractions"
    if len({text_of(one) for one in (*target, *values)}) > _MOST_CLASSES:
        return Kind.REGRESSION, f"targets and answers are whole numbers, more than {_MOST_CLASSES}"
    return _classes(target, answers, f"targets and answers are whole numbers, at most {_MOST_CLASSES}")


def _classes(target: Sequence[Any], answers: Answers, reason: str) -> tuple[Kind, str]:
    given = [text_of(one) for one in answers.values or () if not is_missing(one)]
    targets, labels = together([text_of(one) for one in target], given)
    wide = len(answers.probabilities[0]) if answers.probabilities else 0
    return (Kind.BINARY if max(len({*targets, *labels}), wide) <= 2 else Kind.MULTICLASS), reason


def _is_whole(value: Any) -> bool:
    return bool(float(value).is_integer())
