"""scikit-learn: skops, which holds no code; pickle when it is asked for."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import Any

from mlproj.foundation.errors import UsageError
from mlproj.models.writing.pickling import dump
from mlproj.models.writing.version import version_of
from mlproj.models.writing.written import Order, Written

_ASK = "pass pickle=True to pickle it, which executes code when it is loaded (and which MLflow before 3.9 can read)"


def write(order: Order) -> Written:
    """The estimator; its types beyond those that skops trusts are listed, and trusted when it is loaded."""
    name, serialization, trusted = write_estimator(order)
    options: dict[str, Any] = {
        "pickled_model": name,
        "sklearn_version": version_of("scikit-learn"),
        "serialization_format": serialization,
        "code": None,
    }
    if serialization == "skops":
        options["skops_trusted_types"] = trusted
    needs = ("scikit-learn", serialization) if serialization != "pickle" else ("scikit-learn",)
    pyfunc = {"loader_module": "mlflow.sklearn", "model_path": name, "predict_fn": "predict"}
    return Written("sklearn", options, pyfunc, serialization, needs)


def write_estimator(order: Order) -> tuple[str, str, list[str] | None]:
    """File, format, and the types that skops is to trust."""
    if order.pickle:
        return "model.pkl", dump(order.model, order.folder / "model.pkl"), None
    try:
        skops = importlib.import_module("skops.io")
    except ImportError:
        raise UsageError("writing the model without code in it needs skops: pip install skops", hint=_ASK) from None
    return "model.skops", "skops", _write_skops(skops, order.model, order.folder / "model.skops")


def _write_skops(skops: Any, model: Any, file: Path) -> list[str] | None:
    try:
        skops.dump(model, file)
        types = sorted(skops.get_untrusted_types(file=file))
        skops.load(file, trusted=types)
    except Exception as error:  # skops has errors of many kinds for what it cannot hold
        raise UsageError(f"skops cannot hold this model: {error!s:.300}", hint=_ASK) from error
    own = [name for name in types if name.startswith("__main__.")]
    if own:
        raise UsageError(
            f"the model is made of {', '.join(own)}, which is in the program itself and cannot be imported from there",
            hint="move it to a module of its own and pass that as code_paths",
        )
    return types or None
