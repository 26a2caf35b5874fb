"""Addresses of artifacts as clients see them, and the places that they may ask for."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mlproj import artifacts
from mlproj.artifacts.base import ArtifactStore, InvalidPath, parts_of
from mlproj.artifacts.subfolder import SubfolderArtifacts
from mlproj.foundation.errors import UsageError
from mlproj.foundation.redaction import mask_url
from mlproj.server.call import ApiError
from mlproj.tracking import artifact_uri

_PROXIED = "mlflow-artifacts:"
_ELSEWHERE = re.compile(
    r"(?!file:|local:)[a-z][a-z0-9+.-]+:/", re.IGNORECASE
)  # a scheme; one letter is a Windows drive
_PLAIN = re.compile(r"[\w./-]*", re.ASCII)
# Clients before 1.24 do not know `mlflow-artifacts:`.
_OLD_CLIENT = re.compile(r"mlflow-python-client/(0|1\.(1?\d|2[0-3]))(\.|$)")


@dataclass(frozen=True)
class Places:
    """Places of artifacts. ``root`` is what is offered as ``mlflow-artifacts:``; ``here`` says that the client is this
    machine's user, who reads and writes files without our help."""

    root: ArtifactStore
    here: bool

    def for_client(self, place: str, client: str) -> str:
        """The place for a client with this User-Agent."""
        inside = self._inside(place)
        return place if inside is None or self.here or _OLD_CLIENT.match(client) else f"{_PROXIED}/{inside}"

    def accept(self, place: str) -> str:
        """A place that a client wants for artifacts as the store is to have it.

        Raises ApiError for one on this machine but outside of the root: whoever may log must not read or write any file
        here; UsageError for what can be no place of artifacts.
        """
        if place.startswith(_PROXIED):
            return self._accept_proxied(place)
        if self.here or _ELSEWHERE.match(place):
            return artifact_uri.checked(place)
        message = (
            f"Invalid artifact location '{place:.200}': this server keeps artifacts itself; leave the location out."
        )
        raise ApiError("INVALID_PARAMETER_VALUE", message)

    def find(self, place: str) -> tuple[ArtifactStore, str] | None:
        """The store and the path in it; None for what is not ours to show."""
        inside = self._inside(place)
        if inside is not None:
            return self.root, inside
        return (artifacts.open(place), "") if self.here and place.startswith("file:") else None

    def shown(self, place: str) -> ArtifactStore:
        """The files at a place, for people who look at pages. Raises UsageError for what is not kept by this server:
        with its rights anybody could look anywhere who may say where a run's files are."""
        inside = self._inside(place)
        if inside is None:
            raise UsageError(f"the files are not kept by this server: {mask_url(place)}")
        return SubfolderArtifacts(self.root, inside)

    def _inside(self, place: str) -> str | None:
        prefix = self.root.uri + "/"
        return place[len(prefix) :] if place.startswith(prefix) else None

    def _accept_proxied(self, place: str) -> str:
        path = place.removeprefix(_PROXIED).lstrip("/")
        try:
            parts = parts_of(path)
        except InvalidPath:
            parts = ()
        if not parts or not _PLAIN.fullmatch(path):
            raise ApiError(
                "INVALID_PARAMETER_VALUE",
                f"Invalid artifact location '{place:.200}': expected plain names separated by '/'.",
            )
        return "/".join([self.root.uri, *parts])
