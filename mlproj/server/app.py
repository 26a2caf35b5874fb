"""The HTTP application: MLflow's REST API over a store, for admitted clients."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from mlproj import artifacts
from mlproj.artifacts.base import ArtifactStore
from mlproj.foundation.errors import MlprojError
from mlproj.server import (
    answer,
    artifact_files,
    experiment_routes,
    file_routes,
    logged_model_routes,
    metric_routes,
    registry_routes,
    request_fields,
    run_routes,
    store_calls,
)
from mlproj.server.admission import Admission, Admit, Principal, principal
from mlproj.server.artifact_place import Places
from mlproj.server.call import ApiError, Call, Endpoint, Handler
from mlproj.server.gate import Connection, Gated, behind_gate
from mlproj.server.guard import Guard
from mlproj.server.mlflow_version import VERSION
from mlproj.server.scope import Scope

__all__ = ["Admit", "Principal", "Settings", "create_app"]

_TABLES = (
    experiment_routes.ROUTES,
    run_routes.ROUTES,
    metric_routes.ROUTES,
    artifact_files.ROUTES,
    file_routes.ROUTES,
    registry_routes.ROUTES,
    logged_model_routes.ROUTES,
)
_PREFIXES = ("/api/2.0/mlflow/", "/api/2.0/preview/mlflow/", "/ajax-api/2.0/mlflow/", "/ajax-api/2.0/preview/mlflow/")
_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


@dataclass(frozen=True)
class Settings:
    """What an application serves, and to whom.

    ``artifact_root`` is the place (a folder, a URL that fsspec knows, a store) that is offered as
    ``mlflow-artifacts:``. With ``local`` clients see the real places of artifacts instead, and may name places of
    their own: for one that is run by the same user. With ``calls`` mlproj's own client may call the stores' methods.
    ``hosts`` are the names that the server is called by; None: any name, for a server that asks for a token.
    """

    admit: Admit
    artifact_root: Path | str | ArtifactStore
    local: bool = False
    hosts: Collection[str] | None = None
    calls: bool = True


def create_app(settings: Settings, further: list[BaseRoute] | None = None) -> Starlette:
    """The application; *further* routes, such as the web pages, come after its own and are behind the same gate."""
    place = settings.artifact_root
    root = artifacts.open(place) if isinstance(place, (str, Path)) else place

    places = Places(root, settings.local)

    async def api(request: Request) -> Response:
        return await _answer(places, request)

    return Starlette(
        routes=behind_gate(
            [
                Gated(Route("/health", _health), needs=None),
                Gated(Route("/version", _version), needs=None),
                *(
                    Gated(Route(f"/{prefix}/3.0/mlflow/server-info", _server_info), Scope.READ)
                    for prefix in ("api", "ajax-api")
                ),
                *artifact_files.routes(root),
                *(Gated(Route(path, _page(places, endpoint)), endpoint.needs) for path, endpoint in file_routes.PAGES),
                *(store_calls.routes(places) if settings.calls else ()),
                *(Gated(Route(prefix + "{path:path}", api, methods=_METHODS), _needed) for prefix in _PREFIXES),
                *(
                    Gated(Route(f"/{prefix}/{{path:path}}", _nothing, methods=_METHODS), Scope.READ)
                    for prefix in ("api", "ajax-api", "v1")
                ),
                *(further or ()),
                Gated(Route("/{path:path}", _nothing, methods=_METHODS), Scope.READ),
            ]
        ),
        middleware=[Middleware(Guard, hosts=settings.hosts), Middleware(Admission, admit=settings.admit)],
        exception_handlers={405: _no_such_method, 500: _bug},
    )


def _page(places: Places, endpoint: Endpoint) -> Callable[[Request], Awaitable[Response]]:
    """What answers at an address of MLflow's web pages."""

    async def page(request: Request) -> Response:
        return await _answer(places, request, endpoint)

    return page


