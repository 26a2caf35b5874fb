"""Keras 3 models in Keras's own format; those of older Keras are loaded as TensorFlow's."""

from __future__ import annotations

from typing import Any

from ..model_folder import ModelFolder
from ..needed_package import needed_package
from ..predictor import Predictor
from ..unpickling import reading
from . import tensorflow


def load(model: ModelFolder) -> Predictor:
    """The model; what was exported as a TensorFlow graph is served as that."""
    keras = needed_package(model, "keras", "keras")
    if int(keras.__version__.split(".")[0]) < 3 or tensorflow.is_of_old_keras(model):
        return tensorflow.load(model)
    exported = model.flavor("keras").get("save_exported_model")
    path = model.data_path / (model.flavor("keras").get("data") or "model")
    if path.is_dir():
        path /= "model"
    if exported:
        graphs = needed_package(model, "tensorflow", "keras")
        with reading(model, path):
            native = graphs.saved_model.load(str(path))
        return Predictor(_answer(keras, native.serve), native)
    with reading(model, path):
        native = keras.saving.load_model(str(model.path(f"{path}.keras")))
    return Predictor(_answer(keras, native.predict), native)


def _answer(keras: Any, call: Any) -> Any:
    def answer(data: Any) -> Any:
        if type(data).__name__ == "DataFrame":
            import pandas

            return pandas.DataFrame(call(data.values), index=data.index)
        if type(data).__name__ != "ndarray" and not isinstance(data, (list, tuple, dict)):
            raise TypeError("a Keras model takes arrays, a list or a dict of them, or a DataFrame")
        return keras.ops.convert_to_numpy(call(data))

    return answer
