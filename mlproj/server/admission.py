"""The one gate that every request passes before anything of it is read."""

from __future__ import annotations

import re
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
"""Answered without a token: whether there is a server, and of which version of MLflow's protocol."""

_KEY = "mlproj.principal"
# Patterns of routes do not see all of them, so that what is routed would not be what is looked at. Files may have a
# tab.
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f]")


class Principal(NamedTuple):
    """The client of a request: the stores as it may use them, and what their token is good for."""

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
        if scope["type"] == "http":
            refusal = self._refusal(scope)
            if refusal is not None:
                return await answer.refusal(refusal, Request(scope).headers.get("user-agent", ""))(scope, receive, send)
        return await self._app(scope, receive, send)

    def _refusal(self, scope: Connection) -> ApiError | MlprojError | None:
        """Why not; with None the connection knows who it is of."""
        if _CONTROL.search(scope["path"]):
            return ApiError(
                "INVALID_PARAMETER_VALUE", "The request's path holds a control character, which no address here has."
            )
        if scope["path"] in OPEN and scope["method"] in {"GET", "HEAD"}:
            return None
        try:
            scope[_KEY] = self._admit(Request(scope))
        except (ApiError, MlprojError) as refusal:
            return refusal
        return None


def admitted(scope: Connection) -> Principal | None:
    """The client of a connection; None for one that was not asked for."""
    return scope.get(_KEY)


def principal(request: Request) -> Principal:
    """Who sends *request*."""
    found: Principal = request.scope[_KEY]
    return found
