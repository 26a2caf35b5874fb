"""Artifacts wherever fsspec reaches: S3, Google's and Azure's object stores, and more with their packages."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, cast

from mlproj.artifacts.base import Abandoned, ArtifactStore, Entry, InvalidPath, NoSuchFile, parts_of
from mlproj.foundation.errors import MlprojError, ServiceError, UsageError
from mlproj.foundation.override import override
from mlproj.foundation.redaction import mask_url

_UNFINISHED = ".mlproj-upload-"
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


class RemoteArtifacts(ArtifactStore):
    """The :class:`~mlproj.artifacts.base.ArtifactStore` over a URL."""

    def __init__(self, url: str) -> None:
        scheme = url.partition("://")[0]
        hint = (
            f"pip install 'mlproj[{_EXTRAS[scheme]}]'"
            if scheme in _EXTRAS
            else "known: a folder, s3://, gs://, abfs://, …"
        )
        try:
            from fsspec.core import url_to_fs

            self._files, self._top = url_to_fs(url)
        except (ImportError, ValueError) as error:
            raise UsageError(f"cannot keep artifacts in {mask_url(url)}: {error}", hint=hint) from error
        self.uri = url.rstrip("/")

    @override
    def list(self, path: str) -> list[Entry]:
        place = self._place(path)
        with self._reported(path):
            try:
                self._files.invalidate_cache(place)
                found: list[dict[str, Any]] = self._files.ls(place, detail=True)
            except FileNotFoundError:
                return []
        entries = [_entry(one) for one in found if one["name"].strip("/") != place.strip("/")]
        return sorted(entry for entry in entries if not entry.name.startswith(_UNFINISHED))

    @override
    def open(self, path: str) -> IO[bytes]:
        with self._reported(path):
            if not self._files.isfile(self._place(path)):
                raise NoSuchFile(f"there is no file {path!r:.200}")
            return cast("IO[bytes]", self._files.open(self._place(path), "rb"))

    @override
    @contextmanager
    def create(self, path: str) -> Iterator[Callable[[bytes], object]]:
        place = self._place(path)
        with self._reported(path):
            if self._files.isdir(place):
                raise InvalidPath(f"there is a folder at {path!r:.200}")
            parent, _, _ = place.rpartition("/")
            self._files.makedirs(parent, exist_ok=True)
            # Not every file system writes a file whole or not at all; each of them moves one.
            unfinished = f"{parent}/{_UNFINISHED}{os.urandom(8).hex()}"
            try:
                with self._files.open(unfinished, "wb") as opened:
                    yield opened.write
                self._files.mv(unfinished, place)
            finally:
                if self._files.exists(unfinished):
                    self._files.rm(unfinished)

    @override
    def delete(self, path: str) -> None:
        if not parts_of(path):
            raise InvalidPath("the place of all artifacts cannot be removed")
        with self._reported(path):
            self._files.rm(self._place(path), recursive=True)

    def local_file(self, path: str) -> Path | None:  # noqa: ARG002, D102
        return None

    def _place(self, path: str) -> str:
        return "/".join([self._top.rstrip("/"), *parts_of(path)])

    @contextmanager
    def _reported(self, path: str) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            raise NoSuchFile(f"there is no file {path!r:.200}") from error
        except (NotADirectoryError, FileExistsError, IsADirectoryError) as error:
            raise InvalidPath(f"Invalid path: {path!r:.200}") from error
        except (MlprojError, Abandoned):
            raise
        except Exception as error:  # every package behind fsspec has errors of its own
            message = f"{mask_url(self.uri)} cannot be read or written: {type(error).__name__}: {mask_url(str(error))}"
            raise ServiceError(message) from error


def _entry(found: dict[str, Any]) -> Entry:
    return Entry(
        found["name"].rstrip("/").rpartition("/")[2], None if found["type"] == "directory" else int(found["size"] or 0)
    )
