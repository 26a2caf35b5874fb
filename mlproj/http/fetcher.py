"""Files over http and https, as a careful program asks for them: no login for other hosts, no redirect to a file."""

from __future__ import annotations

import http.client
import urllib.request
from collections.abc import Mapping
from typing import IO, Any
from urllib.parse import unquote, urlsplit, urlunsplit

from mlproj.foundation import basic_login
from mlproj.foundation.dataclass import dataclass
from mlproj.foundation.errors import UsageError
from mlproj.foundation.redaction import mask_url

_SILENCE = 60.0  # seconds without a byte


@dataclass(frozen=True)
class Route:
    """How a server is reached where it is not as the system's variables say: by way of the ``proxy`` (empty: of none;
    None: of theirs), with the certificates of the authorities in the file ``authorities``, or unverified."""

    proxy: str | None = None
    authorities: str | None = None
    is_verified: bool = True

    def handlers(self) -> list[urllib.request.BaseHandler]:
        """What opens addresses so. Raises OSError for a file of authorities that cannot be read."""
        proxies = None if self.proxy is None else dict.fromkeys(("http", "https"), self.proxy) if self.proxy else {}
        context = None
        if self.authorities or not self.is_verified:
            import ssl

            context = ssl.create_default_context(cafile=self.authorities if self.is_verified else None)
            if not self.is_verified:
                context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return [urllib.request.ProxyHandler(proxies), urllib.request.HTTPSHandler(context=context)]


USUAL = Route()
"""As the system's variables say."""


def without_login(url: str) -> tuple[str, dict[str, str]]:
    """*url* without user and password, and the headers of a request for it, which have them.

    Raises :class:`UsageError` for a malformed one.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise UsageError(f"{mask_url(url)!r} is no URL: {error}") from None
    if not host or not url.isprintable() or " " in url:
        raise UsageError(f"{mask_url(url)!r} is no URL: the host is missing or malformed")
    headers = {"User-Agent": "mlproj", "Accept": "*/*"}
    if parts.username is not None:
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        headers["Authorization"] = basic_login.authorization(login)
    place = (f"[{host}]" if ":" in host else host) + (f":{port}" if port else "")
    return urlunsplit((parts.scheme.lower(), place, parts.path, parts.query, "")), headers


class _Redirects(urllib.request.HTTPRedirectHandler):
    """Follows a redirect to https, or from http to http; never to a file, nor from https to what anybody can read."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> urllib.request.Request | None:
        new = urlsplit(newurl).scheme.lower()
        if new != "https" and not (new == req.type == "http"):
            raise ValueError(f"it redirects from {req.type} to {new or 'nowhere'}, which is not followed")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def opened(
    address: str,
    headers: Mapping[str, str],
    timeout: float = _SILENCE,
    *,
    data: bytes | None = None,
    redirected: bool = True,
    route: Route = USUAL,
) -> Any:
    """The answer to a GET of *address* (a POST of *data*), by the *route*; a login in *headers* is for
    that host alone. *timeout* is in seconds without a byte.

    With ``redirected=False`` no header goes to where *address* redirects, and a POST never does. Raises OSError
    (HTTPError for an answer that is none, a redirect of a POST among them), HTTPException and ValueError.
    """
    opener = urllib.request.OpenerDirector()
    for handler in route.handlers():
        opener.add_handler(handler)
    kinds = (
        urllib.request.HTTPHandler,
        *((_Redirects,) if data is None else ()),
        urllib.request.UnknownHandler,
    )
    for kind in (*kinds, urllib.request.HTTPDefaultErrorHandler, urllib.request.HTTPErrorProcessor):
        opener.add_handler(kind())
    request = urllib.request.Request(address, data)  # noqa: S310  # http and https are the only handlers
    for name, value in headers.items():
        if name == "Authorization" or not redirected:
            request.add_unredirected_header(name, value)  # another host must not see it
        else:
            request.add_header(name, value)
    return opener.open(request, timeout=timeout)
