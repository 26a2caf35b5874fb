"""Loading what was pickled: whether it is allowed, and what keeps it from being loaded in the model's own terms."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from .loading_error import LoadingError
from .model_folder import ModelFolder
from .needed_package import how_to_get, is_recorded
from .version import differing_versions

_SWITCH = "MLFLOW_ALLOW_PICKLE_DESERIALIZATION"


def check_allowed(what: str) -> None:
    """LoadingError when the variable of MLflow that forbids loading what can execute code is set to false."""
    if os.environ.get(_SWITCH, "").lower() in ("false", "0"):
        raise LoadingError(f"{what} can execute code when it is loaded, which {_SWITCH}=false forbids")


@contextlib.contextmanager
def reading(model: ModelFolder, path: Path) -> Iterator[None]:
    """Within it a file of the model is read; what fails becomes a LoadingError that names versions and what to do."""
    try:
        yield
    except LoadingError:
        raise
    except ModuleNotFoundError as error:
        raise LoadingError(_missing_module(model, path, error.name or str(error))) from error
    except Exception as error:
        message = f"{path.name} cannot be loaded: {type(error).__name__}: {error}"
        raise LoadingError(message + _advice(model)) from error


def _missing_module(model: ModelFolder, path: Path, module: str) -> str:
    message = f"{path.name} needs {how_to_get(model, module)}"
    if module.split(".")[0] == "mlflow":
        return message + " (mlflow-skinny and pandas are enough)"
    if is_recorded(model, module):
        return message
    return message + " (or, when it is a module of the project that made it, save the model with code_paths)"


def _advice(model: ModelFolder) -> str:
    differing = differing_versions(model)
    return f"\n{differing}; load it in an environment made from its requirements.txt" if differing else ""
