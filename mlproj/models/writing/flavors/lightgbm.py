"""LightGBM: boosters as its own text; estimators as skops, or pickled when that is asked for."""

from __future__ import annotations

from typing import Any

from mlproj.models.writing.flavors.sklearn import write_estimator
from mlproj.models.writing.version import version_of
from mlproj.models.writing.written import Order, Written


def write(order: Order) -> Written:
    """The booster or estimator."""
    kind = type(order.model)
    options: dict[str, Any] = {
        "lgb_version": version_of("lightgbm"),
        "model_class": f"{kind.__module__}.{kind.__qualname__}",
        "code": None,
    }
    needs: tuple[str, ...] = ("lightgbm",)
    if hasattr(order.model, "booster_"):
        name, serialization, trusted = write_estimator(order)
        options["serialization_format"] = serialization
        if serialization == "skops":
            options["skops_trusted_types"] = trusted
        needs = ("lightgbm", "scikit-learn", *((serialization,) if serialization != "pickle" else ()))
    else:
        name, serialization = "model.lgb", "lightgbm"
        order.model.save_model(str(order.folder / name))
    options["data"] = name
    return Written("lightgbm", options, {"loader_module": "mlflow.lightgbm", "data": name}, serialization, needs)
