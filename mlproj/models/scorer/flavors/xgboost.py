"""XGBoost models in XGBoost's own formats."""

from __future__ import annotations

import functools
import importlib
import inspect
from collections.abc import Callable
from typing import Any

from ..loading_error import LoadingError
from ..model_folder import ModelFolder
from ..needed_package import needed_package
from ..predictor import Predictor
from ..unpickling import reading

_BOOSTER = "xgboost.core.Booster"


def load(model: ModelFolder) -> Predictor:
    """The booster or scikit-learn estimator; models of MLflow before 1.22 are always boosters."""
    xgboost = needed_package(model, "xgboost", "xgboost")
    path = model.file_of("xgboost", "data", model.pyfunc.get("data") or "model.xgb")
    with reading(model, path):
        native = _model_class(xgboost, model.flavor("xgboost").get("model_class") or _BOOSTER)()
        native.load_model(str(path))
    return Predictor(_answer(xgboost, native), native)


def _model_class(xgboost: Any, name: str) -> Any:
    module, _, attribute = name.rpartition(".")
    found = getattr(importlib.import_module(module), attribute)
    if isinstance(found, type) and issubclass(found, (xgboost.Booster, getattr(xgboost, "XGBModel", xgboost.Booster))):
        return found
    raise LoadingError(f"{name}, which the MLmodel file names, is no model of XGBoost")


def _answer(xgboost: Any, native: Any) -> Callable[..., Any]:
    """As MLflow asks: with the names of features checked, and only those params that the method knows."""
    if isinstance(native, xgboost.Booster):

        def of_booster(data: Any, params: dict[str, Any] | None = None) -> Any:
            known = _known(native.predict, params or {})
            return native.predict(xgboost.DMatrix(data), validate_features=True, **known)

        return of_booster

    method = functools.partial(native.predict, validate_features=True)

    def of_estimator(data: Any, params: dict[str, Any] | None = None) -> Any:
        return method(data, **_known(method, params or {}))

    return of_estimator


def _known(method: Callable[..., Any], params: dict[str, Any]) -> dict[str, Any]:
    allowed = inspect.signature(method).parameters
    if any(each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD) for each in allowed.values()):
        return params
    return {name: value for name, value in params.items() if name in allowed}
