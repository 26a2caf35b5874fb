"""Output files, written as the answers come."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import IO, Protocol

from mlproj.foundation.errors import UsageError
from mlproj.models.prediction import arrow_columns
from mlproj.models.prediction.answer import Answer
from mlproj.models.prediction.request import STREAM, PredictionRequest


class Writer(Protocol):
    """Writes a file of one format."""

    def write(self, answer: Answer, /) -> None:
        """Add an answer. Raises InvalidData where it does not go with those before."""

    def end(self) -> None:
        """Write what comes after the last one."""


ASKED = {"csv": "csv", "jsonl": "jsonl", "json": "json", "parquet": "columns", "arrow": "columns"}
"""The form in which the worker answers, by the format of the output."""
_WRITERS = {
    "csv": "text_output:CsvOutput",
    "jsonl": "text_output:JsonLinesOutput",
    "json": "json_output:JsonOutput",
    "parquet": "arrow_output:ParquetOutput",
    "arrow": "arrow_output:ArrowOutput",
}


def writer(request: PredictionRequest, stream: IO[bytes]) -> Writer:
    """The writer of the request's output. Raises UsageError when a package is missing."""
    module, name = _WRITERS[request.output_format].split(":")
    made: Writer = getattr(importlib.import_module(f"{__name__}.{module}"), name)(stream)
    return made


def check(request: PredictionRequest) -> None:
    """See, before anything is made, that the output can be written. Raises UsageError."""
    if request.output_format in ("parquet", "arrow"):
        arrow_columns.pyarrow(f"{request.output_format} output")
    if request.with_inputs and request.output_format == "json":
        raise UsageError("--with-inputs: MLflow's JSON has predictions only", hint="write jsonl, csv, parquet or arrow")
    if request.target != STREAM and not Path(request.target).parent.is_dir():
        raise UsageError(f"{request.target} cannot be written: there is no folder {Path(request.target).parent}")
    if request.target != STREAM and Path(request.target).is_dir():
        raise UsageError(f"{request.target} is a folder, and a file is to be written")
