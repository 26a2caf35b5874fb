"""sentence-transformers: its own folder, weights as safetensors."""

from __future__ import annotations

from mlproj.models.writing.version import version_of
from mlproj.models.writing.written import Order, Written

_FOLDER = "model.sentence_transformer"


def write(order: Order) -> Written:
    """The encoder."""
    order.model.save(str(order.folder / _FOLDER))
    options = {"sentence_transformers_version": version_of("sentence-transformers"), "code": None}
    pyfunc = {"loader_module": "mlflow.sentence_transformers", "data": _FOLDER}
    needs = ("sentence-transformers", "transformers", "torch")
    return Written("sentence_transformers", options, pyfunc, "safetensors", needs)
