"""Bringing here the files that values of ``path`` parameters name by URI.

``http``, ``https`` and ``file`` need nothing but Python; every other scheme needs fsspec and its package. What was
fetched is kept in the cache by its URI; with http the server is asked whether it is still the same.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from mlproj.foundation import file_lock, paths
from mlproj.foundation.errors import ServiceError, SourceError, UsageError
from mlproj.foundation.redaction import mask_url
from mlproj.http.stream import portions

MAX_SIZE = 100 * 10**9  # bytes; more than that by accident fills a disk
TIMEOUT = 60.0  # seconds without a byte
_SCHEMES = ("http", "https")
# What to install for the schemes that people use, as mlproj's extras name it.
_EXTRAS = {
    "s3": "s3",
    "s3a": "s3",
    "gs": "gcs",
    "gcs": "gcs",
    "az": "azure",
    "abfs": "azure",
    "abfss": "azure",
    "adl": "azure",
}


def fetch(uri: str, *, offline: bool = False) -> Path:
    """The file or folder at *uri*, brought into the cache.

    Raises UsageError for a URI that makes no sense, SourceError when nothing is there or it may not be read, and
    ServiceError when its host is out of reach, a package is missing, or *offline* forbids to look.
    """
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(uri)
    except ValueError as error:
        raise UsageError(f"{mask_url(uri)!r} is no URI: {error}") from None
    if parts.scheme in _SCHEMES and not parts.hostname:
        raise UsageError(f"{mask_url(uri)!r} names no host, expected for example https://host/file")
    kept = _Kept(_identity(uri) if parts.scheme in _SCHEMES else uri, _file_name(parts.path))
    if not offline:
        with kept.locked():
            if parts.scheme in _SCHEMES:
                _fetch_http(uri, kept)
                kept.be_found_at(_Kept(_identity(mask_url(uri)), _file_name(parts.path)))
            else:
                _fetch_with_fsspec(uri, parts.scheme, kept)
    path = kept.path
    if path is None:
        raise ServiceError(f"{mask_url(uri)} is not in the cache, and --offline forbids to fetch it")
    return path


def _identity(uri: str) -> str:
    """*uri* without who asks for it."""
    from urllib.parse import urlsplit, urlunsplit

    parts = urlsplit(uri)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


class _Kept:
    """The place of one URI in the cache: every content it had in a folder of its own, and what the server answered
    about the last.

    A content that was replaced stays, as a run may be reading it.
    """

    def __init__(self, uri: str, name: str) -> None:
        import hashlib

        self._folder = (
            paths.downloads() / "inputs" / hashlib.sha256(uri.encode("utf-8", "surrogateescape")).hexdigest()[:32]
        )
        self._about = self._folder / "about.json"
        self._name = name

    @property
    def path(self) -> Path | None:
        """The newest content, None when there is none."""
        content = self._read().get("content")
        path = Path(os.path.normpath(self._folder / content / self._name)) if content else None
        return path if path and path.exists() else None

    @property
    def validators(self) -> dict[str, str]:
        """Headers that ask the server whether what is here is still current; none when nothing is here."""
        return {name: value for name, value in self._read().items() if name != "content"} if self.path else {}

    def _read(self) -> dict[str, str]:
        try:
            return {str(name): str(value) for name, value in json.loads(self._about.read_text()).items()}
        except (OSError, ValueError, AttributeError):
            return {}

    def be_found_at(self, other: _Kept) -> None:
        """Let *other*, the address that a run records, lead to the newest content here: what looks secret in a query is
        not recorded, and may be all that tells two addresses apart."""
        content = self._read().get("content")
        if content and other._folder != self._folder:
            other._folder.mkdir(parents=True, exist_ok=True)
            paths.write_atomic(other._about, json.dumps({"content": f"../{self._folder.name}/{content}"}))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Keep other runs from fetching the same meanwhile."""
        with file_lock.locked(self._folder / "lock"):
            yield

    @contextmanager
    def replaced(self, validators: Mapping[str, str]) -> Iterator[Path]:
        """A path to write the new content to; it becomes the newest when the block succeeds."""
        from mlproj.foundation.content_hash import measure

        with paths.temporary_folder(self._folder, "new-") as folder:
            target = folder / self._name
            yield target
            content = (measure(target)[0] or "empty")[:32]
            if not (self._folder / content).exists():
                folder.rename(self._folder / content)
        paths.write_atomic(self._about, json.dumps({**validators, "content": content}))