async def _answer(places: Places, request: Request, page: Endpoint | None = None) -> Response:
    try:
        endpoint, named = (page, {}) if page else _find(request.method, request.path_params["path"])
        fields = await (request_fields.read_file if endpoint.takes_file else request_fields.read)(request)
        return await run_in_threadpool(_call, places, request, endpoint.handler, {**fields, **named})
    except ApiError as refusal:
        return answer.refusal(refusal)
    except ClientDisconnect:
        return PlainTextResponse("", status_code=400)


def _call(places: Places, request: Request, handler: Handler, fields: Mapping[str, Any]) -> Response:
    """Answer in a worker thread, as stores block."""
    client = request.headers.get("user-agent", "") if _is_here(request) else ""
    caller = principal(request)
    call = Call(
        store=caller.store,
        models=caller.models,
        fields=fields,
        client=client,
        artifact_place=lambda place: places.for_client(place, client),
        accept_place=places.accept,
        artifacts=places.find,
    )
    try:
        found = handler(call)
        return found if isinstance(found, Response) else answer.document(found)
    except (ApiError, MlprojError) as refusal:
        return answer.refusal(refusal)


def _is_here(request: Request) -> bool:
    """Whether the client is on this machine, where an old one finds artifacts by their real place."""
    try:
        return request.client is not None and ipaddress.ip_address(request.client.host).is_loopback
    except ValueError:
        return False


def endpoints() -> dict[str, list[tuple[str, Scope]]]:
    """Every address of MLflow's API with its methods and the scope that each needs."""
    found: dict[str, list[tuple[str, Scope]]] = {}
    for prefix in _PREFIXES:
        for table in _TABLES:
            for (method, path), endpoint in table.items():
                found.setdefault(prefix + path, []).append((method, endpoint.needs))
    return found


def _needed(connection: Connection) -> Scope:
    """What an endpoint of MLflow's API needs. Anyone may learn that there is none."""
    try:
        return _find(connection["method"], connection["path_params"]["path"])[0].needs
    except ApiError:
        return Scope.READ


def _find(method: str, path: str) -> tuple[Endpoint, Mapping[str, str]]:
    """An endpoint and what its path names. Raises ApiError when there is none."""
    for table in _TABLES:
        if (method, path) in table:
            return table[method, path], {}
    for pattern, handlers in _PATTERNS:
        match = pattern.fullmatch(path)
        if match and method in handlers:
            return handlers[method], match.groupdict()
    raise ApiError("ENDPOINT_NOT_FOUND", f"There is no endpoint {method} {path:.200}.")


def _patterns() -> list[tuple[re.Pattern[str], dict[str, Endpoint]]]:
    """The endpoints whose paths hold parameters."""
    found: dict[str, dict[str, Endpoint]] = {}
    for table in _TABLES:
        for (method, path), endpoint in table.items():
            if "{" in path:
                found.setdefault(path, {})[method] = endpoint
    return [
        (re.compile(re.sub(r"\\\{(\w+)(:path)?\\\}", _group, re.escape(path))), handlers)
        for path, handlers in found.items()
    ]


def _group(parameter: re.Match[str]) -> str:
    """What a parameter of a path takes: one name, or with ``:path`` all that follows."""
    return f"(?P<{parameter[1]}>{'.+' if parameter[2] else '[^/]+'})"


_PATTERNS = _patterns()


def _health(_request: Request) -> Response:
    return PlainTextResponse("OK")


def _version(_request: Request) -> Response:
    return PlainTextResponse(VERSION)


def _server_info(_request: Request) -> Response:
    return answer.document({"store_type": "SqlStore", "workspaces_enabled": False})


def _nothing(request: Request) -> Response:
    return answer.refusal(ApiError("ENDPOINT_NOT_FOUND", f"There is nothing at {request.scope['path']:.200}."))


def _no_such_method(request: Request, _error: Exception) -> Response:
    return answer.refusal(
        ApiError("ENDPOINT_NOT_FOUND", f"There is no {request.method} at {request.scope['path']:.200}.")
    )


def _bug(_request: Request, _error: Exception) -> Response:
    """The server's log has the traceback; the client has no use for it."""
    return answer.refusal(ApiError("INTERNAL_ERROR", "The server failed to answer; its log says why."))
