"""The form of a crate's metadata: flat entities that refer to each other by their ids, and the ids that names make."""

from __future__ import annotations

import json
from base64 import urlsafe_b64encode
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from mlproj.foundation import quantity

METADATA = "ro-crate-metadata.json"
"""The name that RO-Crate gives its metadata file."""

CONTEXT = ("https://w3id.org/ro/crate/1.1/context", "https://w3id.org/ro/terms/workflow-run/context")

Entity = Mapping[str, Any]


class Graph:
    """Entities by their ids, in the order they were added."""

    def __init__(self) -> None:
        self._entities: dict[str, dict[str, Any]] = {}

    def add(self, id: str, type: str | list[str], **properties: Any) -> Entity:
        """A new entity; one with this id gets the properties that it lacks.

        A property that is None or empty is left out, and a list of one value is that value, as RO-Crate wants it.
        """
        entity = self._entities.setdefault(id, {"@id": id, "@type": type})
        for name, value in properties.items():
            if value not in (None, "", []):
                entity.setdefault(name, value[0] if isinstance(value, list) and len(value) == 1 else value)
        return entity

    def to_bytes(self) -> bytes:
        """The metadata file: JSON-LD, the same bytes for the same entities."""
        document = {"@context": list(CONTEXT), "@graph": list(self._entities.values())}
        return (json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode("utf-8", "replace")


def reference(entity: Entity) -> dict[str, str]:
    """What stands for *entity* in another one."""
    return {"@id": entity["@id"]}


def references(entities: Iterable[Entity]) -> list[dict[str, str]]:
    """What stands for *entities* in another one, each once."""
    return [{"@id": id} for id in dict.fromkeys(entity["@id"] for entity in entities)]


def file_id(path: str) -> str:
    """The id of the file at *path* in the crate: a relative URI."""
    return _quoted(path, "/")


def local_id(kind: str, name: str) -> str:
    """The id of something that has no address."""
    return f"#{kind}/{_quoted(name, '')}"


def content_id(sha256: str, name: str) -> str:
    """The id of a file that is elsewhere: a URI that names its content (RFC 6920) and what it was called."""
    digest = urlsafe_b64encode(bytes.fromhex(sha256)).decode().rstrip("=")
    return f"ni:///sha-256;{digest}?name={_quoted(name, '')}"


def moment(milliseconds: int | None) -> str | None:
    """A UTC time in milliseconds as RFC 3339 writes it; None for one that it cannot."""
    found = quantity.utc(milliseconds)
    return found.isoformat(timespec="milliseconds") if found else None


def _quoted(text: str, safe: str) -> str:
    return quote(text.encode("utf-8", "surrogatepass"), safe=safe)
