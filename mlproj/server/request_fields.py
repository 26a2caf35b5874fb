"""The fields of a request: its query, or its body's JSON."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from mlproj.server.call import ApiError

LARGEST_BODY = 16_000_000
"""Bytes of JSON; a batch may have 1 MB by MLflow's rules, a logged model's metadata more."""
_LARGEST_FILE = 10 * 1024 * 1024  # bytes of one that is the body of a request beside fields, as in MLflow


async def read(request: Request) -> Mapping[str, Any]:
    """The fields; a key that a query has several times is a list. Raises ApiError for a body that is no JSON object."""
    if request.method in {"GET", "HEAD"}:
        return _query(request)
    body = await _body(request, LARGEST_BODY, f"The request is larger than {LARGEST_BODY} bytes.")
    return parse(body) if body.strip() else _query(request)


async def read_file(request: Request) -> Mapping[str, Any]:
    """The query's fields, and the body's bytes as ``data``. Raises ApiError."""
    data = await _body(request, _LARGEST_FILE, "Artifact size is too large. Max size is 10MB.")
    return {**_query(request), "data": data}


def parse(body: bytes) -> Mapping[str, Any]:
    """A JSON object as protobuf reads it: in UTF-8, each key once. Raises ApiError."""
    try:
        text = body.decode("utf-8")
        given = json.loads(text, object_pairs_hook=_object)
        if "\\ud" in text.lower():
            json.dumps(given, ensure_ascii=False).encode()  # half a surrogate pair is no text
    except (ValueError, RecursionError) as error:
        raise ApiError("INVALID_PARAMETER_VALUE", f"The request's body is no JSON: {error!s:.200}") from None
    if not isinstance(given, dict):
        raise ApiError("INVALID_PARAMETER_VALUE", "The request's body is no JSON object.")
    return given


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        raise ValueError(f"the key {next(key for key in keys if keys.count(key) > 1)!r:.80} is there more than once")
    return found


def _query(request: Request) -> Mapping[str, Any]:
    found: dict[str, Any] = {}
    for key, value in request.query_params.multi_items():
        found[key] = (
            [*found[key], value] if isinstance(found.get(key), list) else [found[key], value] if key in found else value
        )
    return found


async def _body(request: Request, most: int, refusal: str) -> bytes:
    body = bytearray()
    async for portion in request.stream():
        body += portion
        if len(body) > most:
            raise ApiError("INVALID_PARAMETER_VALUE", refusal)
    return bytes(body)
