"""Targets and answers → samples that can be measured."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mlproj.foundation.dataclass import dataclass
from mlproj.foundation.errors import UsageError
from mlproj.models.evaluation.answers import Answers
from mlproj.models.evaluation.data_file import Data
from mlproj.models.evaluation.label import are_scores, is_missing, is_number, ordered, text_of, together
from mlproj.models.evaluation.sample import Array, Kind, Sample

_OTHER = "(other)"  # the class beside the only one that was seen


@dataclass(frozen=True)
class Classes:
    """The classes of all models together, in order; of two the second is the positive one. ``targets`` are the
    targets."""

    names: tuple[str, ...]
    targets: tuple[str, ...]


def numbers_of(values: Sequence[Any], what: str) -> Array:
    """*values* as floats, missing ones as NaN. Raises UsageError for what is no number."""
    import numpy

    try:
        return numpy.array([float("nan") if is_missing(one) else float(one) for one in values])
    except (TypeError, ValueError):
        wrong = next(one for one in values if not (is_missing(one) or is_number(one)))
        raise UsageError(f"{what} must be numbers for this kind; found {wrong!r:.60}", hint="see --kind") from None


def queries_of(data: Data, group: str | None) -> Array:
    """The query of each row. Raises UsageError for rows of none."""
    import numpy

    if group is None:
        raise UsageError("a ranking needs the column that tells its queries apart", hint="--group COLUMN")
    values = data.column(group).tolist()
    if any(map(is_missing, values)):
        raise UsageError(f"{sum(map(is_missing, values))} rows have no {group}, which tells the queries apart")
    return numpy.array([text_of(one) for one in values])


def regression(target: Sequence[Any], answers: Answers) -> Sample:
    """A sample of numbers. Raises UsageError."""
    if answers.values is None:
        raise UsageError("the model answers with several numbers for each row", hint="choose one: --prediction COLUMN")
    found = numbers_of(answers.values, "the model's answers")
    return Sample(Kind.REGRESSION, numbers_of(target, "the targets"), found)


def classes_of(kind: Kind, target: Sequence[Any], answers: Sequence[Answers], positive: str | None) -> Classes:
    """The classes of the targets and of every model's answers. Raises UsageError."""
    targets = [text_of(one) for one in target]
    explanation = [one for one in answers if not _are_scores(kind, targets, one)]
    labels = [text_of(value) for one in explanation for value in one.values or () if not is_missing(value)]
    targets, labels = together(targets, labels)
    found = {*targets, *labels, *(name for one in answers for name in one.names or ())}
    names = ordered(found)
    if kind is Kind.BINARY:
        names = _two(names, positive)
    elif positive is not None:
        raise UsageError("--positive is for two classes")
    return Classes(tuple(names), tuple(targets))


def classification(kind: Kind, classes: Classes, answers: Answers) -> tuple[Sample, str]:
    """A sample of classes, and what was used as labels and probabilities. Raises UsageError."""
    import numpy

    place = {name: number for number, name in enumerate(classes.names)}
    target = numpy.array([place[one] for one in classes.targets])
    if _are_scores(kind, classes.targets, answers):
        scores = numbers_of(answers.values or (), "the model's answers")
        explanation = f"the answers are probabilities of {classes.names[1]}; labels: from 0.5 on"
        return Sample(kind, target, (scores >= 0.5).astype(int), scores, classes.names), explanation
    probabilities, explanation = _probabilities(kind, classes, answers)
    if answers.values is not None:
        predicted = _labels(answers.values, classes, place)
    elif probabilities is None:
        raise UsageError(explanation)
    else:
        is_one = probabilities.ndim == 1
        predicted = (probabilities >= 0.5).astype(int) if is_one else probabilities.argmax(axis=1)
        explanation += "; labels: the most probable class"
    return Sample(kind, target, predicted, probabilities, classes.names), explanation


def _labels(values: Sequence[Any], classes: Classes, place: dict[str, int]) -> Array:
    import numpy

    missing = [number for number, one in enumerate(values) if is_missing(one)]
    if missing:
        raise UsageError(f"the model gives no class for {len(missing)} rows, the first is row {missing[0] + 1}")
    found = together(classes.targets, [text_of(one) for one in values])[1]
    return numpy.array([place[one] for one in found])


def _are_scores(kind: Kind, targets: Sequence[str], answers: Answers) -> bool:
    """Whether the answers to a question of two classes are probabilities of the positive one."""
    if kind is not Kind.BINARY or answers.values is None or answers.probabilities is not None:
        return False
    return are_scores(targets, answers.values)


def _two(names: list[str], positive: str | None) -> list[str]:
    if len(names) > 2:
        raise UsageError(f"a binary model knows two classes; found {', '.join(names[:6])}", hint="--kind multiclass")
    if len(names) == 1 and names[0] in ("0", "1", "true", "false"):
        names = ["false", "true"] if names[0] in ("true", "false") else ["0", "1"]
    if positive is not None:
        if positive not in names and len(names) == 2:
            raise UsageError(f"--positive {positive}: the classes are {' and '.join(names)}")
        others = [name for name in names if name != positive]
        return [*(others or [_OTHER]), positive]
    return names if len(names) == 2 else [_OTHER, *names]


def _probabilities(kind: Kind, classes: Classes, answers: Answers) -> tuple[Array | None, str]:
    """Probabilities in the order of *classes* (of two: of the positive one); None, and why, where there are none."""
    import numpy

    if answers.probabilities is None:
        return None, answers.explanation or "the model's answers are labels; it gives no probabilities"
    given = numpy.array(answers.probabilities, dtype=float)
    names = list(answers.names) if answers.names else ordered(classes.names)
    if _OTHER in names or set(names) != set(classes.names) or given.shape[1] != len(names):
        known = ", ".join(names) if answers.names else f"{given.shape[1]} classes"
        return None, f"probabilities of {known} are not used: the classes are {', '.join(classes.names)}"
    given = given[:, [names.index(name) for name in classes.names]]
    if not numpy.isfinite(given).all() or (given < 0).any() or (given > 1 + 1e-6).any():
        return None, "the model's scores are no probabilities, and not used as such: not all are from 0 to 1"
    return (given[:, 1] if kind is Kind.BINARY else given), answers.explanation
