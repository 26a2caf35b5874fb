"""Answers as MLflow's clients read them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from mlproj.artifacts.base import NoSuchFile
from mlproj.foundation.errors import MlprojError, UsageError
from mlproj.server import mlflow_text
from mlproj.server.call import ApiError
from mlproj.server.json_text import JsonText
from mlproj.tracking.base import AlreadyExists, NotFound

_CODES = (
    (NotFound, "RESOURCE_DOES_NOT_EXIST"),
    (NoSuchFile, "RESOURCE_DOES_NOT_EXIST"),
    (AlreadyExists, "RESOURCE_ALREADY_EXISTS"),
    (UsageError, "INVALID_PARAMETER_VALUE"),  # WrongState, too: so MLflow tells of deleted runs and experiments
)
# Clients before 2.0 die of a code that they do not know.
_NO_WORD_FOR_401 = re.compile(r"mlflow-python-client/[01]\.")
_ASK = {"WWW-Authenticate": 'Basic realm="mlproj", charset="UTF-8"'}


def document(
    content: Mapping[str, Any] | JsonText, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """A JSON document, in ASCII: whatever text there is in it can be sent."""
    body = content if isinstance(content, JsonText) else json.dumps(content, separators=(",", ":"), allow_nan=False)
    headers = {"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", **(headers or {})}
    return Response(body, status, headers, media_type="application/json")


def refusal(error: ApiError | MlprojError, client: str = "") -> Response:
    """An error with MLflow's code and status, for a client with this User-Agent."""
    found = error if isinstance(error, ApiError) else _as_api_error(error)
    if found.code != "UNAUTHENTICATED":
        return document({"error_code": found.code, "message": str(found)}, found.status)
    code = "CUSTOMER_UNAUTHORIZED" if _NO_WORD_FOR_401.match(client) else found.code
    return document({"error_code": code, "message": str(found)}, found.status, _ASK)


def exact_refusal(error: ApiError | MlprojError) -> Response:
    """:func:`refusal` for mlproj's own client, which gets the kind of a user's mistake and what to do besides."""
    if not isinstance(error, UsageError):
        return refusal(error)
    found = _as_api_error(error)
    ours = {"kind": type(error).__name__, "hint": error.hint}
    return document({"error_code": found.code, "message": str(error), "mlproj": ours}, found.status)


def _as_api_error(error: MlprojError) -> ApiError:
    for kind, code in _CODES:
        if isinstance(error, kind):
            return ApiError(code, mlflow_text.of(error))
    # Clients try again after 503, and give up at once after 400.
    return ApiError("TEMPORARILY_UNAVAILABLE", str(error))
