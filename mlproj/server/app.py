"""The HTTP application: MLflow's REST API over a store, for whoever is admitted."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from mlproj.errors import MlprojError, UsageError
from mlproj.server import artifact_files, experiment_routes, logged_model_routes, registry_routes, run_routes
from mlproj.server.call import ApiError, Call, Handler
from mlproj.tracking.base import AlreadyExists, NotFound, TrackingStore, WrongState
from mlproj.tracking.model_base import ModelStore

VERSION = "3.17.2"
"""The release of MLflow whose protocol is spoken; clients ask for it at ``/version``."""

_LARGEST_BODY = 16_000_000  # bytes of JSON; a batch may have 1 MB by MLflow's rules, a logged model's metadata more
_TABLES = (experiment_routes.ROUTES, run_routes.ROUTES, artifact_files.ROUTES, registry_routes.ROUTES, logged_model_routes.ROUTES)
_PREFIXES = ("/api/2.0/mlflow/", "/api/2.0/preview/mlflow/", "/ajax-api/2.0/mlflow/", "/ajax-api/2.0/preview/mlflow/")
_CODES = ((NotFound, "RESOURCE_DOES_NOT_EXIST"), (AlreadyExists, "RESOURCE_ALREADY_EXISTS"), (WrongState, "INVALID_STATE"))
# Clients before 1.24 do not know `mlflow-artifacts:`.
_OLD_CLIENT = re.compile(r"mlflow-python-client/(0|1\.(1?\d|2[0-3]))(\.|$)")


class Principal(NamedTuple):
    """Whoever sends a request: the stores as they may use them."""

    store: TrackingStore
    models: ModelStore


Admit = Callable[[Request], Principal]
"""Tells who sends a request. Raises ApiError (UNAUTHENTICATED, PERMISSION_DENIED) for who may not."""


@dataclass(frozen=True)
class Settings:
    """What an application serves. ``artifact_root`` is the folder that is offered as ``mlflow-artifacts:``; with ``local``
    clients are told the real places of artifacts instead, as they are on this machine."""

    admit: Admit
    artifact_root: Path
    local: bool = False


def create_app(settings: Settings, further: list[BaseRoute] | None = None) -> Starlette:
    """The application; *further* routes, such as the web pages, come after its own."""

    async def api(request: Request) -> Response:
        return await _answer(settings, request)

    api_routes = [Route(prefix + "{path:path}", api, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]) for prefix in _PREFIXES]
    return Starlette(
        routes=[
            Route("/health", _health),
            Route("/version", _version),
            *(Route(f"/{prefix}/3.0/mlflow/server-info", _server_info) for prefix in ("api", "ajax-api")),
            *artifact_files.routes(settings.admit, settings.artifact_root),
            *api_routes,
            *(further or ()),
            Route("/{path:path}", _nothing, methods=["GET", "POST", "PUT", "PATCH", "DELETE"]),
        ]
    )


async def _answer(settings: Settings, request: Request) -> Response:
    try:
        handler, found = _find(request.method, request.path_params["path"].strip("/"))
        fields = await _fields(request)
        return await run_in_threadpool(_call, settings, request, handler, {**fields, **found})
    except ApiError as refusal:
        return error(refusal)
    except ClientDisconnect:
        return PlainTextResponse("", status_code=400)


def _call(settings: Settings, request: Request, handler: Handler, fields: Mapping[str, Any]) -> Response:
    """Answer in a worker thread, as stores block."""
    client = request.headers.get("user-agent", "")
    try:
        principal = settings.admit(request)
        place = _placing(settings, client)
        answer = handler(Call(store=principal.store, models=principal.models, fields=fields, client=client, artifact_place=place))
        return Response(json.dumps(answer, separators=(",", ":"), allow_nan=False), media_type="application/json")
    except ApiError as refusal:
        return error(refusal)
    except MlprojError as refusal:
        return error(_as_api_error(refusal))


def _as_api_error(refusal: MlprojError) -> ApiError:
    for kind, code in _CODES:
        if isinstance(refusal, kind):
            return ApiError(code, str(refusal))
    # Clients try again after 503, and give up at once after 400.
    return ApiError("INVALID_PARAMETER_VALUE" if isinstance(refusal, UsageError) else "TEMPORARILY_UNAVAILABLE", str(refusal))


def error(refusal: ApiError) -> JSONResponse:
    """An error as MLflow's clients read it."""
    headers = {"WWW-Authenticate": 'Basic realm="mlproj", charset="UTF-8"'} if refusal.code == "UNAUTHENTICATED" else None
    return JSONResponse({"error_code": refusal.code, "message": str(refusal)}, status_code=refusal.status, headers=headers)


def _placing(settings: Settings, client: str) -> Callable[[str], str]:
    """Of a place of artifacts as the store has it, the one for this client."""
    if settings.local or _OLD_CLIENT.match(client):
        return str
    root = settings.artifact_root.as_uri() + "/"
    return lambda place: f"mlflow-artifacts:/{place[len(root) :]}" if place.startswith(root) else place


async def _fields(request: Request) -> Mapping[str, Any]:
    query: dict[str, Any] = {}
    for key, value in request.query_params.multi_items():
        query[key] = [*query[key], value] if isinstance(query.get(key), list) else [query[key], value] if key in query else value
    if request.method == "GET":
        return query
    body = await _body(request)
    if not body.strip():
        return query
    try:
        given = json.loads(body)
    except (ValueError, RecursionError) as trouble:
        raise ApiError("INVALID_PARAMETER_VALUE", f"The request's body is no JSON: {trouble}") from None
    if not isinstance(given, dict):
        raise ApiError("INVALID_PARAMETER_VALUE", "The request's body is no JSON object.")
    return given


async def _body(request: Request) -> bytes:
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST_BODY:
            raise ApiError("INVALID_PARAMETER_VALUE", f"The request is larger than {_LARGEST_BODY} bytes.")
    return bytes(body)


def _find(method: str, path: str) -> tuple[Handler, Mapping[str, str]]:
    """The handler of an endpoint and what its path names. Raises ApiError when there is none."""
    for table in _TABLES:
        if (method, path) in table:
            return table[method, path], {}
    for pattern, handlers in _PATTERNS:
        match = pattern.fullmatch(path)
        if match and method in handlers:
            return handlers[method], match.groupdict()
    raise ApiError("ENDPOINT_NOT_FOUND", f"There is no endpoint {method} {path:.200}.")


def _patterns() -> list[tuple[re.Pattern[str], dict[str, Handler]]]:
    """The endpoints whose paths hold parameters."""
    found: dict[str, dict[str, Handler]] = {}
    for table in _TABLES:
        for (method, path), handler in table.items():
            if "{" in path:
                found.setdefault(path, {})[method] = handler
    return [(re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(path))), handlers) for path, handlers in found.items()]


_PATTERNS = _patterns()


def _health(_request: Request) -> Response:
    return PlainTextResponse("OK")


def _version(_request: Request) -> Response:
    return PlainTextResponse(VERSION)


def _server_info(_request: Request) -> Response:
    return JSONResponse({"store_type": "SqlStore", "workspaces_enabled": False})


def _nothing(request: Request) -> Response:
    return error(ApiError("ENDPOINT_NOT_FOUND", f"There is nothing at {request.url.path:.200}."))
