"""LightGBM models: boosters in LightGBM's own text, scikit-learn estimators in skops or cloudpickle."""

from __future__ import annotations

from ..model_folder import ModelFolder
from ..needed_package import needed_package
from ..predictor import Predictor
from ..unpickling import reading
from .sklearn import load_estimator

_BOOSTER = "lightgbm.basic.Booster"


def load(model: ModelFolder) -> Predictor:
    """The booster or estimator; models of MLflow before 1.23 are always boosters."""
    lightgbm = needed_package(model, "lightgbm", "lightgbm")
    conf = model.flavor("lightgbm")
    path = model.file_of("lightgbm", "data", model.pyfunc.get("data") or "model.lgb")
    if conf.get("model_class", _BOOSTER) == _BOOSTER:
        with reading(model, path):
            native = lightgbm.Booster(model_file=str(path))
    else:
        native = load_estimator(model, path, conf.get("serialization_format", "cloudpickle"), "lightgbm")
    return Predictor(lambda data: native.predict(data), native)
