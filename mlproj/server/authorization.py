"""The token of a request: a bearer token, or a password with any user name."""

from __future__ import annotations

import base64


def token_in(header: str) -> str | None:
    """The token in an Authorization header; None without one."""
    kind, _, value = header.strip().partition(" ")
    if kind.lower() == "bearer":
        return value.strip() or None
    if kind.lower() == "basic":
        try:
            _, _, password = base64.b64decode(value.strip(), validate=True).decode().partition(":")
        except ValueError:
            return None
        return password or None
    return None
