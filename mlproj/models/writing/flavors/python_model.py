"""A ``PythonModel`` of MLflow's: pickled as MLflow does."""

from __future__ import annotations

from mlproj.models.writing import pickling
from mlproj.models.writing.version import installed_of, version_of
from mlproj.models.writing.written import Order, Written

_FILE = "python_model.pkl"


def write(order: Order) -> Written:
    """The object; to load it takes MLflow."""
    pickling.required(order.pickle, "a PythonModel")
    pickling.dump(order.model, order.folder / _FILE)
    pyfunc = {
        "loader_module": "mlflow.pyfunc.model",
        "python_model": _FILE,
        "cloudpickle_version": version_of("cloudpickle"),
    }
    needs = (installed_of("mlflow-skinny", "mlflow"), "cloudpickle", "pandas")
    return Written("", {}, pyfunc, "cloudpickle", needs)
