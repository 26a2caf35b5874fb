"""XGBoost: universal binary JSON, its own format."""

from __future__ import annotations

from mlproj.models.writing.version import installed_of, version_of
from mlproj.models.writing.written import Order, Written

_FILE = "model.ubj"


def write(order: Order) -> Written:
    """The booster or estimator."""
    order.model.save_model(str(order.folder / _FILE))
    kind = type(order.model)
    options = {
        "data": _FILE,
        "model_class": f"{kind.__module__}.{kind.__qualname__}",
        "model_format": "ubj",
        "xgb_version": version_of("xgboost", "xgboost-cpu"),
        "code": None,
    }
    is_estimator = any(each.__module__.startswith("sklearn.") for each in kind.__mro__)
    library = installed_of("xgboost", "xgboost-cpu")
    needs = (library, "scikit-learn") if is_estimator else (library,)
    return Written("xgboost", options, {"loader_module": "mlflow.xgboost", "data": _FILE}, "ubj", needs)
