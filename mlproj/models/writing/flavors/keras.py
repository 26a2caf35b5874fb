"""Keras 3 in its own format; Keras of TensorFlow as TensorFlow's."""

from __future__ import annotations

import importlib

from mlproj.models.writing.flavors import tensorflow
from mlproj.models.writing.version import installed_of
from mlproj.models.writing.written import Order, Written


def write(order: Order) -> Written:
    """The model; one of Keras 3 is read by MLflow from 2.11 on."""
    keras = importlib.import_module("keras")
    if int(keras.__version__.split(".")[0]) < 3:
        return tensorflow.write_keras(order)
    folder = order.folder / "data"
    folder.mkdir()
    order.model.save(str(folder / "model.keras"))
    (folder / "keras_module.txt").write_text("keras")
    backend = keras.backend.backend()
    options = {
        "data": "data",
        "keras_version": keras.__version__,
        "keras_backend": backend,
        "save_exported_model": False,
    }
    library = {"torch": "torch", "jax": "jax"}.get(backend) or installed_of("tensorflow", "tensorflow-cpu")
    return Written("keras", options, {"loader_module": "mlflow.keras"}, "keras", ("keras", library, "numpy"))
