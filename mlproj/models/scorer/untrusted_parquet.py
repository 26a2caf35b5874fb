"""Parquet files of strangers: old versions of PyArrow let them run code (CVE-2023-47248), all let them be bombs."""

from __future__ import annotations

import functools
import importlib
import io
from typing import Any

from .errors import BAD_REQUEST, ScoringError

_MANY_CELLS = 100_000_000
_PICKLED = "arrow.py_extension_type"


@functools.lru_cache(maxsize=None)
def forbid_pickled_types() -> None:
    """Before PyArrow 14.0.1 a type in the file may be a pickle, which is loaded when the file is read: no more."""
    try:
        pyarrow = importlib.import_module("pyarrow")
    except ImportError:
        return
    if hasattr(pyarrow, "ExtensionType") and _version(pyarrow.__version__) < (14, 0, 1):
        pyarrow.unregister_extension_type(_PICKLED)
        pyarrow.register_extension_type(_forbidden(pyarrow))


def refuse_bomb(body: bytes) -> None:
    """A file of few bytes, of which a table larger than the memory would become."""
    try:
        metadata = importlib.import_module("pyarrow.parquet").read_metadata(io.BytesIO(body))
    except Exception:  # no Parquet, or none that PyArrow reads: reading it says why
        return
    cells = metadata.num_rows * metadata.num_columns
    if cells > _MANY_CELLS and cells > 100 * len(body):
        raise ScoringError(f"The file of {len(body)} bytes has {cells} cells.", BAD_REQUEST)


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".")[:3] if part.isdigit())


def _forbidden(pyarrow: Any) -> Any:
    """Stands where the pickled types stood, so that a file with one is refused."""

    class Forbidden(pyarrow.ExtensionType):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__(pyarrow.null(), _PICKLED)

        def __arrow_ext_serialize__(self) -> bytes:
            return b""

        @classmethod
        def __arrow_ext_deserialize__(cls, _storage: Any, _serialized: bytes) -> Any:
            raise ValueError("a type in the file is a pickle, which is not loaded")

    return Forbidden()
