"""Models that only MLflow itself can load: ``PythonModel``, models from code, agents, and whatever is not listed."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable
from typing import Any

from ..loading_error import LoadingError
from ..model_folder import ModelFolder
from ..predictor import Predictor
from ..unpickling import reading


def load(model: ModelFolder) -> Predictor:
    """What ``mlflow.pyfunc.load_model`` gives, asked behind its enforcement of the signature."""
    pyfunc = _mlflow_pyfunc(model)
    keywords: dict[str, Any] = {"suppress_warnings": True}
    if model.asked_config and "model_config" in inspect.signature(pyfunc.load_model).parameters:
        keywords["model_config"] = model.asked_config
    with reading(model, model.folder):
        loaded = pyfunc.load_model(str(model.folder), **keywords)
    version = importlib.import_module("mlflow").__version__
    return Predictor(_in_the_shape_of_its_example(loaded, _answer(loaded)), _native(loaded), "mlflow " + version)


def _mlflow_pyfunc(model: ModelFolder) -> Any:
    try:
        return importlib.import_module("mlflow.pyfunc")
    except ImportError as error:
        written_by = model.document.get("mlflow_version")
        version = f"=={written_by}" if written_by else ""
        raise LoadingError(
            f"the model's loader is {model.pyfunc.get('loader_module')}, and MLflow cannot be imported in this "
            f"environment ({error}): pip install 'mlflow-skinny{version}' pandas"
        ) from error


def _answer(loaded: Any) -> Callable[..., Any]:
    behind = getattr(loaded, "_predict_fn", None)  # MLflow 1.20 and later
    if behind is not None:
        return behind  # type: ignore[no-any-return]
    return getattr(loaded, "_model_impl", loaded).predict  # type: ignore[no-any-return]


def _in_the_shape_of_its_example(loaded: Any, answer: Callable[..., Any]) -> Callable[..., Any]:
    """MLflow from 2.20 hands a model whose type hint is ``TypeFromExample`` its data in the shape of its example."""
    is_from_example = getattr(getattr(loaded, "metadata", None), "_is_type_hint_from_example", None)
    if is_from_example is None or not is_from_example() or loaded.input_example is None:
        return answer
    convert = importlib.import_module("mlflow.types.type_hints")._convert_dataframe_to_example_format

    def shaped(data: Any, params: dict[str, Any] | None = None) -> Any:
        return Predictor(answer, None).predict(convert(data, loaded.input_example), params)

    return shaped


def _native(loaded: Any) -> Any:
    implementation = getattr(loaded, "_model_impl", loaded)
    get_raw_model = getattr(implementation, "get_raw_model", None)
    if get_raw_model is not None:
        return get_raw_model()
    return getattr(implementation, "python_model", implementation)
