"""PyTorch: the program of ``torch.export``; TorchScript as it is; pickled when that is asked for."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from mlproj.foundation.errors import UsageError
from mlproj.models.writing import pickling
from mlproj.models.writing.written import Order, Written

_ASK = "pass pickle=True to pickle it, which executes code when it is loaded (and which MLflow before 3.9 can read)"


def write(order: Order) -> Written:
    """The module, in evaluation mode as far as its kind knows that."""
    torch = importlib.import_module("torch")
    folder = order.folder / "data"
    folder.mkdir()
    if isinstance(order.model, torch.jit.ScriptModule):
        serialization = _write_script(torch, order.model, folder)
    elif order.pickle:
        serialization = _write_pickle(torch, order.model, folder)
    else:
        serialization = _write_export(torch, order, folder)
    options = {"model_data": "data", "pytorch_version": str(torch.__version__), "code": None}
    pyfunc: dict[str, Any] = {"loader_module": "mlflow.pytorch", "data": "data", "config": {"device": None}}
    if serialization != "pt2":
        pyfunc["pickle_module_name"] = "pickle"
    return Written("pytorch", options, pyfunc, serialization, ("torch", "numpy"))


def _write_script(torch: Any, model: Any, folder: Path) -> str:
    """As MLflow's loader, which calls ``torch.load``, reads it from any version."""
    (folder / "pickle_module_info.txt").write_text("pickle")
    torch.jit.save(model, str(folder / "model.pth"))
    return "torchscript"


def _write_pickle(torch: Any, model: Any, folder: Path) -> str:
    (folder / "pickle_module_info.txt").write_text("pickle")
    try:
        torch.save(model, str(folder / "model.pth"))
    except (AttributeError, TypeError, pickling.PicklingError) as error:
        raise UsageError(f"the model cannot be pickled: {error!s:.300}") from error
    return "pickle"


def _write_export(torch: Any, order: Order, folder: Path) -> str:
    if order.example is None:
        raise UsageError("PyTorch exports a model by an example of its input: give input_example", hint=f"or {_ASK}")
    example = order.example
    if type(example).__name__ == "DataFrame":
        example = example.to_numpy(dtype="float32")
    if type(example).__name__ != "ndarray":
        raise UsageError("the input example of a PyTorch model is to be an array or a DataFrame", hint=_ASK)
    tensor = torch.from_numpy(example)
    was_training = order.model.training
    try:
        order.model.eval()
        program = torch.export.export(order.model, (tensor,), dynamic_shapes=[_free_rows(torch, tensor)])
        torch.export.save(program, str(folder / "model.pt2"))
    except Exception as error:  # torch.export has errors of its own for all that it cannot trace
        raise UsageError(f"torch.export cannot write the model: {error!s:.300}", hint=_ASK) from error
    finally:
        order.model.train(was_training)
    return "pt2"


def _free_rows(torch: Any, tensor: Any) -> dict[int, Any] | None:
    """That there may be any number of rows; an example of one row cannot say so."""
    dimension = torch.export.Dim
    if hasattr(dimension, "AUTO"):
        return {0: dimension.AUTO}
    return {0: dimension("rows")} if tensor.shape[0] > 1 else None
