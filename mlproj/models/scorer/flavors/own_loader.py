"""Models that name a loader of their own: a module of their ``code/`` or of an installed package."""

from __future__ import annotations

import importlib

from ..loading_error import LoadingError
from ..model_folder import ModelFolder
from ..needed_package import how_to_get
from ..predictor import Predictor
from ..unpickling import reading


def load(model: ModelFolder) -> Predictor:
    """What the module's ``_load_pyfunc`` makes of the model's data."""
    name = str(model.pyfunc["loader_module"])
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name and not name.startswith(error.name):
            raise LoadingError(f"the model's loader {name} needs {how_to_get(model, error.name)}") from error
        raise LoadingError(
            f"the model's loader {name} is neither in its code nor installed in this environment"
        ) from error
    arguments = (str(model.data_path), model.config) if model.config else (str(model.data_path),)
    with reading(model, model.data_path):
        native = module._load_pyfunc(*arguments)
    return Predictor(getattr(native, str(model.pyfunc.get("predict_fn") or "predict")), native)
