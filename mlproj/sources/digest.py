"""The digest of a file that is a source, by which it is known again."""

from __future__ import annotations

import hashlib
from pathlib import Path

from mlproj.foundation.errors import SourceError


def digest_of(path: Path) -> str:
    """The SHA-256 of a file, in hex. Raises :class:`SourceError` when it cannot be read."""
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while portion := file.read(1 << 20):
                digest.update(portion)
    except OSError as error:
        raise SourceError(f"{path} could not be read: {error.strerror}") from error
    return digest.hexdigest()
