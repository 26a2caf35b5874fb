"""Input files, read in portions."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from mlproj.models.prediction import arrow_columns
from mlproj.models.prediction.inputs.opened_input import OpenedInput, open_input
from mlproj.models.prediction.portion import Portion
from mlproj.models.prediction.request import STREAM, PredictionRequest
from mlproj.models.signature import Signature


class Reader(Protocol):
    """Reads a file of one format."""

    def portions(self) -> Iterator[Portion]:
        """The file, in order. Raises InvalidData."""


_READERS = {
    "csv": "csv_input:CsvInput",
    "jsonl": "jsonl_input:JsonLinesInput",
    "json": "json_input:JsonInput",
    "parquet": "arrow_input:ParquetInput",
    "arrow": "arrow_input:ArrowInput",
}


def reader(request: PredictionRequest, opened: OpenedInput, signature: Signature | None) -> Reader:
    """The reader of the request's input. Raises UsageError when a package is missing, InvalidData."""
    module, name = _READERS[request.input_format].split(":")
    made: Reader = getattr(importlib.import_module(f"{__name__}.{module}"), name)(request, opened, signature)
    return made


def check(request: PredictionRequest) -> None:
    """See, before anything is made, that the input is there and can be read. Raises SourceError, UsageError."""
    if request.input_format in ("parquet", "arrow"):
        arrow_columns.pyarrow(f"{request.input_format} input")
    path = Path(request.source)
    if request.source != STREAM and (not path.exists() or path.is_file() or path.is_dir()):  # a pipe is opened once
        with open_input(request.source):
            pass
