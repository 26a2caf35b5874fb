"""A file predicted by a worker that has loaded the model: reading, asking and writing at the same time."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from mlproj.foundation.dataclass import dataclass
from mlproj.models.prediction import inputs, outputs
from mlproj.models.prediction.ahead import Ahead, Behind
from mlproj.models.prediction.answer import Answer
from mlproj.models.prediction.inputs.opened_input import OpenedInput, open_input
from mlproj.models.prediction.message import send
from mlproj.models.prediction.outputs import ASKED
from mlproj.models.prediction.portion import Portion
from mlproj.models.prediction.request import InvalidData, PredictionRequest
from mlproj.models.prediction.whole_file import HashedStream, written
from mlproj.models.scoring.worker_process import WorkerProcess
from mlproj.models.signature import Signature

Observe = Callable[[int], None]
"""Told of the number of rows that were predicted so far."""


@dataclass(frozen=True)
class Predicted:
    """What came of a prediction: ``rows`` in ``seconds``, and the content of both files."""

    rows: int
    seconds: float
    input_sha256: str | None
    input_size: int
    output_sha256: str
    output_size: int


def predict(
    worker: WorkerProcess, request: PredictionRequest, signature: Signature | None, observe: Observe
) -> Predicted:
    """Predict the request's input into its output, which is there when all is done.

    Raises InvalidData with the place of what is wrong, SourceError, UsageError, ServiceError.
    """
    begin = time.perf_counter()
    with open_input(request.source) as opened, written(request.target) as stream:
        rows = _Prediction(worker, request, signature, observe).run(opened, stream)
    return Predicted(rows, time.perf_counter() - begin, opened.sha256(), opened.size, stream.sha256(), stream.size)


class _Prediction:
    """One file on its way."""

    def __init__(
        self, worker: WorkerProcess, request: PredictionRequest, signature: Signature | None, observe: Observe
    ) -> None:
        self._worker = worker
        self._request = request
        self._signature = signature
        self._observe = observe
        self._rows = 0
        self._differing: Answer | None = None

    def run(self, opened: OpenedInput, stream: HashedStream) -> int:
        """The number of rows."""
        reader = inputs.reader(self._request, opened, self._signature)
        writer = outputs.writer(self._request, stream)  # type: ignore[arg-type]
        with Ahead(reader.portions()) as portions, Behind(writer.write) as behind:
            for number, portion in enumerate(portions):
                answer = self._ask(portion, is_first=number == 0)
                self._refuse_fewer(answer, is_first=number == 0)
                behind.put(answer)
                self._rows += answer.rows
                self._observe(self._rows)
        writer.end()
        return self._rows

    def _ask(self, portion: Portion, *, is_first: bool) -> Answer:
        header: dict[str, Any] = {"op": "predict", **portion.header}
        if is_first:
            header["job"] = {
                "params": dict(self._request.params),
                "output": ASKED[self._request.output_format],
                "inputs": self._request.with_inputs,
            }
        found, body = send(self._worker, header, portion.buffers)
        if not found["ok"]:
            raise failure(found, portion)
        return Answer(found, body, portion)

    def _refuse_fewer(self, answer: Answer, *, is_first: bool) -> None:
        """A model that gives no answer for each row gives another one for another number of rows: it must have all."""
        asked, given = answer.header.get("rows"), answer.header.get("answers")
        if self._differing is not None:
            raise InvalidData(
                f"{self._differing.portion.place(None, None)}: the model gives {self._differing.header.get('answers')}"
                f" answers for {self._differing.rows} rows, so it must be asked with all rows at once",
                hint="give --batch-rows as many rows as the input has",
            )
        if asked != given:
            self._differing = answer
            if not is_first:
                self._refuse_fewer(answer, is_first=False)


def failure(found: Mapping[str, Any], portion: Portion) -> InvalidData:
    """The error that a worker answered with, with its place in the file. RuntimeError is raised of a bug of ours."""
    if found.get("bug"):
        raise RuntimeError(f"the worker failed: {found['traceback']}")
    where = portion.place(found.get("row"), found.get("line"))
    column = f"column {found['column']!r}: " if found.get("column") is not None else ""
    what = f"the model fails: {found['error']}" if found.get("by_model") else found["error"]
    error = InvalidData(f"{where}: {column}{what}")
    error.traceback = str(found.get("traceback") or "")
    return error
