"""Tokens and passwords in the addresses of channels: taken out when they are read, added to requests and to nothing
else.

What rattler keeps of a channel (an index of it, what is installed from where) has the addresses that rattler was given.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote, urlsplit

from mlproj.foundation import basic_login

_TOKEN = re.compile(
    r"/t/[^/]+(?=/)"
)  # https://docs.anaconda.com/anacondaorg/user-guide/tasks/work-with-packages/#installing-private-packages


class Credentials:
    """Of several channels."""

    def __init__(self) -> None:
        self._tokens: dict[str, str] = {}  # a channel's address without and with its token
        self._logins: dict[str, str] = {}  # host and path of a channel, and the header for it

    def __bool__(self) -> bool:
        return bool(self._tokens or self._logins)

    def taken_from(self, address: str) -> str:
        """The *address* of a channel without what is secret in it, which is kept here."""
        parts = urlsplit(address)
        if parts.scheme not in ("http", "https"):
            return address
        open_parts = parts._replace(netloc=parts.netloc.rpartition("@")[2])
        bare = open_parts._replace(path=_TOKEN.sub("", parts.path, count=1))
        if bare.path != parts.path:
            self._tokens[f"{bare.geturl()}/"] = f"{open_parts.geturl()}/"
        if parts.username is not None:
            login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            self._logins[f"{parts.hostname}{bare.path}/"] = basic_login.authorization(login)
        return bare.geturl()

    def taken_from_package(self, address: str) -> str:
        """As :meth:`taken_from` for the address of a package, which is two levels below its channel's."""
        channel, subdir, name = address.rsplit("/", 2)
        return f"{self.taken_from(channel)}/{subdir}/{name}"

    def middlewares(self) -> list[Any]:
        """What adds them to the requests of a client of rattler."""
        from rattler.networking import AddHeadersMiddleware, MirrorMiddleware

        def header(host: str, path: str) -> dict[str, str] | None:
            found = next((login for where, login in self._logins.items() if f"{host}{path}".startswith(where)), None)
            return {"Authorization": found} if found else None

        logins = [AddHeadersMiddleware(header)] if self._logins else []
        return [
            *logins,
            *([MirrorMiddleware({bare: [full] for bare, full in self._tokens.items()})] if self._tokens else []),
        ]
