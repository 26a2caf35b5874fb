"""TensorFlow models: Keras models of TensorFlow, modules, and graphs of TensorFlow 1."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from ..loading_error import LoadingError
from ..model_folder import ModelFolder
from ..needed_package import needed_package
from ..predictor import Predictor
from ..unpickling import check_allowed, reading

_MODULE_FILE = "keras_module.txt"
_FORMAT_FILE = "save_format.txt"
_CUSTOM_FILES = ("global_custom_objects.cloudpickle", "custom_objects.cloudpickle")


def is_of_old_keras(model: ModelFolder) -> bool:
    """Whether a model of the flavor Keras was saved in the way of Keras before 3."""
    return (model.data_path / _MODULE_FILE).exists()


def load(model: ModelFolder) -> Predictor:
    """The model, by its type; before types were recorded, a model was Keras's or an estimator."""
    tensorflow = needed_package(model, "tensorflow", "tensorflow")
    conf = model.flavor("keras") or model.flavor("tensorflow")
    kind = conf.get("model_type") or ("keras" if model.flavor("keras") else "tf1-estimator")
    if kind == "keras":
        return _keras(model)
    path = model.path(str(model.data_path), conf.get("saved_model_dir") or "")
    with reading(model, path):
        if kind == "tf2-module":
            native = tensorflow.saved_model.load(str(path))
            return Predictor(_of_module(tensorflow, native), native)
        if kind == "tf1-estimator":
            native = tensorflow.saved_model.load(export_dir=str(path), tags=conf["meta_graph_tags"])
            return Predictor(_of_graph(tensorflow, native.signatures[conf["signature_def_key"]]), native)
    raise LoadingError(f"a TensorFlow model of the type {kind!r} is unknown here")


def _keras(model: ModelFolder) -> Predictor:
    folder = model.data_path
    keras = needed_package(model, _told(folder, _MODULE_FILE, "tensorflow.keras"), "tensorflow")
    form = _told(folder, _FORMAT_FILE, "h5")
    path = folder / "model" if folder.is_dir() else folder
    if form == "h5":
        path = path.with_name(path.name + ".h5")
    elif path.with_name(path.name + ".keras").exists():
        path = path.with_name(path.name + ".keras")
    with reading(model, path):
        models = importlib.import_module(keras.__name__ + ".models")
        custom = _custom_objects(model, folder)
        native = models.load_model(str(model.path(str(path))), custom_objects=custom, compile=form == "tf")
    return Predictor(_of_keras(native), native)


def _told(folder: Path, name: str, default: str) -> str:
    path = folder / name
    return path.read_text(encoding="utf-8").strip() if path.is_file() else default


def _custom_objects(model: ModelFolder, folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in _CUSTOM_FILES:
        path = folder / name
        if path.is_file():
            check_allowed("the custom objects of a Keras model")
            cloudpickle = needed_package(model, "cloudpickle", "tensorflow")
            with path.open("rb") as file:
                found.update(cloudpickle.load(file))
    return found


def _of_keras(native: Any) -> Any:
    def answer(data: Any) -> Any:
        if type(data).__name__ == "DataFrame":
            import pandas

            return pandas.DataFrame(native.predict(data.values), index=data.index)
        if type(data).__name__ != "ndarray" and not isinstance(data, (list, tuple, dict)):
            raise TypeError("a Keras model takes arrays, a list or a dict of them, or a DataFrame")
        return native.predict(data)

    return answer


def _of_module(tensorflow: Any, native: Any) -> Any:
    def answer(data: Any) -> Any:
        if type(data).__name__ != "ndarray" and not isinstance(data, list):
            raise TypeError(f"a TensorFlow module takes an array or a list, not {type(data).__name__}")
        result = native(tensorflow.convert_to_tensor(data))
        return result.numpy() if isinstance(result, tensorflow.Tensor) else result

    return answer


def _of_graph(tensorflow: Any, graph: Any) -> Any:
    def answer(data: Any) -> Any:
        is_frame = type(data).__name__ == "DataFrame"
        if not is_frame and not isinstance(data, dict):
            raise TypeError(f"a TensorFlow graph takes a dict of arrays or a DataFrame, not {type(data).__name__}")
        feed = {name: tensorflow.constant(_column(data, name)) for name in list(data)}
        answers = {name: _flat(each.numpy()) for name, each in graph(**feed).items()}
        if not is_frame:
            return answers
        import pandas

        return pandas.DataFrame.from_dict(data=answers)

    return answer


def _column(data: Any, name: str) -> Any:
    if isinstance(data, dict):
        return data[name]
    import numpy

    column = data[name]
    return column.values if type(column).__name__ == "DataFrame" else numpy.array(column.to_list())


def _flat(array: Any) -> Any:
    if array.ndim != 1 and all(len(element) == 1 for element in array):
        return array.ravel()
    return array.tolist()
