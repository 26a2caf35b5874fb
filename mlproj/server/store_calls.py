"""The stores' own methods over HTTP, for mlproj's client: exact where MLflow's protocol has no word for what we
keep."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from mlproj.foundation.errors import MlprojError, UsageError
from mlproj.foundation.quantity import FIRST_MOMENT, LAST_MOMENT
from mlproj.server import answer, request_fields
from mlproj.server.admission import principal
from mlproj.server.artifact_place import Places
from mlproj.server.call import ApiError
from mlproj.server.gate import Connection, Gated
from mlproj.server.scope import Scope
from mlproj.tracking import exact, run_document
from mlproj.tracking.base import Experiment, NewRun, Page, Run, RunChanges, TrackingStore
from mlproj.tracking.model_base import LoggedModel, ModelStore
from mlproj.tracking.remote import PREFIX

_PROTOCOLS: Mapping[str, type] = {"tracking": TrackingStore, "models": ModelStore}
# What each method needs; one that is in neither list is for administrators.
_READ = {
    "tracking": frozenset(
        {"get_run", "list_runs", "search_runs", "metric_history", "marks", "purgeable"}
        | {"get_experiment", "list_experiments", "search_experiments"}
    ),
    "models": frozenset(
        {
            "get_registered_model",
            "search_registered_models",
            "get_version",
            "get_version_by_alias",
            "latest_versions",
            "search_versions",
        }
        | {"download_uri", "get_logged_model", "search_logged_models", "models_of_runs"}
    ),
}
_WRITE = {
    "tracking": frozenset(
        {"create_run", "update_run", "log", "log_inputs", "delete_tag"}
        | {"create_experiment", "update_experiment", "delete_experiment_tag"}
    ),
    "models": frozenset(
        {"create_registered_model", "update_registered_model", "rename_registered_model"}
        | {"set_registered_model_tag", "delete_registered_model_tag", "set_alias", "delete_alias"}
        | {"create_version", "update_version", "set_version_tag", "delete_version_tag", "move_to_stage"}
        | {"create_logged_model", "finish_logged_model", "set_logged_model_tags", "delete_logged_model_tag"}
        | {"log_model_params", "log_model_metrics", "link_models", "append_model_history"}
    ),
}


def calls() -> list[tuple[str, str]]:
    """Every method that can be called: the store's word in the address, and the method's name."""
    return [
        (kind, name) for kind, protocol in _PROTOCOLS.items() for name in dir(protocol) if _is_method(protocol, name)
    ]


def needed(kind: str, name: str) -> Scope:
    """The scope that a call needs."""
    if name in _READ.get(kind, ()):
        return Scope.READ
    return Scope.WRITE if name in _WRITE.get(kind, ()) else Scope.ADMIN


def _is_method(protocol: type, name: str) -> bool:
    """Whether a protocol declares the method, and not what every class has (``mro``, ``register``)."""
    return name != "close" and not name.startswith("_") and any(name in vars(base) for base in protocol.__mro__)


def routes(places: Places) -> list[Gated]:
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
        Gated(Route(f"{PREFIX}/server", _server, methods=["GET"]), Scope.READ),
        Gated(Route(f"{PREFIX}/{{store}}/{{method}}", answered, methods=["POST"]), _needed),
    ]


def _needed(connection: Connection) -> Scope:
    return needed(connection["path_params"]["store"], connection["path_params"]["method"])


def _server(_request: Request) -> Response:
    return answer.document({"server": "mlproj", "calls": 1})


def _call(places: Places, request: Request, fields: Mapping[str, Any]) -> Response:
    kind, name = request.path_params["store"], request.path_params["method"]
    protocol = _PROTOCOLS.get(kind)
    if protocol is None or not _is_method(protocol, name):
        raise ApiError("ENDPOINT_NOT_FOUND", f"There is no method {kind:.40}.{name:.40}.")
    method: Callable[..., Any] = getattr(protocol, name)
    caller = principal(request)
    arguments = exact.arguments_of(method, fields)
    values = _values(arguments)
    deletes = name.startswith("update_") and values.get("lifecycle_stage") not in (None, "active")
    if deletes and caller.scope < Scope.ADMIN:
        raise ApiError("PERMISSION_DENIED", "The token's scope does not allow to delete: this needs admin.")
    _check(arguments, values)
    _accept(places, arguments)
    target = caller.store if kind == "tracking" else caller.models
    result = getattr(target, name)(**arguments)
    shown_result = places.for_client(result, "") if name == "download_uri" else _for_client(places, result)
    return answer.document({"result": exact.encode(shown_result)})


def _values(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The *arguments* by their names, and what a run is made with or changed to by the names of the fields."""
    values: dict[str, Any] = {}
    for name, value in arguments.items():
        values |= vars(value) if isinstance(value, (NewRun, RunChanges)) else {name: value}
    return values


def _accept(places: Places, arguments: dict[str, Any]) -> None:
    """Make what a client says about the place of artifacts our word for it. Raises ApiError."""
    new = arguments.get("new")
    if isinstance(new, NewRun) and new.artifact_uri:
        arguments["new"] = replace(new, artifact_uri=places.accept(new.artifact_uri))
    if arguments.get("artifact_location"):
        arguments["artifact_location"] = places.accept(arguments["artifact_location"])


def _check(arguments: Mapping[str, Any], values: Mapping[str, Any]) -> None:
    """Raise UsageError for what could be kept and not be shown."""
    for argument in arguments.values():
        if isinstance(argument, (NewRun, RunChanges)):  # the ``source`` of a model version is text
            run_document.check(vars(argument))
    stage = values.get("lifecycle_stage")
    if stage not in (None, "active", "deleted"):
        raise UsageError(f"lifecycle_stage: expected active or deleted, got {stage!r:.80}")
    times = {name: values.get(name) for name in ("start_time", "end_time")}
    points = {f"metrics[{index}].timestamp": point.timestamp for index, point in enumerate(values.get("metrics") or ())}
    for name, value in {**times, **points}.items():
        if value is not None and not FIRST_MOMENT <= value <= LAST_MOMENT:
            raise UsageError(f"{name}: expected UTC milliseconds since 1970 between the years 1 and 9999, got {value}")


def _for_client(places: Places, result: Any) -> Any:
    """*result* with the places of artifacts as the client can use them."""
    if isinstance(result, (Run, LoggedModel)):
        return replace(result, artifact_uri=places.for_client(result.artifact_uri, ""))
    if isinstance(result, Experiment):
        return replace(result, artifact_location=places.for_client(result.artifact_location, ""))
    if isinstance(result, Page):
        return replace(result, items=[_for_client(places, item) for item in result.items])
    return [_for_client(places, item) for item in result] if isinstance(result, list) else result
