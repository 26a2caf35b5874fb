"""Who sends a request to a server that asks for tokens; what they may do is the gate's (see ``gate``)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from starlette.requests import Request

from mlproj.server.admission import Principal
from mlproj.server.authorization import token_in
from mlproj.server.call import ApiError
from mlproj.server.scope import Scope

__all__ = ["Scope", "Tokens", "asking"]


class Tokens(Protocol):
    """Knows tokens."""

    def scope_of(self, token: str) -> Scope | None:
        """What *token* is good for; None when it is unknown, revoked or expired."""


def asking(tokens: Tokens, principal: Principal) -> Callable[[Request], Principal]:
    """What admits who brings one of *tokens*, as a bearer token or as a password with any user name, with the token's
    scope."""

    def admit(request: Request) -> Principal:
        token = token_in(request.headers.get("authorization", ""))
        if token is None:
            raise ApiError(
                "UNAUTHENTICATED",
                "This server asks for a token: set MLFLOW_TRACKING_TOKEN, or log in with it as the password.",
            )
        scope = tokens.scope_of(token)
        if scope is None:
            raise ApiError("UNAUTHENTICATED", "The token is unknown, revoked or expired.")
        return principal._replace(scope=scope)

    return admit
