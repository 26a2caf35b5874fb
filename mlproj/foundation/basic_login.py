"""The header that carries a user and a password (RFC 7617)."""

from __future__ import annotations


def authorization(login: str) -> str:
    """The value of ``Authorization`` for *login*, which is ``user:password``."""
    from base64 import b64encode  # most runs send no login

    return f"Basic {b64encode(login.encode()).decode()}"
