"""CatBoost models in CatBoost's own formats."""

from __future__ import annotations

from ..loading_error import LoadingError
from ..model_folder import ModelFolder
from ..needed_package import needed_package
from ..predictor import Predictor
from ..unpickling import reading

_CLASSES = ("CatBoost", "CatBoostClassifier", "CatBoostRegressor", "CatBoostRanker")


def load(model: ModelFolder) -> Predictor:
    """The model, as the class that it was saved from."""
    catboost = needed_package(model, "catboost", "catboost")
    conf = model.flavor("catboost")
    kind = conf.get("model_type") or "CatBoost"
    if kind not in _CLASSES or not hasattr(catboost, kind):
        raise LoadingError(f"{kind!r}, which the MLmodel file names, is no class of this CatBoost")
    path = model.file_of("catboost", "data", model.pyfunc.get("data") or "model.cb")
    native = getattr(catboost, kind)()
    with reading(model, path):
        native.load_model(str(path), conf.get("save_format") or "cbm")
    return Predictor(lambda data: native.predict(data), native)
