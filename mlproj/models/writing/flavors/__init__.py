"""One file for each kind of model: ``write(order) -> Written``. Which file writes a model is told by the classes that
it is made of, so that no library is imported to find out."""

from __future__ import annotations

import importlib
from typing import Any

from mlproj.models.writing.written import Order, Written

# Module of a class → (name of the class, or any) → the file here; the first that fits is taken.
_KINDS = (
    ("sentence_transformers", "SentenceTransformer", "sentence_transformers"),
    ("transformers", "Pipeline", "transformers"),
    ("xgboost", "", "xgboost"),
    ("lightgbm", "", "lightgbm"),
    ("catboost", "", "catboost"),
    ("statsmodels", "", "statsmodels"),
    ("onnx", "ModelProto", "onnx"),
    ("keras", "Model", "keras"),
    ("tensorflow", "Module", "tensorflow"),
    ("torch", "Module", "pytorch"),
    ("sklearn", "BaseEstimator", "sklearn"),
    ("mlflow", "PythonModel", "python_model"),
)


def kind_of(model: Any) -> str:
    """The file here that writes *model*; ``python_object`` for what is of no library."""
    classes = [(each.__module__.split(".")[0], each.__name__) for each in type(model).__mro__]
    for package, name, file in _KINDS:
        if any(package == top and name in ("", found) for top, found in classes):
            return file
    return "python_object"


def write(order: Order) -> Written:
    """Write the model's own files. Raises UsageError for what cannot be written as asked."""
    written: Written = importlib.import_module(f"{__name__}.{kind_of(order.model)}").write(order)
    return written
