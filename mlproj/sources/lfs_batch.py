"""What a Git LFS server says about files: https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md.

Nothing that it says is believed before it was looked at: it names only files that were asked for, at http or https.
"""

from __future__ import annotations

import http.client
import json
import urllib.error
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import urljoin, urlsplit

from mlproj.foundation.errors import SourceError
from mlproj.foundation.redaction import redact
from mlproj.http import fetcher
from mlproj.http.fetcher import USUAL, Route
from mlproj.sources import lfs_endpoint, lfs_settings
from mlproj.sources.lfs_endpoint import Endpoint
from mlproj.sources.lfs_pointer import Pointer

_AT_ONCE = 100  # files of one question
_LARGEST_ANSWER = 10_000_000  # bytes
_REDIRECTS = 3
_TYPE = "application/vnd.git-lfs+json"
_OURS = frozenset({"host", "connection", "content-length", "transfer-encoding"})  # headers that no server sets for us


@dataclass(frozen=True)
class Download:
    """Where the content of *pointer* is, with the headers of a request for it and the route of that."""

    pointer: Pointer
    address: str
    headers: dict[str, str] = field(repr=False)
    route: Route = USUAL


def ask(endpoint: Endpoint, pointers: Sequence[Pointer], folder: Path) -> Iterator[Download | tuple[Pointer, str]]:
    """For each of *pointers* where it can be had, or with it the reason why not. Raises :class:`SourceError`."""
    for start in range(0, len(pointers), _AT_ONCE):
        asked = pointers[start : start + _AT_ONCE]
        endpoint, reply = _answer(endpoint, asked, folder)
        yield from _judged(asked, reply, endpoint, folder)


def _answer(endpoint: Endpoint, asked: Sequence[Pointer], folder: Path) -> tuple[Endpoint, dict[str, Any]]:
    """The server's answer, and the server that gave it: logged in to where it wants that, another one where it
    redirects."""
    objects = [{"oid": pointer.oid, "size": pointer.size} for pointer in asked]
    question = json.dumps(
        {"operation": "download", "transfers": ["basic"], "objects": objects, "hash_algo": "sha256"}
    ).encode()
    has_asked_for_login = False
    for _ in range(_REDIRECTS + 2):
        try:
            return endpoint, _posted(endpoint, question, lfs_settings.route(endpoint.url, folder))
        except urllib.error.HTTPError as error:
            error.close()
            if error.code in (401, 403, 404) and "Authorization" not in endpoint.headers and not has_asked_for_login:
                has_asked_for_login = True
                known = lfs_endpoint.logged_in(endpoint, folder)
                if known is None:
                    raise _refused(error, endpoint) from None
                endpoint = known
            elif error.code in (301, 302, 303, 307, 308):
                endpoint, has_asked_for_login = _moved(endpoint, error), False
            else:
                raise _refused(error, endpoint) from None
        except (OSError, http.client.HTTPException, ValueError, RecursionError) as error:
            reason = redact(str(getattr(error, "reason", None) or error))
            raise SourceError(f"its Git LFS server {_host(endpoint.url)} could not be asked: {reason}") from None
    raise SourceError(f"its Git LFS server {_host(endpoint.url)} redirects without end")


def _posted(endpoint: Endpoint, question: bytes, route: Route) -> dict[str, Any]:
    headers = {"User-Agent": "mlproj", "Accept": _TYPE, "Content-Type": _TYPE, **endpoint.headers}
    with fetcher.opened(
        f"{endpoint.url}/objects/batch", headers, data=question, redirected=False, route=route
    ) as response:
        content = response.read(_LARGEST_ANSWER + 1)
    reply = json.loads(content) if len(content) <= _LARGEST_ANSWER else None
    if not isinstance(reply, dict) or not isinstance(reply.get("objects"), list):
        raise ValueError("it answers with something else than a list of files")
    if reply.get("transfer", "basic") != "basic" or reply.get("hash_algo", "sha256") != "sha256":
        raise ValueError("it offers only ways to transfer files that are not known here")
    return reply


def _moved(endpoint: Endpoint, error: urllib.error.HTTPError) -> Endpoint:
    """The server that *error* redirects to. From https to what anybody can read, or to a file, is not followed."""
    try:
        address = urljoin(f"{endpoint.url}/objects/batch", error.headers.get("Location", ""))
    except ValueError:
        address = ""
    _check_address(address, endpoint.url)
    return lfs_endpoint.at(address.partition("?")[0].removesuffix("/objects/batch"), endpoint)


def _check_address(address: str, asked: str) -> None:
    scheme, before = urlsplit(address).scheme.lower(), urlsplit(asked).scheme.lower()
    if scheme != "https" and not (scheme == before == "http"):
        raise SourceError(
            f"its Git LFS server {_host(asked)} ({before}) sends to {scheme or 'nowhere'}, which is not followed"
        )
    if not urlsplit(address).hostname:
        raise SourceError(f"its Git LFS server {_host(asked)} sends to an address without a host")


def _judged(
    asked: Sequence[Pointer], reply: dict[str, Any], endpoint: Endpoint, folder: Path
) -> Iterator[Download | tuple[Pointer, str]]:
    answers = {
        each.get("oid"): each
        for each in reply["objects"]
        if isinstance(each, dict) and isinstance(each.get("oid"), str)
    }
    for pointer in asked:
        try:
            found = _download(pointer, answers.get(pointer.oid) or {}, endpoint)
            yield replace(found, route=lfs_settings.route(found.address, folder))
        except (SourceError, ValueError, TypeError, AttributeError, KeyError) as error:
            reason = (
                error.message
                if isinstance(error, SourceError)
                else f"{_host(endpoint.url)} gives no usable answer about it"
            )
            yield pointer, reason


def _download(pointer: Pointer, answer: dict[str, Any], endpoint: Endpoint) -> Download:
    """Raises SourceError with the server's reason, and whatever an answer of another shape leads to."""
    if error := answer.get("error"):
        raise SourceError(
            f"{_host(endpoint.url)} says: {_printable(str(error.get('message'))[:200])} ({error.get('code')})"
        )
    action = answer["actions"]["download"]
    address = str(action["href"])
    _check_address(address, endpoint.url)
    headers = {
        str(name): str(value) for name, value in (action.get("header") or {}).items() if str(name).lower() not in _OURS
    }
    has_login = any(name.lower() == "authorization" for name in headers)
    if not has_login and not answer.get("authenticated") and lfs_endpoint.same_host(address, endpoint.url):
        headers |= endpoint.headers
    return Download(pointer, address, {"User-Agent": "mlproj", "Accept": "*/*", **headers})


def _refused(error: urllib.error.HTTPError, endpoint: Endpoint) -> SourceError:
    meaning = {
        401: "asks for a login",
        403: "refused access",
        404: "knows no such repository",
        410: "is gone",
        429: "is asked too often",
    }
    return SourceError(
        f"its Git LFS server {_host(endpoint.url)} {meaning.get(error.code, 'failed')} (HTTP {error.code})"
    )


def _printable(text: str) -> str:
    return redact("".join(character if character.isprintable() else "?" for character in text))


def _host(address: str) -> str:
    return urlsplit(address).netloc.rpartition("@")[2]
