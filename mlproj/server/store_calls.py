"""The stores' own methods over HTTP, for mlproj's client: exact where MLflow's protocol has no word for what we
keep."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from mlproj.foundation.errors import MlprojError
from mlproj.server import answer, request_fields
from mlproj.server.admission import principal
from mlproj.server.artifact_place import Places
from mlproj.server.call import ApiError
from mlproj.server.scope import Scope
from mlproj.tracking import exact
from mlproj.tracking.base import Experiment, Page, Run, TrackingStore
from mlproj.tracking.model_base import LoggedModel, ModelStore
from mlproj.tracking.remote import PREFIX

_METHOD = re.compile(r"[a-z][a-z_]*")
_PROTOCOLS: Mapping[str, type] = {"tracking": TrackingStore, "models": ModelStore}


def routes(places: Places) -> list[Route]:
    """Say that this is an mlproj server, and answer calls of methods."""

    async def answered(request: Request) -> Response:
        try:
            fields = await request_fields.read(request)
            return await run_in_threadpool(_call, places, request, fields)
        except (ApiError, MlprojError) as refusal:
            return answer.exact_refusal(refusal)
        except ClientDisconnect:
            return PlainTextResponse("", status_code=400)

    return [
        Route(f"{PREFIX}/server", _server, methods=["GET"]),
        Route(f"{PREFIX}/{{store}}/{{method}}", answered, methods=["POST"]),
    ]


def _server(_request: Request) -> Response:
    return answer.document({"server": "mlproj", "calls": 1})


def _call(places: Places, request: Request, fields: Mapping[str, Any]) -> Response:
    kind, name = request.path_params["store"], request.path_params["method"]
    protocol = _PROTOCOLS.get(kind)
    method: Callable[..., Any] | None = getattr(protocol, name, None) if protocol and _METHOD.fullmatch(name) else None
    if method is None or name == "close":
        raise ApiError("ENDPOINT_NOT_FOUND", f"There is no method {kind:.40}.{name:.40}.")
    caller = principal(request)
    arguments = exact.arguments_of(method, fields)
    if name.startswith("update_") and arguments.get("lifecycle_stage") == "deleted" and caller.scope < Scope.ADMIN:
        raise ApiError("PERMISSION_DENIED", "The token's scope does not allow to delete: this needs admin.")
    for place in ("artifact_uri", "artifact_location"):
        if arguments.get(place):
            arguments[place] = places.accept(arguments[place])
    target = caller.store if kind == "tracking" else caller.models
    result = getattr(target, name)(**arguments)
    told = places.for_client(result, "") if name == "download_uri" else _for_client(places, result)
    return answer.document({"result": exact.encode(told)})


def _for_client(places: Places, result: Any) -> Any:
    """*result* with the places of artifacts as the client can use them."""
    if isinstance(result, (Run, LoggedModel)):
        return replace(result, artifact_uri=places.for_client(result.artifact_uri, ""))
    if isinstance(result, Experiment):
        return replace(result, artifact_location=places.for_client(result.artifact_location, ""))
    if isinstance(result, Page):
        return replace(result, items=[_for_client(places, item) for item in result.items])
    return [_for_client(places, item) for item in result] if isinstance(result, list) else result
