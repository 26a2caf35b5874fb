"""A prediction from the model's address to the end of its run."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path

from mlproj.environments.base import Prepared
from mlproj.foundation.dataclass import dataclass, replace
from mlproj.foundation.progress import Progress
from mlproj.models import environment
from mlproj.models.environment import EnvironmentOptions
from mlproj.models.opened import OpenedModel, open_model
from mlproj.models.prediction import inputs, outputs, parameters
from mlproj.models.prediction.prediction import Predicted, predict
from mlproj.models.prediction.request import STREAM, InvalidData, PredictionRequest
from mlproj.models.recorded_use import RecordedUse, Use
from mlproj.models.scoring import worker_process
from mlproj.models.scoring.spec import spec_of
from mlproj.running.interruption import Interruption
from mlproj.tracking.base import Output, Run

Show = Callable[[int, float], None]
"""Told of the rows that were predicted so far, and the seconds that took."""


@dataclass(frozen=True)
class Job:
    """What ``mlproj models predict`` is asked: the ``model``'s address, the files, the environment. ``experiment`` is
    where the run is recorded, None: nowhere."""

    model: str
    request: PredictionRequest
    environment: EnvironmentOptions
    params: Sequence[str] = ()
    loader: str = "auto"
    experiment: str | None = None


@dataclass(frozen=True)
class Done:
    """What came of a job."""

    request: PredictionRequest
    predicted: Predicted
    address: str
    loaded_by: str
    run: Run | None


def run(job: Job, progress: Progress, interruption: Interruption, show: Show) -> Done:
    """Do *job*. Raises what :func:`~mlproj.models.prediction.prediction.predict` does, NotLoaded, and what opening
    the model and making its environment do."""
    inputs.check(job.request)
    outputs.check(job.request)
    with open_model(job.model, progress, offline=job.environment.offline) as opened, ExitStack() as stack:
        request = replace(job.request, params=parameters.typed(job.params, opened.file.signature))
        decided = environment.decide(opened, job.environment, progress)
        recorded = None
        if job.experiment is not None:
            params = {"input": request.source_name, "output": request.target_name, **_texts(request)}
            use = Use("predict", job.experiment, params=params, input=request.source)
            recorded = stack.enter_context(RecordedUse(use, opened, decided, progress, interruption))
        prepared = decided.prepare(progress)
        if recorded:
            recorded.environment_is_ready(prepared)
        predicted, loaded_by = _predicted(job, request, opened, prepared, progress, show)
        if recorded:
            _record(recorded, request, predicted)
    return Done(request, predicted, opened.address, loaded_by, recorded.run if recorded else None)


def _texts(request: PredictionRequest) -> dict[str, str]:
    return {f"params.{name}": str(value) for name, value in request.params.items()}


def _predicted(
    job: Job, request: PredictionRequest, opened: OpenedModel, prepared: Prepared, progress: Progress, show: Show
) -> tuple[Predicted, str]:
    with worker_process.start(prepared, cwd=opened.folder) as worker:
        with progress.step(f"loading {opened.name}"):
            loaded = worker.load(spec_of(opened, loader=job.loader))
        progress.note(f"{opened.name}, loaded by {loaded.loaded_by} in {loaded.seconds:.1f} s")
        begin = time.monotonic()
        try:
            with progress.step(f"predicting {request.source_name}"):
                predicted = predict(
                    worker, request, opened.file.signature, lambda rows: show(rows, time.monotonic() - begin)
                )
        except InvalidData as error:
            for line in error.traceback.splitlines():
                progress.detail(line)
            raise
    return predicted, loaded.loaded_by


def _record(recorded: RecordedUse, request: PredictionRequest, predicted: Predicted) -> None:
    recorded.took(request.source, predicted.input_sha256, predicted.input_size, request.input_format)
    name = request.target_name if request.target == STREAM else str(Path(request.target).absolute())
    metrics = {
        "rows": float(predicted.rows),
        "seconds": predicted.seconds,
        "rows_per_second": predicted.rows / max(predicted.seconds, 1e-9),
    }
    recorded.gave([Output(name, predicted.output_sha256, predicted.output_size, kept=False)], metrics)
