"""scikit-learn models: skops, pickle or cloudpickle."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

from ..loading_error import LoadingError
from ..model_folder import ModelFolder
from ..needed_package import needed_package
from ..predictor import Predictor
from ..unpickling import check_allowed, reading


def load(model: ModelFolder) -> Predictor:
    """The estimator; its method is the one that the model was saved for (``predict`` unless told)."""
    needed_package(model, "sklearn", "sklearn")
    default = model.pyfunc.get("model_path") or model.pyfunc.get("data") or "model.pkl"
    path = model.file_of("sklearn", "pickled_model", default)
    conf = model.flavor("sklearn")
    estimator = load_estimator(model, path, conf.get("serialization_format", "pickle"), "sklearn")
    return Predictor(_method(estimator, str(model.pyfunc.get("predict_fn") or "predict")), estimator)


def load_estimator(model: ModelFolder, path: Path, serialization: str, flavor: str) -> Any:
    """What a file holds that was written by skops, pickle or cloudpickle.

    MLflow forbids skops together with the pickles: the list of types that are trusted is the model's own.
    """
    check_allowed(f"a scikit-learn model in the {serialization} format")
    if serialization == "skops":
        skops = needed_package(model, "skops.io", flavor)
        with reading(model, path):
            return skops.load(str(path), trusted=model.flavor(flavor).get("skops_trusted_types"))
    if serialization not in ("pickle", "cloudpickle"):
        raise LoadingError(f"a scikit-learn model in the format {serialization!r} is unknown here")
    loader = needed_package(model, "cloudpickle", flavor) if serialization == "cloudpickle" else pickle
    with reading(model, path), path.open("rb") as file:
        return loader.load(file)


def _method(estimator: Any, name: str) -> Any:
    method = getattr(estimator, name, None)
    if method is None:
        raise LoadingError(f"the model was saved to answer with {name}, which its estimator has not")
    if name != "predict":
        return method
    return lambda data: method(data)  # MLflow's wrapper keeps params from an estimator's own ``predict``
