"""Requests to a tracking server: JSON over HTTP, connections kept open, and errors by what went wrong.

Credentials and TLS are those of MLflow's client (see ``access``), so that nothing has to be set up again.
"""

from __future__ import annotations

import functools
import http.client
import ipaddress
import json
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import IO, Any
from urllib.parse import SplitResult, quote, urlencode, urlsplit, urlunsplit
from urllib.request import getproxies, proxy_bypass

from mlproj import __version__
from mlproj.foundation.errors import MlprojError, ServiceError, UsageError
from mlproj.foundation.redaction import mask_url
from mlproj.http import access

TIMEOUT = 20.0
"""Seconds that a server may be silent before it is given up: no command waits longer for one."""

_UPLOAD_TIMEOUT = 120.0  # seconds: a server may have to pass a large file on before it answers

_CONNECT_TIMEOUT = 5.0  # seconds
_PAUSES = (0.2, 0.8)  # seconds before asking again
_BUSY = frozenset({408, 429, 500, 502, 503, 504})
_PORTION = 1 << 18
_LARGEST_REFUSAL = 1 << 20


class Refused(UsageError):
    """The server says no: MLflow's error ``code``, and the ``kind`` of our own error when it is an mlproj server."""

    def __init__(self, message: str, *, code: str, kind: str | None = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.code = code
        self.error_kind = kind


class Unreachable(ServiceError):
    """The server could not be asked, or is in trouble; later it may answer. ``uncertain``: it may have done what was
    asked; ``silent``: it took the request and did not answer in time."""

    def __init__(self, message: str, *, uncertain: bool, silent: bool = False, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.uncertain = uncertain
        self.silent = silent


class Failing(Unreachable):
    """The server failed at what it was asked; at something else it may not."""


class Unauthorized(ServiceError):
    """The server wants a token, or another one."""


class NoSuchEndpoint(ServiceError):
    """The server does not know the request: it is another kind of server, or an older one."""


class HttpClient:
    """Asks the server at *uri*. Safe for threads: each has a connection of its own.

    The user and password of the address, or those that MLflow's variables give, are sent with every request and are in
    no message.
    """

    def __init__(self, uri: str, *, timeout: float | None = None, patient: bool = True) -> None:
        try:
            parts = urlsplit(uri)
            port = parts.port
        except ValueError:
            parts, port = urlsplit(""), -1
        if parts.scheme not in ("http", "https") or not parts.hostname or port == -1 or parts.query or parts.fragment:
            raise UsageError(
                f"{mask_url(uri)} is no address of a tracking server", hint="expected http(s)://host[:port][/path]"
            )
        self._scheme, self._host, self._port = parts.scheme, parts.hostname, port
        self._prefix = quote(parts.path.rstrip("/"), safe="/%")
        bare = parts.netloc.rpartition("@")[2]
        self.uri = urlunsplit((parts.scheme, bare, parts.path.rstrip("/"), "", ""))
        self._headers = {
            "User-Agent": f"mlproj/{__version__}",
            "Accept": "application/json",
            **access.authorization(parts.username, parts.password),
        }
        self._timeout = TIMEOUT if timeout is None else timeout
        self._upload_timeout = _UPLOAD_TIMEOUT if timeout is None else timeout
        self._patient = patient
        self._local = threading.local()
        self._opened: set[http.client.HTTPConnection] = set()
        self._tls: ssl.SSLContext | None = None

    @property
    def is_loopback(self) -> bool:
        """Whether the server is on this machine."""
        try:
            return self._host == "localhost" or ipaddress.ip_address(self._host).is_loopback
        except ValueError:
            return False

    def call(self, method: str, path: str, fields: Mapping[str, Any] | None = None, *, again: bool = True) -> Any:
        """The JSON that the server answers to *fields* (a query for GET, else a JSON body).

        With *again* a request that met trouble is sent again, as it does the same when done twice; not to a server that
        was silent, which would only double the wait. Raises
        Refused, Unauthorized, NoSuchEndpoint, Unreachable.
        """
        body = None
        if method == "GET":
            path += f"?{urlencode(fields, doseq=True, errors='surrogateescape')}" if fields else ""
        else:
            body = _document(fields or {})
        for pause in (*(_PAUSES if self._patient else ()), None):
            try:
                with self._asked(
                    method, path, body, {"Content-Type": "application/json"} if body is not None else {}
                ) as response:
                    return self._read(response)
            except Unreachable as trouble:
                if pause is None or trouble.silent or (trouble.uncertain and not again):
                    raise
                time.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    def upload(self, path: str, file: IO[bytes], size: int) -> None:
        """PUT the *size* bytes of *file* at *path*; not sent again by itself. Raises as :meth:`call`."""
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        with self._asked("PUT", path, _portions(file, size) if size else b"", headers, self._upload_timeout):
            return

    @contextmanager
    def download(self, path: str) -> Iterator[http.client.HTTPResponse]:
        """The answer to GET *path*, to be read within the block. Raises as :meth:`call`."""
        with self._asked("GET", path, None, {}) as response:
            yield response

    def __del__(self) -> None:
        """Who forgets a caller lets its connections go, too."""
        if hasattr(self, "_opened"):
            self.close()

    def close(self) -> None:
        """Close the connections of all threads."""
        for connection in list(self._opened):
            connection.close()
        self._opened.clear()

    @contextmanager
    def _asked(
        self, method: str, path: str, body: Any, headers: Mapping[str, str], timeout: float | None = None
    ) -> Iterator[http.client.HTTPResponse]:
        """A successful answer; its connection serves again when the answer was read to its end."""
        connection, limit = self._connection(), timeout or self._timeout
        is_whole = False
        try:
            with self._errors_translated(connection, limit):
                connection.sock.settimeout(limit)
                target, for_proxy = self._target(path)
                connection.request(method, target, body, {**self._headers, **for_proxy, **headers})
                response = connection.getresponse()
                if response.status >= 300:
                    raise self._refusal(response)
                yield response
                response.read(0 if response.isclosed() else None)
                is_whole = response.isclosed() and not response.will_close
        finally:
            if not is_whole:
                self._drop(connection)

    def _read(self, response: http.client.HTTPResponse) -> Any:
        content = response.read()
        try:
            answer = json.loads(content, object_hook=_Answer) if content.strip() else {}
        except (ValueError, RecursionError):
            answer = None
        if not isinstance(answer, dict):
            raise NoSuchEndpoint(f"{self.uri} did not answer as a tracking server does: {content[:80]!r}", hint=_HINT)
        return answer

    @contextmanager
    def _errors_translated(self, connection: http.client.HTTPConnection, limit: float) -> Iterator[None]:
        """Turn the network's errors into Unreachable; *limit* are the seconds that an answer may take."""
        is_connected = connection.sock is not None
        try:
            if not is_connected:
                self._connect(connection)
                is_connected = True
            yield
        except ssl.SSLCertVerificationError as error:
            hint = "MLFLOW_TRACKING_SERVER_CERT_PATH names a file with its authority's certificate"
            raise Unreachable(
                f"{self.uri} has no valid certificate: {error.verify_message}", uncertain=False, hint=hint
            ) from error
        except TimeoutError as error:
            reason = "it took the request and has not answered" if is_connected else "nobody answers at that address"
            message = f"{self.uri} is out of reach: {reason} for {limit if is_connected else _CONNECT_TIMEOUT:g} s"
            raise Unreachable(message, uncertain=is_connected, silent=is_connected, hint=_HINT) from error
        except (
            OSError,
            http.client.HTTPException,
            UnicodeError,
        ) as error:  # UnicodeError: a host name that cannot be one
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            raise Unreachable(f"{self.uri} is out of reach: {reason}", uncertain=is_connected, hint=_HINT) from error

    def _connect(self, connection: http.client.HTTPConnection) -> None:
        connection.timeout = min(_CONNECT_TIMEOUT, self._timeout)
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def _refusal(self, response: http.client.HTTPResponse) -> MlprojError:
        try:
            body = json.loads(response.read(_LARGEST_REFUSAL))
        except ValueError:
            body = {}
        body = body if isinstance(body, dict) else {}
        status, code = response.status, str(body.get("error_code"))
        message = str(body.get("message") or f"{response.status} {response.reason}")
        if status == 401 or code in ("UNAUTHENTICATED", "CUSTOMER_UNAUTHORIZED"):
            return Unauthorized(
                f"{self.uri} refused: {message}", hint="set MLFLOW_TRACKING_TOKEN, or a user and password, for it"
            )
        if status < 400:
            place = mask_url(response.headers.get("Location", "elsewhere"))
            return NoSuchEndpoint(
                f"{self.uri} sends to {place}", hint="set MLPROJ_TRACKING_URI to the address that it sends to"
            )
        if code == "ENDPOINT_NOT_FOUND" or (status in (404, 405) and "error_code" not in body):
            return NoSuchEndpoint(f"{self.uri} does not know this request: {message}", hint=_HINT)
        if status in _BUSY:
            kind = Failing if status == 500 else Unreachable
            return kind(f"{self.uri} cannot answer now: {message}", uncertain=True)
        if status == 403:
            return Refused(
                f"{self.uri} refused: {message}",
                code="PERMISSION_DENIED",
                hint="ask for a token or user that may do this",
            )
        ours = body.get("mlproj")
        ours = ours if isinstance(ours, dict) else {}
        return Refused(
            message, code=code, kind=str(ours.get("kind")), hint=str(ours["hint"]) if ours.get("hint") else None
        )

    def _connection(self) -> http.client.HTTPConnection:
        """This thread's connection, which the server has not closed meanwhile."""
        found: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        if found is not None and found.sock is not None and _is_closed_by_peer(found.sock):
            found.close()
        if found is None:
            found = self._local.connection = self._make()
            self._opened.add(found)
        return found

    def _drop(self, connection: http.client.HTTPConnection) -> None:
        connection.close()

    def _make(self) -> http.client.HTTPConnection:
        through = self._proxy
        host, port = (through.hostname or "", through.port) if through else (self._host, self._port)
        if self._scheme == "http":
            return http.client.HTTPConnection(host, port)
        self._tls = self._tls or access.tls_context()
        connection = http.client.HTTPSConnection(host, port, context=self._tls)
        if through:
            connection.set_tunnel(self._host, self._port or 443, access.proxy_authorization(through))
        return connection

    @functools.cached_property
    def _proxy(self) -> SplitResult | None:
        """The proxy that the environment names. Raises UsageError."""
        named = None if proxy_bypass(self._host) else getproxies().get(self._scheme)
        if not named:
            return None
        try:
            through = urlsplit(named if "//" in named else f"//{named}")
            is_address = bool(through.hostname) and through.port != 0
        except ValueError:
            is_address = False
        if not is_address:
            message = f"{self._scheme}_proxy is set to {mask_url(named)}, which is no address"
            raise UsageError(message, hint="expected http://host:port; no_proxy lists hosts that need none")
        return through

    def _target(self, path: str) -> tuple[str, dict[str, str]]:
        """What is asked for, and headers: through a proxy of plain HTTP the whole address, and the proxy's
        credentials."""
        if self._proxy and self._scheme == "http":
            host = f"[{self._host}]" if ":" in self._host else self._host
            target = f"http://{host}{f':{self._port}' if self._port else ''}{self._prefix}{path}"
            return target, access.proxy_authorization(self._proxy)
        return self._prefix + path, {}


class _Answer(dict[str, Any]):
    """An object that a server answers; what it should have and has not shows that the server is of another kind."""

    def __missing__(self, name: str) -> Any:
        raise NoSuchEndpoint(f"the server's answer has no {name!r}", hint=_HINT)


_HINT = "MLPROJ_TRACKING_URI names the server; unset it to record on this machine"


def _is_closed_by_peer(connected: socket.socket) -> bool:
    """Whether a connection that nothing is expected on has something to read: its end, as a rule."""
    import select

    poll = select.poll()
    poll.register(connected.fileno(), select.POLLIN)
    return bool(poll.poll(0))


def _document(fields: Mapping[str, Any]) -> bytes:
    """*fields* as JSON. Bytes of UTF-8 that Python read as something else, in an ASCII locale, are sent as the text
    that they are."""
    body = json.dumps(fields, separators=(",", ":"))
    if "\\udc" in body:
        with suppress(UnicodeError):
            raw = json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode("utf-8", "surrogateescape")
            return raw.decode("utf-8").encode()
    return body.encode()


def _portions(file: IO[bytes], size: int) -> Iterator[bytes]:
    """*size* bytes of *file*, no more when it grows meanwhile. Raises OSError when it has shrunk."""
    while size:
        portion = file.read(min(_PORTION, size))
        if not portion:
            raise OSError("the file has become shorter while it was sent")
        size -= len(portion)
        yield portion
