"""Places of artifacts as URIs: what may be one, and what is below one."""

from __future__ import annotations

import re

from mlproj.foundation.errors import UsageError

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")  # a single letter is a drive
_MOST_DECODINGS = 10


def below(place: str, path: str) -> str:
    """The URI of *path* below *place*. The query of a URI, which says how to reach the store, stays at its end."""
    location, mark, query = place.partition("?") if _SCHEME.match(place) else (place, "", "")
    return f"{location.rstrip('/')}/{path}{mark}{query}"


def checked(place: str) -> str:
    """*place*, unless no artifacts can be below it. Raises UsageError.

    As in MLflow, a fragment, parameters (``;``) and ``..`` are refused, also in percent-encoding; so is ``runs:``.
    """
    if place.startswith("runs:"):
        raise _refusal(place, "a run's own artifacts cannot be the place of others")
    if any(part == ".." for part in re.split(r"[/\\?&=]", _decoded(place))):
        raise _refusal(place, "'..' leads out of the location")
    if not _SCHEME.match(place):
        return place
    from urllib.parse import urlsplit  # `mlproj run` does without

    parts = urlsplit(place)
    if "#" in place or ";" in parts.path.rpartition("/")[2]:
        raise _refusal(place, "a fragment ('#') or parameters (';') cannot be in it")
    if ".." in _decoded(parts.query):
        raise _refusal(place, "'..' cannot be in its query")
    return place


def _decoded(text: str) -> str:
    from urllib.parse import unquote

    for _ in range(_MOST_DECODINGS):
        plain = unquote(text)
        if plain == text:
            break
        text = plain
    return text


def _refusal(place: str, reason: str) -> UsageError:
    return UsageError(
        f"{place!r:.200} cannot be a place of artifacts: {reason}",
        hint="name a folder or a URL such as s3://bucket/path",
    )
