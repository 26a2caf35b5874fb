"""A model asked in its own environment for the rows of a frame, and what answering takes: time and memory."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from mlproj.environments.base import Prepared
from mlproj.foundation.dataclass import dataclass, replace
from mlproj.foundation.errors import UsageError
from mlproj.models.evaluation.label import is_missing
from mlproj.models.opened import OpenedModel
from mlproj.models.scoring.launching import Launcher
from mlproj.models.scoring.worker_process import Answer, Loaded, Worker

_JSON = "application/json"
_CHUNK = 2000  # rows asked for at once
_WARM_UP = 3  # requests of a row that are not timed
_LONGEST = 600  # characters of a model's error


@dataclass(frozen=True)
class Speed:
    """Of single rows the milliseconds of each request, and how many rows a second were answered in chunks."""

    milliseconds: tuple[float, ...]
    rows_per_second: float


class Predictor:
    """A worker that has loaded a model. ``drop`` are columns of the data that are not for it."""

    def __init__(self, worker: Worker, loaded: Loaded, opened: OpenedModel, drop: frozenset[str]) -> None:
        self.loaded = loaded
        self._worker = worker
        self._opened = opened
        self._drop = drop
        self._rows = 0
        self._seconds = 0.0

    def predict(self, frame: Any, on_rows: Callable[[int], object] = lambda _rows: None) -> Mapping[str, list[Any]]:
        """A list of answers, a value per row of *frame*, by the names of the model's columns (``""``: no name).

        Raises UsageError for rows that the model does not take, or does not answer one by one.
        """
        given = self._inputs(frame)
        found: dict[str, list[Any]] = {}
        for start in range(0, len(frame), _CHUNK):
            part = given.iloc[start : start + _CHUNK]
            body = self._body(part)
            begun = time.perf_counter()
            (answer,) = self._worker.invoke([(_JSON, body)])
            self._seconds += time.perf_counter() - begun
            self._rows += len(part)
            columns = _columns(_predictions(answer, start, len(part)), len(part))
            if found and found.keys() != columns.keys():
                raise UsageError(f"from row {start + 1} on the model answers with other columns than before")
            for name, values in columns.items():
                found.setdefault(name, []).extend(values)
            on_rows(start + len(part))
        return found

    def speed(self, frame: Any, requests: int) -> Speed:
        """How fast it answers, after :meth:`predict`: *requests* single rows of *frame* are timed one after another."""
        bodies = [self._body(self._inputs(frame.iloc[[row % len(frame)]])) for row in range(requests)]
        for body in bodies[:_WARM_UP]:
            self._worker.invoke([(_JSON, body)])
        return Speed(tuple(map(self._timed, bodies)), self._rows / self._seconds if self._seconds else float("nan"))

    def _timed(self, body: bytes) -> float:
        begun = time.perf_counter()
        self._worker.invoke([(_JSON, body)])
        return (time.perf_counter() - begun) * 1000

    @property
    def peak_memory(self) -> int | None:
        """The most bytes that its process has had in memory until now, None where the system does not tell."""
        try:
            status = Path(f"/proc/{self._worker.pid}/status").read_text()
        except OSError:
            return None
        found = [line.split()[1] for line in status.splitlines() if line.startswith("VmHWM:")]
        return int(found[0]) * 1024 if found else None

    def _inputs(self, frame: Any) -> Any:
        """The columns that are for the model: those of its signature, else all that are not named as others."""
        signature = self._opened.file.signature
        named = [one.name for one in (signature.inputs if signature and signature.inputs else ()) if one.name]
        if named:
            return frame[[name for name in named if name in frame.columns]]
        return frame[[name for name in frame.columns if name not in self._drop]]

    def _body(self, frame: Any) -> bytes:
        columns = [_values(frame[name]) for name in frame.columns]
        rows = list(zip(*columns, strict=True))
        signature = self._opened.file.signature
        if signature and len(signature.tensors) == 1 and signature.tensors[0].name is None:
            return json.dumps({"inputs": rows}, default=_as_json).encode()
        return json.dumps(
            {"dataframe_split": {"columns": list(frame.columns), "data": rows}}, default=_as_json
        ).encode()


@contextmanager
def started(opened: OpenedModel, prepared: Prepared, drop: frozenset[str]) -> Iterator[Predictor]:
    """The model of *opened* in a process of its own as long as the block. Raises NotLoaded, WorkerGone."""
    with closing(Launcher(opened, prepared)) as launcher:
        worker, loaded = launcher.launch()
        with worker:
            yield Predictor(worker, loaded, opened, drop)


def with_probabilities(opened: OpenedModel) -> OpenedModel | None:
    """*opened* as one that answers with its estimator's ``predict_proba``; None for what is no scikit-learn model, or
    was saved to answer otherwise."""
    pyfunc = opened.file.pyfunc
    if pyfunc.get("loader_module") != "mlflow.sklearn" or pyfunc.get("predict_fn", "predict") != "predict":
        return None
    flavors = {**opened.file.flavors, "python_function": {**pyfunc, "predict_fn": "predict_proba"}}
    file = replace(opened.file, flavors=flavors, document={**opened.file.document, "flavors": flavors})
    return replace(opened, file=file)


def _predictions(answer: Answer, start: int, rows: int) -> Any:
    try:
        document = json.loads(answer.body)
    except ValueError:
        document = answer.body.decode(errors="replace")
    if answer.status != 200:
        raise _refusal(document, start, rows)
    return document["predictions"] if isinstance(document, dict) and "predictions" in document else document


def _refusal(document: Any, start: int, rows: int) -> UsageError:
    explanation = str(document.get("message", document)) if isinstance(document, dict) else str(document)
    explanation = explanation.rpartition("\nError: ")[2] or explanation
    trace = str(document.get("stack_trace") or "").strip() if isinstance(document, dict) else ""
    last = trace.splitlines()[-1] if trace else ""
    message = f"the model cannot predict rows {start + 1} to {start + rows}: {(last or explanation)[:_LONGEST]}"
    return UsageError(message, hint="mlproj models show tells what it takes")


def _columns(predictions: Any, rows: int) -> dict[str, list[Any]]:
    """Predictions as JSON has them → columns: records, a mapping of columns, or a list."""
    if isinstance(predictions, Mapping):
        columns = {str(name): value for name, value in predictions.items()}
    elif isinstance(predictions, list) and predictions and all(isinstance(one, Mapping) for one in predictions):
        names = dict.fromkeys(str(name) for one in predictions for name in one)
        columns = {name: [one.get(name) for one in predictions] for name in names}
    else:
        columns = {"": predictions}
    for value in columns.values():
        if not isinstance(value, list) or len(value) != rows:
            found = f"{len(value)} answers" if isinstance(value, list) else "something that is no list"
            raise UsageError(f"the model does not answer row by row: for {rows} rows it gives {found}")
    return columns


def _values(column: Any) -> Sequence[Any]:
    """A column's values as JSON can have them; those that are missing stay NaN in columns of numbers, else None."""
    import numpy

    if isinstance(column.dtype, numpy.dtype) and column.dtype.kind in "biuf":
        return list(column.tolist())
    return [None if _is_absent(one) else one for one in column.tolist()]


def _is_absent(value: Any) -> bool:
    return not isinstance(value, list | dict) and not hasattr(value, "shape") and is_missing(value)


def _as_json(value: Any) -> Any:
    if isinstance(value, bytes):
        return base64.encodebytes(value).decode("ascii")
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if hasattr(value, "tolist"):
        return value.tolist()
    return float(value)
