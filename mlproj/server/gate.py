"""The gate before every route: what a token must be good for is decided by the route that answers, and by nothing else.

Who reads a path a second time reads it another way one day; so the router's own match decides. A route that says
nothing is for administrators.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, MutableMapping
from typing import Any

from starlette.routing import BaseRoute, Match, Route
from starlette.types import Receive, Send

from mlproj.server import answer
from mlproj.server.admission import admitted
from mlproj.server.call import ApiError
from mlproj.server.scope import Scope

Connection = MutableMapping[str, Any]
"""What ASGI calls a scope."""

Needs = Scope | Callable[[Connection], Scope]
"""The scope that a route needs, or what tells it from a connection that the route has matched."""

_LOOKS = frozenset({"GET", "HEAD"})


class Gated(BaseRoute):
    """*route* for tokens that are good for what it *needs*; None: for everybody.

    A tab is refused in its path unless that *names_files*, which may have one.
    """

    def __init__(self, route: BaseRoute, needs: Needs | None, *, names_files: bool = False) -> None:
        self.route = route
        self._needs = needs
        self._names_files = names_files

    def needs(self, connection: Connection) -> Scope | None:
        """The scope that a connection needs which the route has matched."""
        return self._needs if self._needs is None or isinstance(self._needs, Scope) else self._needs(connection)

    def matches(self, scope: Connection) -> tuple[Match, Connection]:
        """Whether the route answers."""
        return self.route.matches(scope)

    async def handle(self, scope: Connection, receive: Receive, send: Send) -> None:
        """Answer, or refuse to."""
        refusal = self._refusal(scope)
        if refusal is None:
            await self.route.handle(scope, receive, send)
        else:
            await answer.refusal(refusal)(scope, receive, send)

    def _refusal(self, connection: Connection) -> ApiError | None:
        if "\t" in connection["path"] and not self._names_files:
            return ApiError(
                "INVALID_PARAMETER_VALUE", "The request's path holds a tab, which this address cannot have."
            )
        needed = self.needs(connection)
        if needed is None:
            return None
        principal = admitted(connection)
        if principal is None:
            return ApiError("UNAUTHENTICATED", "This server asks for a token.")
        if principal.scope < needed:
            return ApiError(
                "PERMISSION_DENIED", f"The token's scope is {principal.scope.word}; this needs {needed.word}."
            )
        return None


def behind_gate(routes: Iterable[BaseRoute]) -> list[BaseRoute]:
    """*routes*, those that say nothing of a scope for administrators only."""
    return [route if isinstance(route, Gated) else Gated(route, Scope.ADMIN) for route in routes]


def pages_behind_gate(routes: Iterable[Route]) -> list[BaseRoute]:
    """The *routes* of pages: whoever may read may look at them; one that takes more than GET is for administrators."""
    return [
        Gated(
            route,
            Scope.READ if (route.methods or set()) and set(route.methods or ()) <= _LOOKS else Scope.ADMIN,
            names_files=True,
        )
        for route in routes
    ]
