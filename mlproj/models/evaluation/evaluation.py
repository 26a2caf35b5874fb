"""An evaluation from its data to its judgements."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from mlproj.foundation.dataclass import replace
from mlproj.foundation.errors import UsageError
from mlproj.foundation.progress import Progress
from mlproj.models.evaluation import (
    asking,
    bootstrap,
    data_file,
    judging,
    kind_choice,
    metric,
    ranking,
    sampling,
    significance,
    slicing,
)
from mlproj.models.evaluation.asking import Asked, Ready
from mlproj.models.evaluation.data_file import Data
from mlproj.models.evaluation.judging import Judgement, Measured
from mlproj.models.evaluation.label import is_missing, text_of
from mlproj.models.evaluation.request import EvaluationRequest
from mlproj.models.evaluation.result import Comparison, Evaluation, ModelResult, SliceResult
from mlproj.models.evaluation.sample import Array, Kind, Sample
from mlproj.models.evaluation.slicing import Slice
from mlproj.models.opened import OpenedModel
from mlproj.models.signature import Column

Sampler = Callable[[Array | None], Sample]
"""The sample of the rows where a mask is true; None: of all."""

_SLICE_INTERVALS = 2  # of the measures that matter most


def load_data(request: EvaluationRequest, models: Sequence[OpenedModel]) -> tuple[Data, int]:
    """The data without the rows that have no target, and how many these are. Raises UsageError, SourceError."""
    data = data_file.load(request.data, frozenset(name for one in models for name in _texts(one)))
    target = data.column(request.target)
    for name in (*request.drop, *([request.group] if request.group else [])):
        data.column(name)
    if any(isinstance(one, list | dict) or hasattr(one, "shape") for one in target.tolist()):
        raise UsageError(f"the column {request.target} must have one value in each row, and has lists")
    has_target = [not is_missing(one) for one in target.tolist()]
    left_out = has_target.count(False)
    if left_out == len(has_target):
        raise UsageError(f"no row of {request.data} has a {request.target}")
    kept = data.frame[has_target].reset_index(drop=True) if left_out else data.frame
    return replace(data, frame=kept), left_out


def evaluate(
    request: EvaluationRequest, data: Data, left_out: int, models: Sequence[Ready], progress: Progress
) -> Evaluation:
    """The first of *models*, compared with the second where there is one. Raises UsageError, NotLoaded, WorkerGone."""
    parts = _slices(request, data)
    target = data.column(request.target).tolist()
    classes = [text_of(one) for one in set(target)] if len(set(map(str, target))) <= 1000 else []
    asked = [asking.ask(one, data.frame, classes, request, progress) for one in models]
    kind, reason = (
        (Kind.RANKING, "queries are told apart by --group")
        if request.group
        else kind_choice.choose(request.kind, target, asked[0].answers)
    )
    samplers, explanation = _samplers(kind, request, data, asked, progress)
    samples = [sampler(None) for sampler in samplers]
    headlines = _headlines(kind, request, samples)
    with progress.step("measuring"):
        results = [_result(*each) for each in zip(asked, samples, explanation, strict=True)]
        found = _measured(request, results, headlines)
        slices = [_slice(one, request, samplers, headlines) for one in parts]
    evaluation = Evaluation(request, data, kind, reason, headlines, left_out, *found, slices=slices)
    return replace(evaluation, judgements=_judgements(evaluation), notes=_notes(evaluation))


def _texts(opened: OpenedModel) -> list[str]:
    signature = opened.file.signature
    columns = signature.inputs if signature and signature.inputs else ()
    return [one.name for one in columns if isinstance(one, Column) and one.name and one.type.name == "string"]


def _slices(request: EvaluationRequest, data: Data) -> list[Slice]:
    """Those asked for, and those of columns that requirements name."""
    columns = {asked if asked in data.frame.columns else asked.rpartition(":")[0] or asked for asked in request.slices}
    named = [one.part.column for one in request.requirements if one.part and one.part.column not in columns]
    parts = [slicing.slices_of(data, asked) for asked in dict.fromkeys([*request.slices, *named])]
    found = [one[0].column for one in parts if one]
    if twice := {name for name in found if found.count(name) > 1}:
        raise UsageError(f"--slice names the column {min(twice)} more than once")
    return [part for one in parts for part in one]


def _samplers(
    kind: Kind, request: EvaluationRequest, data: Data, asked: Sequence[Asked], progress: Progress
) -> tuple[list[Sampler], list[str]]:
    """What makes a sample of each model, and what of its answers that is of."""
    target = data.column(request.target).tolist()
    if kind.is_classification:
        given = [asking.with_probabilities(one, data.frame, request, progress) for one in asked]
        classes = sampling.classes_of(kind, target, given, request.positive)
        pairs = [sampling.classification(kind, classes, one) for one in given]
        return [_taking(one) for one, _naming in pairs], [explanation for _one, explanation in pairs]
    explanation = [one.answers.explanation or "the model's answers are numbers" for one in asked]
    made = [sampling.regression(target, one.answers) for one in asked]
    if kind is Kind.REGRESSION:
        return [_taking(one) for one in made], explanation
    queries = sampling.queries_of(data, request.group)
    return [_ranking(one, queries, _ranked_by(request)) for one in made], explanation


def _taking(whole: Sample) -> Sampler:
    return lambda rows: whole if rows is None else whole.take(rows)


def _ranking(scored: Sample, queries: Array, names: Sequence[str]) -> Sampler:
    """A slice of a ranking has of each query the rows that are in it."""

    def sample(rows: Array | None) -> Sample:
        one = scored if rows is None else scored.take(rows)
        return ranking.sample_of(one.target, one.predicted, queries if rows is None else queries[rows], names)

    return sample


def _ranked_by(request: EvaluationRequest) -> list[str]:
    cuts = [name for name in request.metrics if metric.cut_of(name)]
    return list(dict.fromkeys([*metric.HEADLINES[Kind.RANKING], *sorted(cuts)]))


def _headlines(kind: Kind, request: EvaluationRequest, samples: Sequence[Sample]) -> list[str]:
    """The measures that get intervals: those of the kind that there are, and those that are required."""
    sample = samples[0]
    known = metric.measured(sample.take(slice(0, 2)))
    return [name for name in dict.fromkeys([*metric.HEADLINES[kind], *sorted(request.metrics)]) if name in known]


def _result(asked: Asked, sample: Sample, explanation: str) -> ModelResult:
    import numpy

    speed = asked.speed
    system = {"rows_per_second": speed.rows_per_second}
    if asked.peak_memory is not None:
        system["peak_memory_mb"] = asked.peak_memory / 1e6
    for name in metric.LATENCIES if speed.milliseconds else ():
        system[name] = float(numpy.percentile(speed.milliseconds, int(name[1:3])))
    values = {**metric.measured(sample), **system}
    return ModelResult(asked.ready.opened, asked.loaded_by, explanation, values, sample, speed)


def _measured(
    request: EvaluationRequest, results: Sequence[ModelResult], headlines: Sequence[str]
) -> tuple[ModelResult, ModelResult | None, Comparison | None]:
    model, baseline = results[0], (results[1] if len(results) > 1 else None)
    found = bootstrap.intervals(
        model.sample, None if baseline is None else baseline.sample, headlines, request.resampling
    )
    model = replace(model, intervals=found.model)
    if baseline is None:
        return model, None, None
    differences = {name: model.metrics[name] - baseline.metrics.get(name, math.nan) for name in headlines}
    test = significance.compare(model.sample, baseline.sample)
    return model, replace(baseline, intervals=found.baseline), Comparison(differences, found.difference, test)


def _slice(
    part: Slice, request: EvaluationRequest, samplers: Sequence[Sampler], headlines: Sequence[str]
) -> SliceResult:
    taken = [sampler(part.rows) for sampler in samplers]
    other = taken[1] if len(taken) > 1 else None
    names = ["example_count", *headlines]
    # Intervals of every measure of every slice would take more time than all else together.
    chosen = [name for place, name in enumerate(headlines) if place < _SLICE_INTERVALS or name in request.metrics]
    found = bootstrap.intervals(taken[0], other, chosen, request.resampling)
    theirs = None if other is None else metric.measured(other, names)
    is_small = len(taken[0]) < slicing.FEW
    return SliceResult(part, int(part.rows.sum()), is_small, metric.measured(taken[0], names), theirs, found)


def _judgements(evaluation: Evaluation) -> list[Judgement]:
    model = Measured(evaluation.model.metrics, _by_slice(evaluation, lambda one: one.metrics))
    baseline = None
    if evaluation.baseline:
        baseline = Measured(evaluation.baseline.metrics, _by_slice(evaluation, lambda one: one.baseline or {}))
    return [
        *(judging.judge(one, model, baseline) for one in evaluation.request.requirements),
        *(judging.judge_threshold(one, model, baseline) for one in evaluation.request.thresholds),
    ]


def _by_slice(
    evaluation: Evaluation, of: Callable[[SliceResult], Mapping[str, float]]
) -> dict[tuple[str, str], Mapping[str, float]]:
    return {(one.part.column, one.part.value): of(one) for one in evaluation.slices}


def _notes(evaluation: Evaluation) -> list[str]:
    """What should be known when the numbers are read."""
    notes = []
    if evaluation.left_out:
        notes.append(f"{evaluation.left_out} rows without a {evaluation.request.target} are left out")
    for result in filter(None, (evaluation.model, evaluation.baseline)):
        undefined = [name for name, value in result.metrics.items() if math.isnan(value)]
        if undefined:
            notes.append(f"{result.opened.name}: no value of {', '.join(undefined)}")
    if evaluation.kind.is_classification and len(set(evaluation.model.sample.target.tolist())) == 1:
        notes.append("the targets are of one class alone: what compares classes has no meaning")
    small = [f"{one.part.column}={one.part.value}" for one in evaluation.slices if one.is_small]
    if small:
        notes.append(f"slices of fewer than {slicing.FEW} rows: {', '.join(small[:10])}")
    return notes
