"""ONNX: a graph without code; weights of more than 2 GB in a file beside it."""

from __future__ import annotations

import importlib

from mlproj.models.writing.version import version_of
from mlproj.models.writing.written import Order, Written

_FILE = "model.onnx"
_MOST_INSIDE = (1 << 31) - (1 << 20)  # what Protocol Buffers can hold, less the graph


def write(order: Order) -> Written:
    """The model, to be answered by the processor unless the environment has CUDA."""
    onnx = importlib.import_module("onnx")
    beside = order.model.ByteSize() > _MOST_INSIDE
    onnx.save_model(order.model, str(order.folder / _FILE), save_as_external_data=beside)
    options = {
        "onnx_version": version_of("onnx"),
        "data": _FILE,
        "providers": ["CUDAExecutionProvider", "CPUExecutionProvider"],
        "onnx_session_options": None,
        "code": None,
    }
    pyfunc = {"loader_module": "mlflow.onnx", "data": _FILE}
    return Written("onnx", options, pyfunc, "onnx", ("onnx", "onnxruntime"))
