"""The stores of an mlproj server, as if they were here: every call is one request, answered exactly."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, cast

from mlproj.foundation.errors import UsageError
from mlproj.http.client import HttpClient, Refused
from mlproj.tracking import exact
from mlproj.tracking.base import AlreadyExists, NotFound, TrackingStore, WrongState
from mlproj.tracking.model_base import ModelStore

PREFIX = "/api/2.0/mlproj"
"""Where an mlproj server answers calls: ``PREFIX/tracking/METHOD`` and ``PREFIX/models/METHOD``."""

# Done twice they do another thing than done once, or fail the second time.
_ONCE = frozenset(
    {
        "create_run",
        "create_experiment",
        "create_registered_model",
        "create_version",
        "create_logged_model",
        "append_model_history",
    }
    | {
        "delete_tag",
        "delete_experiment_tag",
        "delete_registered_model",
        "delete_version",
        "delete_logged_model",
        "delete_logged_model_tag",
    }
    | {"rename_registered_model", "purge"}
)


_KINDS: dict[str | None, type[UsageError]] = {kind.__name__: kind for kind in (NotFound, AlreadyExists, WrongState)}
_CODES: dict[str, type[UsageError]] = {
    "RESOURCE_DOES_NOT_EXIST": NotFound,
    "RESOURCE_ALREADY_EXISTS": AlreadyExists,
    "INVALID_STATE": WrongState,
}


def as_ours(refusal: Refused) -> UsageError:
    """*refusal* as a store here would raise it."""
    kind = _KINDS.get(refusal.error_kind) or _CODES.get(refusal.code, UsageError)
    return kind(refusal.message, hint=refusal.hint)


def store(caller: HttpClient) -> TrackingStore:
    """The runs of the server that *caller* asks."""
    return cast("TrackingStore", _Remote(caller, TrackingStore, "tracking"))


def models(caller: HttpClient) -> ModelStore:
    """The registry and the logged models of the server that *caller* asks."""
    return cast("ModelStore", _Remote(caller, ModelStore, "models"))


class _Remote:
    """Has the methods of *protocol*, which are documented there; :class:`~mlproj.http.client.HttpClient` says what they
    raise besides."""

    def __init__(self, caller: HttpClient, protocol: type, name: str) -> None:
        self._client = caller
        self._protocol = protocol
        self._name = name

    def close(self) -> None:
        self._client.close()

    def __getattr__(self, name: str) -> Any:
        method = None if name.startswith("_") else getattr(self._protocol, name, None)
        if method is None:
            raise AttributeError(name)
        return functools.partial(self._call, method)

    def _call(self, method: Callable[..., Any], *values: Any, **named: Any) -> Any:
        names = method.__code__.co_varnames[1 : 1 + len(values)]
        given = {
            name: exact.encode(value) for name, value in {**dict(zip(names, values, strict=True)), **named}.items()
        }
        name = method.__name__
        try:
            answer = self._client.call("POST", f"{PREFIX}/{self._name}/{name}", given, again=name not in _ONCE)
        except Refused as refusal:
            raise as_ours(refusal) from refusal
        return exact.result_of(method, answer.get("result"))
