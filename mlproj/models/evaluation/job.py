"""``mlproj models evaluate`` from the models' addresses to the end of its run."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from mlproj.environments.base import Prepared
from mlproj.foundation.dataclass import dataclass
from mlproj.foundation.progress import Progress
from mlproj.models import environment
from mlproj.models.environment import EnvironmentOptions
from mlproj.models.evaluation import document, libraries, report
from mlproj.models.evaluation.asking import Ready
from mlproj.models.evaluation.data_file import Data
from mlproj.models.evaluation.evaluation import evaluate, load_data
from mlproj.models.evaluation.request import EvaluationRequest
from mlproj.models.evaluation.result import Evaluation
from mlproj.models.opened import OpenedModel, open_model
from mlproj.models.recorded_use import RecordedUse, Use
from mlproj.running.interruption import Interruption
from mlproj.tracking.base import Run


@dataclass(frozen=True)
class EvaluationJob:
    """What is asked: the addresses of the ``model`` and of a ``baseline``, the request, the environments. It is
    recorded in ``experiment``, None: nowhere; ``report`` is a folder, or a file that ends in ``.html``."""

    model: str
    request: EvaluationRequest
    environment: EnvironmentOptions
    baseline: str | None = None
    experiment: str | None = None
    report: Path | None = None


@dataclass(frozen=True)
class Done:
    """What came of a job."""

    evaluation: Evaluation
    run: Run | None


def run(job: EvaluationJob, progress: Progress, interruption: Interruption) -> Done:
    """Do *job*. Raises UsageError for what it contradicts itself in and for data that a model does not take,
    SourceError, NotLoaded, WorkerGone, and what opening models and making their environments do."""
    job.request.check(has_baseline=job.baseline is not None)
    libraries.check(charts=job.experiment is not None or job.report is not None)
    if job.report is not None:
        report.check(job.report)
    with ExitStack() as stack:
        names = [job.model, *([job.baseline] if job.baseline else [])]
        opened = [stack.enter_context(open_model(name, progress, offline=job.environment.offline)) for name in names]
        data, left_out = load_data(job.request, opened)
        decided = [environment.decide(one, job.environment, progress) for one in opened]
        recorded = None
        if job.experiment is not None:
            use = Use("evaluate", job.experiment, params=_params(job), input=str(job.request.data))
            recorded = stack.enter_context(RecordedUse(use, opened[0], decided[0], progress, interruption))
        prepared = [one.prepare(progress) for one in decided]
        if recorded:
            _begin(recorded, data, opened, prepared)
        models = [Ready(*pair) for pair in zip(opened, prepared, strict=True)]
        evaluation = evaluate(job.request, data, left_out, models, progress)
        if recorded or job.report:
            _keep(evaluation, recorded, job.report, progress)
    return Done(evaluation, recorded.run if recorded else None)


def _begin(recorded: RecordedUse, data: Data, opened: list[OpenedModel], prepared: list[Prepared]) -> None:
    recorded.environment_is_ready(prepared[0])
    recorded.took(str(data.path), data.sha256, data.size, data.path.suffix.lstrip("."))
    for other in opened[1:]:
        recorded.compared_with("mlproj.baseline", other)


def _keep(evaluation: Evaluation, recorded: RecordedUse | None, place: Path | None, progress: Progress) -> None:
    with progress.step("drawing the report"):
        made = report.make(evaluation)
    if place is not None:
        report.write(made, place)
    if recorded is None:
        return
    recorded.gave([], _metrics(evaluation))
    recorded.tell({"mlproj.evaluation": _verdict(evaluation)})
    text = json.dumps({"schema": 1, **document.without_nan(document.to_json(evaluation))}, indent=2, allow_nan=False)
    recorded.keep("evaluation.json", text.encode())
    recorded.keep("evaluation.html", made.page)
    for name, content in made.charts.items():
        recorded.keep(f"{name}.png", content)


def _params(job: EvaluationJob) -> Mapping[str, str]:
    request, how = job.request, job.request.resampling
    found = {
        "model": job.model,
        "baseline": job.baseline,
        "data": str(request.data),
        "target": request.target,
        "kind": request.kind,
        "slices": ", ".join(request.slices) or None,
        "requirements": "\n".join(one.text for one in request.requirements) or None,
        "bootstrap": str(how.replicates),
        "confidence": str(how.confidence),
        "seed": str(how.seed),
    }
    return {name: value for name, value in found.items() if value is not None}


def _metrics(evaluation: Evaluation) -> dict[str, float]:
    """The model's under MLflow's names, the baseline's below ``baseline/``; what has no value is left out."""
    found = dict(evaluation.model.metrics)
    if evaluation.baseline is not None:
        found |= {f"baseline/{name}": value for name, value in evaluation.baseline.metrics.items()}
    return {name: value for name, value in found.items() if not math.isnan(value)}


def _verdict(evaluation: Evaluation) -> str:
    count = len(evaluation.judgements)
    if not count:
        return "no requirements"
    return f"{evaluation.missed} of {count} requirements missed" if evaluation.missed else f"{count} requirements met"
