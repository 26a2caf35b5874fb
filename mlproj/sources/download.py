"""Archives over http: fetched once, kept by their content, asked for again only whether they changed."""

from __future__ import annotations

import hashlib
import http.client
import json
import urllib.error
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlproj.foundation import file_lock, paths
from mlproj.foundation.digest import sha256_of_portions
from mlproj.foundation.errors import SourceError
from mlproj.foundation.redaction import mask_url
from mlproj.http import fetcher
from mlproj.http.stream import portions
from mlproj.sources.digest import digest_of

MAX_DOWNLOAD = 20 * 10**9  # bytes


@dataclass(frozen=True)
class Download:
    """A file that is here, its SHA-256 in hex, and what the user should know about it."""

    path: Path
    digest: str
    note: str | None = None


def download(url: str, *, offline: bool) -> Download:
    """The file at *url*, from the cache when the server says it is the same, or when *offline*.

    Raises :class:`SourceError` when it is not there, may not be read or is too large, :class:`UsageError` for a
    malformed URL.
    """
    address, headers = fetcher.without_login(url)
    # Who logs in is no part of what a run records, nor of what is known of the file; the server is asked with it.
    name = hashlib.sha256(f"{address}\0".encode()).hexdigest()[:32]
    index = paths.downloads() / "urls" / f"{name}.json"
    with file_lock.locked(index.with_suffix(".lock")):
        known = _known(index)
        if offline:
            if known is None:
                raise SourceError(
                    f"{mask_url(address)} was never fetched, and --offline forbids to ask",
                    hint="run it once without --offline",
                )
            return Download(
                _content(known["digest"]), known["digest"], "offline: the archive as it was when last fetched"
            )
        if known is not None:
            headers |= {
                ask: known[field]
                for ask, field in (("If-None-Match", "etag"), ("If-Modified-Since", "modified"))
                if known.get(field)
            }
        try:
            with fetcher.opened(address, headers) as response:
                return _kept(response, index, mask_url(address))
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 304 and known is not None:
                return Download(_content(known["digest"]), known["digest"])
            raise _refused(mask_url(address), error) from None
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise _unreachable(mask_url(address), error) from None


def _kept(response: Any, index: Path, shown: str) -> Download:
    partial = index.with_suffix(".part")  # only the lock's holder writes it
    try:
        digest, size = _written(response, partial, shown)
        expected = response.headers.get("Content-Length")
        if expected is not None and expected.isdigit() and size < int(expected):
            raise SourceError(f"{shown}: the connection broke off after {size} of {expected} bytes", hint="try again")
        content = _content(digest)
        partial.replace(content)
    finally:
        partial.unlink(missing_ok=True)
    facts = {
        "url": shown,
        "digest": digest,
        "etag": response.headers.get("ETag"),
        "modified": response.headers.get("Last-Modified"),
    }
    paths.write_atomic(index, json.dumps(facts))
    return Download(content, digest)


def _written(response: Any, partial: Path, shown: str) -> tuple[str, int]:
    with partial.open("wb") as file:
        return sha256_of_portions(portions(response, MAX_DOWNLOAD, shown), file.write)


def _content(digest: str) -> Path:
    return paths.downloads() / digest


def _known(index: Path) -> dict[str, Any] | None:
    """What is known of a URL, if its content is still here and whole."""
    try:
        facts = json.loads(index.read_bytes())
        content = _content(str(facts["digest"]))
        return facts if content.is_file() and digest_of(content) == facts["digest"] else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _refused(shown: str, error: urllib.error.HTTPError) -> SourceError:
    meaning = {
        401: "it asks for a login",
        403: "access was refused",
        404: "there is no such file",
        410: "the file is gone",
    }
    hint = "put user:token@ before the host, or download it yourself" if error.code in (401, 403) else None
    return SourceError(
        f"{shown}: {meaning.get(error.code, 'the server failed')} (HTTP {error.code} {mask_url(str(error.reason))})",
        hint=hint,
    )


def _unreachable(shown: str, error: Exception) -> SourceError:
    reason = getattr(error, "reason", None) or error
    return SourceError(
        f"{shown}: the file could not be fetched ({mask_url(str(reason))})",
        hint="is there a network? --offline uses what is already here",
    )
