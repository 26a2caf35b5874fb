"""Asks a served model: MLflow's ``/invocations``, here or on any server that speaks it."""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import urllib.error
import urllib.request
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from mlproj import __version__
from mlproj.foundation.errors import ServiceError, UsageError
from mlproj.foundation.redaction import mask_url
from mlproj.http.fetcher import without_login

_FORMS = frozenset({"dataframe_split", "dataframe_records", "inputs", "instances", "messages", "prompt", "input"})
_ROUTE = "/invocations"
_LARGEST_MESSAGE = 2000


class Refused(UsageError):
    """The server's answer to a request that it cannot answer; ``status`` is that of HTTP."""

    status = 400


def call(
    url: str,
    data: Any,
    *,
    params: Mapping[str, Any] | None = None,
    token: str | None = None,
    content_type: str | None = None,
    timeout: float = 60.0,
) -> Any:
    """What the model at *url* predicts for *data*.

    *data* is a data frame, an array, a list of rows as dictionaries, one row as a dictionary, a whole body of MLflow's
    as a dictionary, or (with *content_type*) bytes as they are. *params* go with it. *timeout* is in seconds. Raises
    Refused for what the server does not take, ServiceError when it cannot be reached or the model cannot be asked.
    """
    if isinstance(data, bytes):
        if params:
            raise UsageError("parameters go with JSON, and not with bytes as they are")
        content, kind = data, content_type or "application/json"
    else:
        content, kind = json.dumps(body_of(data, params), default=_plain).encode(), "application/json"
    answer = _asked(_request(url, content, kind, token), timeout)
    return answer["predictions"] if isinstance(answer, dict) and "predictions" in answer else answer


def body_of(data: Any, params: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The body that asks for *data*, in MLflow's form."""
    if hasattr(data, "columns") and hasattr(data, "to_numpy"):
        body: dict[str, Any] = {"dataframe_split": {"columns": list(data.columns), "data": _rows(data)}}
    elif isinstance(data, Mapping):
        body = dict(data) if _FORMS & data.keys() else {"dataframe_records": [dict(data)]}
    elif isinstance(data, list) and data and all(isinstance(row, Mapping) for row in data):
        body = {"dataframe_records": [dict(row) for row in data]}
    else:
        body = {"inputs": data}
    return {**body, "params": dict(params)} if params else body


def _rows(frame: Any) -> list[list[Any]]:
    missing = frame.isna().to_numpy().tolist()
    rows = frame.astype(object).to_numpy().tolist()
    return [
        [None if absent else value for value, absent in zip(row, gone, strict=True)]
        for row, gone in zip(rows, missing, strict=True)
    ]


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    if hasattr(value, "isoformat"):
        return value.isoformat()
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    raise UsageError(f"JSON has no word for a value of type {type(value).__name__}")


def _request(url: str, content: bytes, kind: str, token: str | None) -> urllib.request.Request:
    if url.partition("://")[0].lower() not in ("http", "https"):
        raise UsageError(f"{mask_url(url)} is no address of a server", hint="expected http(s)://HOST[:PORT]")
    address, login = without_login(url)
    parts = urlsplit(address)
    path = parts.path.rstrip("/")
    target = urlunsplit(parts._replace(path=path if path.endswith(_ROUTE) else path + _ROUTE))
    headers = {**login, "Content-Type": kind, "Accept": "application/json", "User-Agent": f"mlproj/{__version__}"}
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    return urllib.request.Request(target, content, headers)  # noqa: S310  # checked


def _asked(request: urllib.request.Request, timeout: float) -> Any:
    where = mask_url(request.full_url)
    try:
        with _opener().open(request, timeout=timeout) as response:
            content = response.read()
    except urllib.error.HTTPError as error:
        with error:
            raise _refusal(where, error.code, error.read(1 << 20), error.headers.get("Retry-After")) from None
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        if isinstance(reason, TimeoutError):
            raise ServiceError(f"{where} did not answer within {timeout:g} seconds") from None
        hint = "the certificate cannot be verified" if isinstance(reason, ssl.SSLError) else None
        raise ServiceError(f"{where} cannot be reached: {reason}", hint=hint) from None
    try:
        return json.loads(content)
    except ValueError:
        raise ServiceError(f"{where} did not answer as a served model does: {content[:80]!r}") from None


def _opener() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(_NoRedirects)


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_arguments: Any) -> None:
        """A body, and a token, go where they were sent and nowhere else."""


def _refusal(where: str, status: int, content: bytes, later: str | None) -> UsageError | ServiceError:
    message = _message(content)
    if status == 401:
        return _refused(status, f"{where}: {message}", "give a token: --token-from-env VARIABLE")
    if status == 404:
        return _refused(status, f"{where} is no served model", None)
    if 300 <= status < 500 and status not in (408, 429):
        return _refused(status, f"the model does not take this: {message}", None)
    hint = f"try again in {later} s" if later else None
    return ServiceError(f"{where} answered {status}: {message}", hint=hint)


def _refused(status: int, message: str, hint: str | None) -> Refused:
    found = Refused(message, hint=hint)
    found.status = status
    return found


def _message(content: bytes) -> str:
    """What an error says, without the stack trace that it may have."""
    try:
        document = json.loads(content)
        reason = document.get("message") or document.get("error") or document.get("detail")
    except (ValueError, AttributeError):
        reason = None
    text = str(reason) if reason else content.decode(errors="replace")
    return text if len(text) <= _LARGEST_MESSAGE else text[:_LARGEST_MESSAGE] + "…"
