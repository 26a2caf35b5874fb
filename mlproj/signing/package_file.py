"""Which files are packages, and where the statement about one is: ``FILE.intoto.jsonl`` beside it."""

from __future__ import annotations

from pathlib import Path

from mlproj.signing import statement_file

SUFFIX = ".mlproj"


def is_one(file: Path) -> bool:
    """Whether *file* is named as packages are."""
    return file.name.lower().endswith(SUFFIX)


def statement_of(file: Path) -> Path:
    """Where the statement about the package *file* is."""
    return file.with_name(file.name + statement_file.SUFFIX)