def _file_name(path: str) -> str:
    """The last part of a URI's path as the name of a file: programs look at its suffix."""
    from urllib.parse import unquote

    name = unquote(path.rstrip("/")).rsplit("/", 1)[-1].replace("\0", "").replace("/", "_")
    return name.encode()[:200].decode(errors="ignore") if name not in ("", ".", "..") else "input"


def _fetch_http(uri: str, kept: _Kept) -> None:
    from http.client import HTTPException
    from urllib.error import HTTPError, URLError

    try:
        _download(uri, kept)
    except HTTPError as error:
        error.close()
        if error.code == 304:
            return
        if error.code >= 500 or error.code == 429:
            raise ServiceError(f"{mask_url(uri)}: the server answers {error.code} {error.reason}") from None
        raise SourceError(f"{mask_url(uri)}: the server answers {error.code} {error.reason}") from None
    except URLError as error:
        raise ServiceError(f"{mask_url(uri)} cannot be reached: {error.reason}") from None
    except (OSError, HTTPException, ValueError) as error:
        raise ServiceError(f"{mask_url(uri)} cannot be fetched: {error}") from None


def _download(uri: str, kept: _Kept) -> None:
    from mlproj.http import fetcher

    with fetcher.opened(*_request(uri, kept.validators), TIMEOUT) as response:
        known = {
            "If-None-Match": response.headers.get("ETag"),
            "If-Modified-Since": response.headers.get("Last-Modified"),
        }
        expected = response.headers.get("Content-Length")
        with kept.replaced({name: value for name, value in known.items() if value}) as target:
            size = _copy(response, target, mask_url(uri))
            if expected is not None and expected.isdigit() and size < int(expected):
                raise ServiceError(f"{mask_url(uri)}: the connection ended after {size} of {expected} bytes")


def _request(uri: str, headers: Mapping[str, str]) -> tuple[str, dict[str, str]]:
    """The address of *uri* and the headers of a request for it; user and password go into one, as servers expect."""
    from urllib.parse import quote, urlsplit, urlunsplit

    from mlproj.http import fetcher

    address, named = fetcher.without_login(quote(uri, safe="/%:@!$&'()*+,;=~-._?#[]"))
    parts = urlsplit(address)
    path, query = quote(parts.path, safe="/%:@!$&'()*+,;=~-._"), quote(parts.query, safe="%=&/?:@!$'()*+,;~-._")
    return urlunsplit((parts.scheme, parts.netloc, path, query, "")), {**named, **headers}


def _copy(stream: IO[bytes], target: Path, shown: str) -> int:
    with target.open("wb") as file:
        file.writelines(portions(stream, MAX_SIZE, shown))
        return file.tell()


def has_fsspec() -> bool:
    """Whether URIs of other schemes can be fetched here, given the package of their storage."""
    from importlib.util import find_spec

    return find_spec("fsspec") is not None


def _fetch_with_fsspec(uri: str, scheme: str, kept: _Kept) -> None:
    if not has_fsspec():
        raise _lacks_package(uri, scheme)
    import fsspec

    try:
        filesystem, path = fsspec.core.url_to_fs(uri)
    except ImportError:
        raise _lacks_package(uri, scheme) from None
    except ValueError as error:
        raise UsageError(f"{mask_url(uri)!r} cannot be fetched: {error}") from None
    try:
        with kept.replaced({}) as target:
            filesystem.get(path, str(target), recursive=filesystem.isdir(path))
    except FileNotFoundError:
        raise SourceError(f"{mask_url(uri)} does not exist") from None
    except PermissionError:
        raise SourceError(f"{mask_url(uri)} may not be read", hint="log in as the storage's own tools do") from None
    except Exception as error:  # every storage has exceptions of its own
        raise ServiceError(f"{mask_url(uri)} cannot be fetched: {mask_url(str(error))}") from error


def _lacks_package(uri: str, scheme: str) -> ServiceError:
    extra = _EXTRAS.get(scheme)
    package = f"mlproj[{extra}]" if extra else "fsspec and the package for it"
    hint = f"pip install '{package}'" if extra else f"install {package}, or download the file and give its path"
    return ServiceError(f"nothing here can fetch {scheme}: URIs ({mask_url(uri)})", hint=hint)
