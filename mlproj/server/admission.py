"""The one gate that every request passes before anything of it is read."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from starlette.requests import Request

from mlproj.foundation.errors import MlprojError
from mlproj.server import answer
from mlproj.server.call import ApiError
from mlproj.server.guard import App
from mlproj.server.guard import Scope as Connection
from mlproj.server.scope import Scope

if TYPE_CHECKING:
    from mlproj.tracking.base import TrackingStore
    from mlproj.tracking.model_base import ModelStore

OPEN = frozenset({"/health", "/version"})
"""What is answered to everybody: whether there is a server, and of which version of MLflow's protocol."""

_KEY = "mlproj.principal"


class Principal(NamedTuple):
    """Whoever sends a request: the stores as they may use them, and what their token is good for."""

    store: TrackingStore
    models: ModelStore
    scope: Scope = Scope.ADMIN


Admit = Callable[[Request], Principal]
"""Tells who sends a request, at once: it is called in the event loop, before the body is read.

Raises ApiError (UNAUTHENTICATED, PERMISSION_DENIED) for who may not.
"""


class Admission:
    """An ASGI application that hands on requests of whom *admit* admits and answers the others."""

    def __init__(self, app: App, admit: Admit) -> None:
        self._app = app
        self._admit = admit

    async def __call__(
        self, scope: Connection, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        """Serve one request, or refuse it."""
        if scope["type"] == "http" and scope["path"] not in OPEN:
            request = Request(scope)
            try:
                scope[_KEY] = self._admit(request)
            except (ApiError, MlprojError) as refusal:
                return await answer.refusal(refusal, request.headers.get("user-agent", ""))(scope, receive, send)
        return await self._app(scope, receive, send)


def principal(request: Request) -> Principal:
    """Who sends *request*."""
    found: Principal = request.scope[_KEY]
    return found
