"""``MLmodel``, in which MLflow describes a model: the same model has another one each time that it is logged."""

from __future__ import annotations

import json
from typing import Any

from mlproj.foundation.errors import MlprojError

NAME = "MLmodel"
# What tells one logging of a model from the next, and nothing about the model; the size is that of this file too.
_OF_ONE_LOGGING = frozenset(
    ("run_id", "utc_time_created", "model_uuid", "model_id", "artifact_path", "model_size_bytes")
)


def without_identity(content: bytes) -> bytes:
    """An ``MLmodel`` as JSON, without what differs from one logging of the same model to the next; *content* when it is
    none."""
    from mlproj import yaml_document

    try:
        document: Any = yaml_document.parse(content.decode(), NAME).value
        kept = {name: value for name, value in document.items() if name not in _OF_ONE_LOGGING}
        return json.dumps(kept, indent=1, sort_keys=True, default=str).encode()
    except (MlprojError, UnicodeDecodeError, AttributeError, TypeError):
        return content
