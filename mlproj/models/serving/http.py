"""One request and its answer, as plain ASGI: what is asked most takes the shortest way."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from mlproj.models.scoring.worker_process import Answer

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

JSON = "application/json"
TEXT = "text/plain; charset=utf-8"


GONE = "mlproj.gone"
"""What a connection's scope has for when the client is gone."""


class TooLarge(Exception):
    """A body of more bytes than are taken."""


class Disconnected(Exception):
    """The client is gone."""


class Request:
    """A request whose head has been read. ``largest`` are the bytes that its body may have."""

    __slots__ = ("_largest", "_receive", "scope")

    def __init__(self, scope: Scope, receive: Receive, largest: int) -> None:
        self.scope = scope
        self._receive = receive
        self._largest = largest

    def header(self, name: bytes) -> str | None:
        """A header, its name in small letters; None without one."""
        for key, value in self.scope["headers"]:
            if key == name:
                return str(value, "latin-1")
        return None

    def when_gone(self, tell: Callable[[Exception], object]) -> None:
        """Have *tell* called with Disconnected when the client closes the connection before it is answered."""
        self.scope[GONE] = lambda: tell(Disconnected())

    async def body(self) -> bytes:
        """The whole body. Raises TooLarge, Disconnected."""
        length = self.header(b"content-length")
        if length is not None and length.isdigit() and int(length) > self._largest:
            raise TooLarge
        parts: list[bytes] = []
        size = 0
        while True:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise Disconnected
            part = message.get("body", b"")
            size += len(part)
            if size > self._largest:
                raise TooLarge
            parts.append(part)
            if not message.get("more_body", False):
                return parts[0] if len(parts) == 1 else b"".join(parts)


Handler = Callable[[Request], Awaitable[Answer]]
"""Answers a request; TooLarge and Disconnected that its body raises go through."""


async def respond(send: Send, answer: Answer, *, with_body: bool = True) -> None:
    """Send *answer* whole; without its body what a HEAD request is answered with."""
    head = [*answer.headers, (b"content-length", b"%d" % len(answer.body)), (b"content-type", answer.type.encode())]
    await send({"type": "http.response.start", "status": answer.status, "headers": head})
    await send({"type": "http.response.body", "body": answer.body if with_body else b""})


def document(content: Mapping[str, Any], status: int = 200, *headers: tuple[bytes, bytes]) -> Answer:
    """A JSON document; numbers that JSON has not are null in it."""
    try:
        body = json.dumps(content, separators=(",", ":"), allow_nan=False).encode()
    except ValueError:
        plain = json.loads(json.dumps(content), parse_constant=lambda _name: None)
        body = json.dumps(plain, separators=(",", ":")).encode()
    return Answer(status, JSON, body, headers=headers)


def refusal(status: int, message: str, code: str = "BAD_REQUEST", *headers: tuple[bytes, bytes]) -> Answer:
    """An error that is the server's and not the model's, in the form of MLflow's errors."""
    return document({"error_code": code, "message": message}, status, *headers)
