"""The statement about a package: an in-toto Statement v1 that names the file by its SHA-256, and says what it was made
of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from mlproj.signing.envelope import InvalidEnvelope, strict_json
from mlproj.signing.statement import TYPE

PREDICATE = "urn:mlproj:package:v1"


def build(name: str, digest: str, source: Mapping[str, Any]) -> bytes:
    """The statement about the file *name* with the SHA-256 *digest*, made of *source*: the same bytes for the same
    file."""
    predicate = {"source": {key: source[key] for key in ("uri", "commit", "dirty") if source.get(key) is not None}}
    subject = [{"name": name, "digest": {"sha256": digest}}]
    document = {"_type": TYPE, "subject": subject, "predicateType": PREDICATE, "predicate": predicate}
    return json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False).encode()


def is_one(payload: bytes) -> bool:
    """Whether the statement *payload* is about a package. Raises InvalidEnvelope when it is none."""
    document = strict_json(payload)
    return document.get("_type") == TYPE and document.get("predicateType") == PREDICATE


def subject_of(payload: bytes) -> tuple[str, str]:
    """The name and the SHA-256 of the file that *payload* is about. Raises InvalidEnvelope."""
    try:
        (one,) = strict_json(payload)["subject"]
        return str(one["name"]), str(one["digest"]["sha256"])
    except (ValueError, KeyError, TypeError) as error:
        raise error if isinstance(error, InvalidEnvelope) else InvalidEnvelope("it is not about one file") from None
