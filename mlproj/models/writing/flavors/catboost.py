"""CatBoost: its own binary format."""

from __future__ import annotations

from mlproj.models.writing.version import version_of
from mlproj.models.writing.written import Order, Written

_FILE = "model.cb"


def write(order: Order) -> Written:
    """The model, with the name of its class."""
    order.model.save_model(str(order.folder / _FILE), format="cbm")
    options = {
        "model_type": type(order.model).__name__,
        "save_format": "cbm",
        "data": _FILE,
        "catboost_version": version_of("catboost"),
        "code": None,
    }
    return Written("catboost", options, {"loader_module": "mlflow.catboost", "data": _FILE}, "cbm", ("catboost",))
