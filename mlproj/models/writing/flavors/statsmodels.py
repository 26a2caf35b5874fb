"""Results of statsmodels, which can only be pickled."""

from __future__ import annotations

from mlproj.models.writing import pickling
from mlproj.models.writing.version import version_of
from mlproj.models.writing.written import Order, Written

_FILE = "model.statsmodels"


def write(order: Order) -> Written:
    """The results, with the data that they were fitted to."""
    pickling.required(order.pickle, "a model of statsmodels")
    order.model.save(str(order.folder / _FILE))
    options = {"statsmodels_version": version_of("statsmodels"), "data": _FILE, "code": None}
    pyfunc = {"loader_module": "mlflow.statsmodels", "data": _FILE}
    return Written("statsmodels", options, pyfunc, "pickle", ("statsmodels",))
