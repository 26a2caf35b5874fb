"""PyTorch models: programs of ``torch.export``, pickled modules, TorchScript."""

from __future__ import annotations

import importlib
import itertools
import os
from pathlib import Path
from typing import Any

from ..loading_error import LoadingError
from ..model_folder import ModelFolder
from ..needed_package import needed_package
from ..predictor import Predictor
from ..unpickling import check_allowed, reading

_DEVICE_VARIABLE = "MLFLOW_DEFAULT_PREDICTION_DEVICE"


def load(model: ModelFolder) -> Predictor:
    """The module on its device: the one asked for, else the first GPU, else the processor."""
    torch = needed_package(model, "torch", "pytorch")
    path = model.file_of("pytorch", "model_data", model.pyfunc.get("data") or "data")
    device = model.config.get("device") or os.environ.get(_DEVICE_VARIABLE)
    device = device or ("cuda:0" if torch.cuda.is_available() else "cpu")
    with reading(model, path):
        native = _module(model, torch, path, device)
    return Predictor(_Answer(torch, native, device), native)


def _module(model: ModelFolder, torch: Any, path: Path, device: str) -> Any:
    if path.is_dir() and not (path / "model.pth").exists():
        return _exported(torch, model.path(str(path), "model.pt2"), device)
    check_allowed("a pickled PyTorch model")
    keywords: dict[str, Any] = {}
    if path.is_dir():
        keywords["pickle_module"] = _pickle_module(model, path)
        path /= "model.pth"
    if _at_least(torch, (2, 6)):
        keywords["weights_only"] = False  # a whole module was saved, not its weights
    native = torch.load(str(path), **keywords)
    native.eval()
    native.to(device=device)
    return native


def _pickle_module(model: ModelFolder, path: Path) -> Any:
    name = model.path(str(path), "pickle_module_info.txt").read_text(encoding="utf-8").strip()
    if name.startswith("mlflow."):  # MLflow's own is cloudpickle with torch's persistent ids
        return _MLflowsPickleModule(needed_package(model, "cloudpickle", "pytorch"))
    return importlib.import_module(name)


class _MLflowsPickleModule:
    """What ``mlflow.pytorch.pickle_module`` is when something is loaded."""

    def __init__(self, cloudpickle: Any) -> None:
        import pickle

        self.__name__ = "mlflow.pytorch.pickle_module"
        self.Unpickler = pickle.Unpickler
        self.load = cloudpickle.load


def _exported(torch: Any, path: Path, device: str) -> Any:
    if not _at_least(torch, (2, 4)):
        raise LoadingError(f"torch.export made the model, which PyTorch reads from 2.4 on; here is {torch.__version__}")
    native = torch.export.load(str(path)).module()
    wanted = torch.device(device).type
    for tensor in itertools.chain(native.parameters(), native.buffers()):
        if tensor.device.type != wanted:
            raise LoadingError(
                f"the model was exported on {tensor.device.type!r} and cannot be moved to {wanted!r}: export it there"
            )
    return native


def _at_least(torch: Any, version: tuple[int, int]) -> bool:
    return tuple(int(part) for part in torch.__version__.split(".")[:2]) >= version


class _Answer:
    """Asks a module as MLflow does; a DataFrame becomes single precision and is answered with a DataFrame."""

    def __init__(self, torch: Any, native: Any, device: str) -> None:
        self._torch = torch
        self._native = native
        self._device = device
        self._forecasts = _is_forecasting(native)

    def __call__(self, data: Any, params: dict[str, Any] | None = None) -> Any:
        if params and "device" in params:
            raise ValueError("the device is chosen when the model is loaded, not by a parameter of a request")
        if self._forecasts:
            return self._host(self._native.predict(data)).numpy()
        array = self._array(data)
        with self._torch.no_grad():
            answer = self._native(self._torch.from_numpy(array).to(self._device), **(params or {}))
        answer = self._host(answer).numpy()
        return answer if array is data else self._frame(answer, data)

    def _array(self, data: Any) -> Any:
        import numpy

        if type(data).__name__ == "DataFrame":
            return data.to_numpy(dtype=numpy.float32)
        if isinstance(data, numpy.ndarray):
            return data
        raise TypeError(f"a PyTorch model takes a pandas.DataFrame or a numpy.ndarray, not {type(data).__name__}")

    def _host(self, answer: Any) -> Any:
        if not isinstance(answer, self._torch.Tensor):
            raise TypeError(f"Expected PyTorch model to output a single output tensor, but got {type(answer)}")
        return answer if self._device == "cpu" else answer.to("cpu")

    @staticmethod
    def _frame(answer: Any, data: Any) -> Any:
        import pandas

        return pandas.DataFrame(answer, index=data.index)


def _is_forecasting(native: Any) -> bool:
    """Whether it is a model of pytorch-forecasting, which takes DataFrames as they are."""
    try:
        models = importlib.import_module("pytorch_forecasting.models")
    except ImportError:
        return False
    return isinstance(native, models.BaseModel)
