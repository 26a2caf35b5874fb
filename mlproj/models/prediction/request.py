"""What a batch prediction is asked for: files, their formats, and how the model is asked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlproj.foundation.dataclass import dataclass, field
from mlproj.foundation.errors import InvalidProject, UsageError, did_you_mean

STREAM = "-"
PORTION_ROWS = 50_000
PORTION_BYTES = 64 << 20
LARGEST_DOCUMENT = 256 << 20  # bytes
INPUT_FORMATS = ("csv", "parquet", "json", "jsonl", "arrow")
OUTPUT_FORMATS = INPUT_FORMATS
_SUFFIXES = {
    ".csv": "csv",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".json": "json",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".arrow": "arrow",
    ".feather": "arrow",
    ".arrows": "arrow",
    ".ipc": "arrow",
}


class InvalidData(InvalidProject):
    """An input file that is broken, or that the model does not take; ``traceback`` is that of the model, if it
    failed."""

    traceback = ""


@dataclass(frozen=True)
class PredictionRequest:
    """``source`` and ``target`` are paths, ``-`` for the standard streams; the formats are of :data:`INPUT_FORMATS`.

    ``params`` are the caller's, in the types of the signature. ``rows`` are asked at a time.
    """

    source: str
    target: str
    input_format: str
    output_format: str
    params: Mapping[str, Any] = field(default_factory=dict)
    with_inputs: bool = False
    rows: int = PORTION_ROWS

    @property
    def source_name(self) -> str:
        """The input for people."""
        return "standard input" if self.source == STREAM else self.source

    @property
    def target_name(self) -> str:
        """The output for people."""
        return "standard output" if self.target == STREAM else self.target


def format_of(place: str, named: str | None, option: str) -> str:
    """The format of a file: what was *told* with *option*, else what its name ends with. Raises UsageError."""
    if named is not None:
        return named
    suffix = Path(place).suffix.lower()
    if suffix in _SUFFIXES:
        return _SUFFIXES[suffix]
    guess = did_you_mean(suffix, list(_SUFFIXES)) if suffix and place != STREAM else None
    what = "the standard streams have no name" if place == STREAM else f"{place!r} does not end with the name of one"
    hint = f"did you mean {guess!r}?" if guess else f"say {option} with one of {', '.join(INPUT_FORMATS)}"
    raise UsageError(f"which format? {what}", hint=hint)
