"""Pickles, for models that have no format without code and where they are asked for."""

from __future__ import annotations

import importlib
import pickle
from pathlib import Path
from pickle import PicklingError as PicklingError
from typing import Any

from mlproj.foundation.errors import UsageError


def dump(model: Any, file: Path) -> str:
    """Pickle *model*, with cloudpickle where that is installed; the name of the format. Raises UsageError."""
    try:
        library: Any = importlib.import_module("cloudpickle")
    except ImportError:
        library = pickle
    try:
        with file.open("wb") as target:
            library.dump(model, target, protocol=4)  # what Python 3.7 reads as well as 3.8 to 3.13
    except (pickle.PicklingError, TypeError, AttributeError) as error:
        raise UsageError(f"the model cannot be pickled: {error!s:.300}") from error
    return str(library.__name__)


def required(order_pickle: bool, what: str) -> None:
    """Raise UsageError where a pickle is all there is, and it was not asked for."""
    if not order_pickle:
        raise UsageError(
            f"{what} can only be pickled, and a pickle executes code when it is loaded",
            hint="pass pickle=True if that is meant",
        )
