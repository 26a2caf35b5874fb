"""A model's answers to the rows of the data, its speed and its memory; of a scikit-learn classifier its probabilities
too."""

from __future__ import annotations

from typing import Any

from mlproj.environments.base import Prepared
from mlproj.foundation.dataclass import dataclass
from mlproj.foundation.errors import MlprojError
from mlproj.foundation.progress import Progress
from mlproj.models.evaluation import answers, predicting
from mlproj.models.evaluation.answers import Answers
from mlproj.models.evaluation.predicting import Speed
from mlproj.models.evaluation.request import EvaluationRequest
from mlproj.models.opened import OpenedModel


@dataclass(frozen=True)
class Ready:
    """A model and the environment that it is asked in."""

    opened: OpenedModel
    prepared: Prepared


@dataclass(frozen=True)
class Asked:
    """What a model answered; ``peak_memory`` in bytes, None where the system does not tell."""

    ready: Ready
    answers: Answers
    loaded_by: str
    speed: Speed
    peak_memory: int | None


def ask(ready: Ready, frame: Any, classes: list[str], request: EvaluationRequest, progress: Progress) -> Asked:
    """Raises NotLoaded, WorkerGone, UsageError for rows that it does not take and answers that cannot be read."""
    drop = _not_inputs(request)
    name = ready.opened.name
    with progress.step(f"asking {name}"), predicting.started(ready.opened, ready.prepared, drop) as predictor:
        columns = predictor.predict(frame, lambda rows: progress.detail(f"{name}: {rows} of {len(frame)} rows"))
        peak = predictor.peak_memory
        speed = predictor.speed(frame, request.requests)
        found = answers.read(columns, request.prediction, classes)
        return Asked(ready, found, predictor.loaded.loaded_by, speed, peak)


def with_probabilities(asked: Asked, frame: Any, request: EvaluationRequest, progress: Progress) -> Answers:
    """The answers with the estimator's ``predict_proba``, where the model's own answers are labels and it has one."""
    found = asked.answers
    variant = None if found.probabilities is not None else predicting.with_probabilities(asked.ready.opened)
    if variant is None:
        return found
    try:
        with (
            progress.step(f"asking {variant.name} for probabilities"),
            predicting.started(variant, asked.ready.prepared, _not_inputs(request)) as predictor,
        ):
            second = answers.read(predictor.predict(frame), None, [])
    except MlprojError as error:
        progress.detail(f"no probabilities: {error}")
        return found
    explanation = "labels: the model's answers; probabilities: predict_proba of its scikit-learn estimator"
    return Answers(found.values, second.probabilities, None, explanation) if second.probabilities is not None else found


def _not_inputs(request: EvaluationRequest) -> frozenset[str]:
    return frozenset({request.target, *request.drop, *([request.group] if request.group else [])})
