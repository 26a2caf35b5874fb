"""Secrets out of everything that is shown or kept: URL credentials, tokens, values of variables that look secret."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

# The part of a URL between the scheme and the host: user:password@ or token@. A password may hold '@', so it is greedy
# up to the last '@' before the path.
_CREDENTIALS = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*://)(?P<userinfo>[^/\s?#]*)@")
_SECRET_QUERY = re.compile(
    r"([?&](?:access_?token|token|private_token|api_?key|key|password|passwd|secret|sig|signature|x-amz-[a-z-]+)=)[^&\s#'\"]+",
    re.IGNORECASE,
)
_CHANNEL_TOKEN = re.compile(r"(://\S*?/t/)[^/\s'\"]+")
# PASSWORD and SECRET anywhere in a name; words that also mean other things ("max_token_count") only at its end.
_SECRET_NAME = re.compile(
    r"PASSWORD|PASSWD|PASSPHRASE|SECRET|PRIVATE[_-]?KEY|ACCESS[_-]?KEY|API[_-]?KEY|(?:^|[_-])(?:TOKEN|CREDENTIALS?|AUTH)$|[_-]PWD$",
    re.IGNORECASE,
)
MASK = "****"


def mask_url(text: str) -> str:
    """*text* with the credentials of every URL in it replaced; ``git@host:path`` and ``ssh://git@host`` keep their
    user.

    A user name alone is kept for ssh, where it is no secret, and masked elsewhere, where it is often a token.
    """

    def replace(match: re.Match[str]) -> str:
        userinfo = match["userinfo"]
        if match["scheme"].lower().endswith("ssh://") and ":" not in userinfo:
            return match[0]
        return f"{match['scheme']}{MASK}@"

    if "://" in text:
        text = _CREDENTIALS.sub(replace, text)
    return _SECRET_QUERY.sub(rf"\1{MASK}", text) if "=" in text else text


def mask_channel(text: str) -> str:
    """As :func:`mask_url` for text where an address may be a conda channel's, which may hold a token:
    ``https://host/t/TOKEN/name``.

    Elsewhere such a path means other things, as on many a forum.
    """
    text = mask_url(text)
    return _CHANNEL_TOKEN.sub(rf"\1{MASK}", text) if "/t/" in text else text


def looks_secret(name: str) -> bool:
    """Whether a variable or parameter of this *name* usually holds something that must not be shown."""
    return bool(_SECRET_NAME.search(name))


def holds_secret(name: str, value: str) -> bool:
    """Whether the variable *name* with this *value* is to be kept from a program that is not trusted."""
    return looks_secret(name) or mask_url(value) != value


def redact(text: str, environ: Mapping[str, str] | None = None) -> str:
    """*text* without URL credentials and without the values of secret-looking variables of *environ* (default: ours).

    Values shorter than six characters are left alone: masking every "1" would destroy the text and protect nothing.
    """
    text = mask_url(text)
    environ = os.environ if environ is None else environ
    secrets = [value for name, value in environ.items() if len(value) >= 6 and value in text and looks_secret(name)]
    for secret in sorted(secrets, key=len, reverse=True):  # one may hold another
        text = text.replace(secret, MASK)
    return text
