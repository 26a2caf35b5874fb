"""ONNX models, answered by ONNX Runtime; the package ``onnx`` is not needed."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from ..model_folder import ModelFolder
from ..needed_package import needed_package
from ..predictor import Predictor
from ..unpickling import reading

_CPU = "CPUExecutionProvider"
_log = logging.getLogger(__name__)


def load(model: ModelFolder) -> Predictor:
    """A session of ONNX Runtime; a DataFrame is answered with a DataFrame, arrays with a dict of arrays."""
    runtime = needed_package(model, "onnxruntime", "onnx")
    needed_package(model, "numpy", "onnx")
    path = model.file_of("onnx", "data", model.pyfunc.get("data") or "model.onnx")
    conf = model.flavor("onnx")
    options = _session_options(runtime, conf.get("onnx_session_options") or {})
    with reading(model, path):
        session = _session(runtime, path, options, _providers(runtime, conf.get("providers")))
    return Predictor(_Answer(session), session)


def _session_options(runtime: Any, asked: dict[str, Any]) -> Any:
    options = runtime.SessionOptions()
    for key in ("inter_op_num_threads", "intra_op_num_threads"):
        if asked.get(key):
            setattr(options, key, asked[key])
    mode = str(asked.get("execution_mode") or "").upper()
    if mode in ("SEQUENTIAL", "PARALLEL"):
        options.execution_mode = getattr(runtime.ExecutionMode, "ORT_" + mode)
    if asked.get("graph_optimization_level"):
        options.graph_optimization_level = runtime.GraphOptimizationLevel(asked["graph_optimization_level"])
    for key, value in (asked.get("extra_session_config") or {}).items():
        options.add_session_config_entry(key, value)
    return options


def _providers(runtime: Any, asked: Any) -> list[Any]:
    """Those of the model's providers that this build of ONNX Runtime has; the processor when none."""
    wanted = [asked] if isinstance(asked, str) else asked or ["CUDAExecutionProvider", _CPU]
    wanted = [tuple(each) if isinstance(each, list) else each for each in wanted]
    here = set(runtime.get_available_providers())
    return [each for each in wanted if (each[0] if isinstance(each, tuple) else each) in here] or [_CPU]


def _session(runtime: Any, path: Path, options: Any, providers: list[Any]) -> Any:
    try:
        return runtime.InferenceSession(str(path), providers=providers, sess_options=options)
    except Exception as error:
        if providers == [_CPU]:
            raise
        _log.warning("ONNX Runtime cannot use %s, the processor answers instead: %s", providers, error)
        return runtime.InferenceSession(str(path), providers=[_CPU], sess_options=options)


class _Answer:
    """Feeds a session as MLflow does."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._inputs = {each.name: each.type for each in session.get_inputs()}
        self._outputs = [each.name for each in session.get_outputs()]

    def __call__(self, data: Any) -> Any:
        answered = self._session.run(self._outputs, self._narrowed(self._feed(data)))
        answers = dict(zip(self._outputs, answered))
        if not _is_frame(data):
            return answers
        import numpy
        import pandas

        return pandas.DataFrame.from_dict({name: numpy.asarray(each).reshape(-1) for name, each in answers.items()})

    def _feed(self, data: Any) -> dict[str, Any]:
        import numpy

        names = list(self._inputs)
        if isinstance(data, dict):
            return dict(data)
        if isinstance(data, numpy.ndarray):
            if len(names) == 1:
                return {names[0]: data}
            raise ValueError(
                f"an array is given to a model of {len(names)} inputs; give a dictionary or a DataFrame with {names}"
            )
        if _is_frame(data):
            return {name: data[name].values for name in names} if len(names) > 1 else {names[0]: data.values}
        raise TypeError(f"Input should be a dictionary or a numpy array or a pandas.DataFrame, got '{type(data)}'")

    def _narrowed(self, feed: dict[str, Any]) -> dict[str, Any]:
        """Doubles as floats where the model wants these: JSON knows no single precision."""
        for name, kind in self._inputs.items():
            given = feed.get(name)
            if kind == "tensor(float)" and given is not None and given.dtype == "float64":
                feed[name] = given.astype("float32")
        return feed


def _is_frame(data: Any) -> bool:
    return type(data).__name__ == "DataFrame" and hasattr(data, "columns")
