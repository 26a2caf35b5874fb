"""Answers as MLflow's clients read them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from mlproj.artifacts.base import NoSuchFile
from mlproj.errors import MlprojError, UsageError
from mlproj.server.call import ApiError
from mlproj.tracking.base import AlreadyExists, NotFound, WrongState

_CODES = (
    (NotFound, "RESOURCE_DOES_NOT_EXIST"),
    (NoSuchFile, "RESOURCE_DOES_NOT_EXIST"),
    (AlreadyExists, "RESOURCE_ALREADY_EXISTS"),
    (WrongState, "INVALID_STATE"),
    (UsageError, "INVALID_PARAMETER_VALUE"),
)
_ASK = {"WWW-Authenticate": 'Basic realm="mlproj", charset="UTF-8"'}


def document(content: Mapping[str, Any], status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON document, in ASCII: whatever text there is in it can be sent."""
    body = json.dumps(content, separators=(",", ":"), allow_nan=False)
    headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", **(headers or {})}
    return Response(body, status, headers, media_type="application/json")


def refusal(error: ApiError | MlprojError) -> Response:
    """An error with MLflow's code and status."""
    found = error if isinstance(error, ApiError) else _as_api_error(error)
    headers = _ASK if found.code == "UNAUTHENTICATED" else None
    return document({"error_code": found.code, "message": str(found)}, found.status, headers)


def _as_api_error(error: MlprojError) -> ApiError:
    for kind, code in _CODES:
        if isinstance(error, kind):
            return ApiError(code, str(error))
    # Clients try again after 503, and give up at once after 400.
    return ApiError("TEMPORARILY_UNAVAILABLE", str(error))
