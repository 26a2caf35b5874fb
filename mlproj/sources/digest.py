"""The digest of a file that is a source, by which it is known again."""

from __future__ import annotations

from pathlib import Path

from mlproj.foundation.digest import sha256_of_file
from mlproj.foundation.errors import SourceError


def digest_of(path: Path) -> str:
    """The SHA-256 of a file, in hex. Raises :class:`SourceError` when it cannot be read."""
    try:
        return sha256_of_file(path)
    except OSError as error:
        raise SourceError(f"{path} cannot be read: {error.strerror}") from error
