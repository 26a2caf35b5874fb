"""What may talk to a server at all: requests that were meant for it.

A web page of somebody else's can make a browser send requests here: under our own name (DNS rebinding, which the Host
header gives away) or from its own (cross-site requests, which Origin and Sec-Fetch-Site give away). Programs send
neither.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Collection, MutableMapping
from typing import Any

Scope = MutableMapping[str, Any]
App = Callable[[Scope, Callable[[], Awaitable[Any]], Callable[[Any], Awaitable[None]]], Awaitable[None]]

LOOPBACK = frozenset({"127.0.0.1", "localhost", "[::1]"})
"""How this machine calls itself, as in a Host header."""

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Guard:
    """An ASGI application that hands on requests for *hosts* (None: whatever it is called) and answers all others with
    403."""

    def __init__(self, app: App, hosts: Collection[str] | None) -> None:
        self._app = app
        self._hosts = None if hosts is None else frozenset(host.lower() for host in hosts)

    async def __call__(
        self, scope: Scope, receive: Callable[[], Awaitable[Any]], send: Callable[[Any], Awaitable[None]]
    ) -> None:
        """Serve one request, or refuse it."""
        refusal = self._refusal(scope) if scope["type"] in {"http", "websocket"} else None
        if refusal is None:
            return await self._app(_with_one_slash(scope), receive, send)
        error = {"error_code": "PERMISSION_DENIED", "message": refusal}
        body, kind = (
            (json.dumps(error), "application/json") if "/mlflow" in scope["path"] else (refusal + "\n", "text/plain")
        )
        headers = [(b"content-type", f"{kind}; charset=utf-8".encode()), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 403, "headers": headers})
        return await send({"type": "http.response.body", "body": body.encode()})

    def _refusal(self, scope: Scope) -> str | None:
        headers: dict[bytes, bytes] = dict(scope["headers"])
        host = headers.get(b"host", b"").decode("latin-1")
        if self._hosts is not None and host_of(host) not in self._hosts:
            return "this server does not answer to the name that the request calls it by"
        origin = headers.get(b"origin", b"").decode("latin-1")
        foreign = origin and origin.partition("://")[2].lower() != host.lower()
        if scope.get("method") not in _SAFE and (
            foreign or headers.get(b"sec-fetch-site") in {b"cross-site", b"same-site"}
        ):
            return "requests from other web pages are not accepted"
        return None


def _with_one_slash(scope: Scope) -> Scope:
    """*scope* with one slash at the beginning of its path, where a client has put its own behind an address that ends
    in one."""
    path = scope.get("path", "")
    return {**scope, "path": "/" + path.lstrip("/")} if path.startswith("//") else scope


def host_of(header: str) -> str:
    """The name in a Host header, without its port, in small letters."""
    name, _, port = header.rpartition(":")
    return (name if name and port.isdigit() else header).lower()
