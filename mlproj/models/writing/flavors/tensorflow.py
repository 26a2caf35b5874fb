"""TensorFlow: modules as saved models, Keras of TensorFlow before 2.16 in HDF5."""

from __future__ import annotations

import importlib
from typing import Any

from mlproj.models.writing.version import installed_of, version_of
from mlproj.models.writing.written import Order, Written

_NEEDS = ("tensorflow", "tensorflow-cpu")


def write(order: Order) -> Written:
    """A module with the functions that it has traced."""
    tensorflow = importlib.import_module("tensorflow")
    tensorflow.saved_model.save(order.model, str(order.folder / "tf2model"))
    options = {"saved_model_dir": "tf2model", "model_type": "tf2-module", "code": None}
    return Written("tensorflow", options, {"loader_module": "mlflow.tensorflow"}, "saved_model", _needs())


def write_keras(order: Order) -> Written:
    """A model of Keras before 3."""
    folder = order.folder / "data"
    folder.mkdir()
    order.model.save(str(folder / "model.h5"), save_format="h5")
    (folder / "keras_module.txt").write_text("tensorflow.keras")
    (folder / "save_format.txt").write_text("h5")
    options: dict[str, Any] = {
        "data": "data",
        "model_type": "keras",
        "keras_version": version_of("keras", *_NEEDS),
        "save_format": "h5",
        "code": None,
    }
    return Written("tensorflow", options, {"loader_module": "mlflow.tensorflow", "data": "data"}, "h5", _needs())


def _needs() -> tuple[str, ...]:
    return (installed_of(*_NEEDS), "numpy")
