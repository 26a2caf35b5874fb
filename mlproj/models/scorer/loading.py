"""Loads a model folder into something that predicts: with our own loaders where they are exact, else with MLflow's."""

from __future__ import annotations

import importlib
from typing import Any

from . import NATIVE_LOADERS
from .code_folder import add_code_folder
from .loading_error import LoadingError
from .model_folder import ModelFolder
from .predictor import Predictor


def load(spec: dict[str, Any]) -> Predictor:
    """The model of a ModelSpec, ready to predict; LoadingError when it cannot be loaded here."""
    model = ModelFolder(spec)
    add_code_folder(model)
    return importlib.import_module("." + _flavor(spec, model), __package__ + ".flavors").load(model)  # type: ignore[no-any-return]


def _flavor(spec: dict[str, Any], model: ModelFolder) -> str:
    """The file below ``flavors`` that loads the model."""
    asked = (spec.get("options") or {}).get("loader") or "auto"
    loader = _loader_module(model)
    if asked == "mlflow":
        return "mlflow"
    if loader in NATIVE_LOADERS:
        return loader.rpartition(".")[2]
    if not loader.startswith("mlflow."):
        return "own_loader"
    if asked == "native":
        raise LoadingError(f"only MLflow can load this model: it names {loader} as its loader")
    return "mlflow"


def _loader_module(model: ModelFolder) -> str:
    loader = model.pyfunc.get("loader_module")
    if loader:
        return str(loader)
    known = [name for name in model.flavors if "mlflow." + name in NATIVE_LOADERS]
    if known:
        return "mlflow." + known[0]
    raise LoadingError(
        "no flavor of the model can be asked from Python; it has: %s" % (", ".join(model.flavors) or "none")
    )
