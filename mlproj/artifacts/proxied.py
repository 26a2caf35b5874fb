"""Artifacts behind a tracking server: ``mlflow-artifacts:`` addresses, which are about the server that named them."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast
from urllib.parse import quote, urlsplit

from mlproj.artifacts.base import ArtifactStore, Entry, NoSuchFile, parts_of
from mlproj.foundation.errors import UsageError
from mlproj.foundation.override import override
from mlproj.foundation.redaction import mask_url
from mlproj.http.client import HttpClient, Refused

SCHEME = "mlflow-artifacts"
_API = "/api/2.0/mlflow-artifacts/artifacts"
_IN_MEMORY = 1 << 20  # bytes of a file that is passed on without a file of its own
_PORTION = 1 << 18


class ProxiedArtifacts(ArtifactStore):
    """The :class:`~mlproj.artifacts.base.ArtifactStore` of an ``mlflow-artifacts:`` *uri*, which *caller* asks for.

    With an authority (``mlflow-artifacts://host/…``) that has to be the server's own: whoever may name a place must not
    have the credentials sent elsewhere. Raises UsageError for another one.
    """

    def __init__(self, uri: str, caller: HttpClient) -> None:
        parts = urlsplit(uri)
        if parts.netloc not in ("", urlsplit(caller.uri).netloc):
            raise UsageError(f"{mask_url(uri)} is on another server than {caller.uri}")
        self._client = caller
        self._top = "/".join(parts_of(parts.path.strip("/")))
        self.uri = uri.rstrip("/")

    @override
    def list(self, path: str) -> list[Entry]:
        with _named(path):
            answer = self._client.call("GET", _API, {"path": self._place(path)})
        # MLflow's server says names relative to what was asked for, and so do we; the last part is the name in any
        # case.
        return [Entry(str(one["path"]).rstrip("/").rpartition("/")[2], _size(one)) for one in answer.get("files", ())]

    @override
    def open(self, path: str) -> IO[bytes]:
        spool = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115  # the caller closes it
        try:
            with _named(path), self._client.download(self._address(path)) as response:
                while portion := response.read(_PORTION):
                    spool.write(portion)
        except BaseException:
            spool.close()
            raise
        spool.seek(0)
        return cast("IO[bytes]", spool)

    @override
    @contextmanager
    def create(self, path: str) -> Iterator[Callable[[bytes], object]]:
        with tempfile.SpooledTemporaryFile(_IN_MEMORY) as spool:
            yield spool.write
            size = spool.tell()
            spool.seek(0)
            self._client.upload(self._address(path), cast("IO[bytes]", spool), size)

    def upload(self, path: str, file: Path) -> None:
        """Write the content of *file* without a copy on the way. Raises OSError, and as ``Caller.upload``."""
        with file.open("rb") as opened:
            self._client.upload(self._address(path), opened, os.fstat(opened.fileno()).st_size)

    @override
    def delete(self, path: str) -> None:
        with _named(path):
            self._client.call("DELETE", self._address(path))

    def local_file(self, path: str) -> Path | None:  # noqa: ARG002, D102
        return None

    def _place(self, path: str) -> str:
        return "/".join(filter(None, [self._top, *parts_of(path)]))

    def _address(self, path: str) -> str:
        return f"{_API}/{quote(self._place(path), safe='/')}"


def _size(one: dict[str, Any]) -> int | None:
    return None if one.get("is_dir") else int(one.get("file_size") or 0)


@contextmanager
def _named(path: str) -> Iterator[None]:
    try:
        yield
    except Refused as refusal:
        if refusal.code == "RESOURCE_DOES_NOT_EXIST":
            raise NoSuchFile(f"there is no file {path!r:.200}") from refusal
        raise
