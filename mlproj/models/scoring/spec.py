"""What a worker is told of the model that it loads: plain data, as a model's environment need not know YAML."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mlproj.models.opened import OpenedModel


def spec_of(opened: OpenedModel, **options: Any) -> Mapping[str, Any]:
    """The specification of *opened*. *options* are ``config`` (values for the model's ``model_config``), ``loader``
    (``auto``, ``native`` or ``mlflow``), ``protocol`` (``1.x`` answers as MLflow 1 did), ``batch`` (False keeps
    requests apart) and ``most_rows`` (of one request)."""
    return {"folder": str(opened.folder), "mlmodel": dict(opened.file.document), "options": options}
