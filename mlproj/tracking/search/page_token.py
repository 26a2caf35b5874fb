"""Where a page ended: the values by which its last item was sorted, so that the next begins behind it whatever was
added since."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence

from mlproj.foundation.errors import UsageError

Position = Sequence[str | float | None]


def encode(position: Position, search: object) -> str:
    """A token for what comes after *position* in *search*, which is anything that JSON can say."""
    document = json.dumps([_digest(position, search), *position], separators=(",", ":"))
    return base64.urlsafe_b64encode(document.encode()).decode("ascii")


def decode(token: str, search: object, length: int) -> Position:
    """The position that *token* holds. Raises UsageError for one that is damaged or was given for another search."""
    try:
        digest, *position = json.loads(base64.b64decode(token, altchars=b"-_", validate=True))
    except (ValueError, TypeError, RecursionError) as error:
        raise _refused() from error
    plain = all(value is None or isinstance(value, str | int | float) for value in position)
    if not plain or len(position) != length or digest != _digest(position, search):
        raise _refused()
    values: Sequence[str | float | None] = position
    return values


def _digest(position: Position, search: object) -> str:
    content = json.dumps([list(position), search], separators=(",", ":"))
    return hashlib.sha256(content.encode()).hexdigest()[:16]


def _refused() -> UsageError:
    return UsageError("this page token was not given for this search", hint="search from the start, without a token")
