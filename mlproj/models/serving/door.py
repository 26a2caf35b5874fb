"""Who may ask a model that others can reach: whoever brings one of the tokens of ``mlproj server token``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from mlproj.foundation.errors import MlprojError
from mlproj.models.serving.http import Receive, Request, Scope, Send, refusal, respond
from mlproj.server.authorization import token_in
from mlproj.server.guard import App

OPEN = frozenset({"/ping", "/health", "/version", "/v2/health/live", "/v2/health/ready"})
"""Answered without a token: whether there is a server, as probes ask."""

_ASK = (b"www-authenticate", b'Basic realm="mlproj", charset="UTF-8"')  # a browser then asks for user and password


class Door:
    """An ASGI application that hands on the requests with a token that *knows* says is good, and refuses the others.

    *knows* may raise MlprojError when the tokens cannot be read.
    """

    def __init__(self, app: App, knows: Callable[[str], Any]) -> None:
        self._app = app
        self._knows = knows

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it before its body is read."""
        if scope["type"] == "http" and not (scope["path"] in OPEN and scope["method"] in ("GET", "HEAD")):
            token = token_in(Request(scope, receive, 0).header(b"authorization") or "")
            try:
                reason = self._reason(token)
            except MlprojError as error:
                return await respond(send, refusal(503, str(error), "TEMPORARILY_UNAVAILABLE"))
            if reason:
                return await respond(send, refusal(401, reason, "UNAUTHENTICATED", _ASK))
        return await self._app(scope, receive, send)

    def _reason(self, token: str | None) -> str | None:
        if token is None:
            return "This server asks for a token: send it as a bearer token, or as the password with any user name."
        return None if self._knows(token) else "The token is unknown, revoked or expired."
