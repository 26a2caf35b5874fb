"""Secrets out of everything that is shown or kept: URL credentials, tokens, values of variables that look secret."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from functools import lru_cache

# The part of a URL between the scheme and the host: user:password@ or token@. A password may hold '@', so it is greedy
# up to the last '@' before the path, or before what ends a text within JSON. No pattern begins with a run of any
# length: what is looked through may be a line of a megabyte.
_CREDENTIALS = r"://(?P<userinfo>(?:(?!\"[,:}\])])[^/\s?#])*)@"
_SECRET_QUERY = (
    r"(?i)([?&](?:access_?token|token|private_token|api_?key|key|password|passwd|secret|sig|signature|x-amz-[a-z-]+)=)"
    r"[^&\s#'\"]+"
)
_CHANNEL_TOKEN = r"(://(?:(?!://)\S)*?/t/)[^/\s'\"]+"
# PASSWORD and SECRET anywhere in a name; words that also mean other things ("max_token_count") only at its end.
_SECRET_NAME = re.compile(
    r"PASSWORD|PASSWD|PASSPHRASE|SECRET|PRIVATE[_-]?KEY|ACCESS[_-]?KEY|API[_-]?KEY|CONNECTION[_-]?STRING"
    r"|SERVICE[_-]?ACCOUNT[_-]?(?:KEY|JSON)|(?:^|[_-])CREDENTIALS?(?:$|[_-])|(?:^|[_-])(?:TOKEN|AUTH)(?:[_-](?:JSON|B64|BASE64|VALUE|STRING|HEADER|CONTENT))?$|[_-]PWD$"
    r"|(?:^|[_-])(?:DB|SMTP|MAIL|USER|ROOT|ADMIN|FTP|HTTP|MYSQL|PG|REDIS)[_-]?PASS$",
    re.IGNORECASE,
)
# Git's short form, and an address without a scheme: user:password@host:path, user:password@host.org/path; no image's
# name@sha256:….
_SHORT_FORM = (
    r"(?<![\w.+/:-])(?P<user>[\w.+-]{1,100}):(?P<secret>[^\s@/]{1,300})@(?!(?:sha\d+|md5):)"
    r"(?=[\w.-]{1,253}:[^\s:]|[\w-]+(?:\.[\w-]+)+/)"
)
MASK = "****"
SHORTEST = 6
"""Characters of a secret value that is masked wherever it stands."""


def mask_url(text: str) -> str:
    """*text* with the credentials of every URL in it replaced; ``git@host:path`` and ``ssh://git@host`` keep their
    user.

    A user name alone is kept for ssh, where it is no secret, and masked elsewhere, where it is often a token.
    """

    def replace(match: re.Match[str]) -> str:
        return match[0] if _is_user_of_ssh(match) else f"://{MASK}@"

    if "://" in text:
        text = re.sub(_CREDENTIALS, replace, text)
    if "@" in text and ":" in text:
        text = re.sub(_SHORT_FORM, rf"\g<user>:{MASK}@", text)
    return re.sub(_SECRET_QUERY, rf"\1{MASK}", text) if "=" in text else text


def _is_user_of_ssh(match: re.Match[str]) -> bool:
    """Whether what *match* found before a host is only who logs in over ssh."""
    start = match.start()
    return ":" not in match["userinfo"] and match.string[max(0, start - 3) : start].lower() == "ssh"


def mask_channel(text: str) -> str:
    """As :func:`mask_url` for text where an address may be a conda channel's, which may hold a token:
    ``https://host/t/TOKEN/name``.

    Elsewhere such a path means other things, as on many a forum.
    """
    text = mask_url(text)
    return re.sub(_CHANNEL_TOKEN, rf"\1{MASK}", text) if "/t/" in text else text


@lru_cache(maxsize=1024)
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
    secrets = _secret_values(environ, text)
    for secret in sorted(secrets, key=len, reverse=True):  # one may hold another
        text = text.replace(secret, MASK)
    return text


def _secret_values(environ: Mapping[str, str], text: str) -> list[str]:
    """Those of *environ* that *text* holds. Names come first: there are few secrets, and our variables are slow to
    read."""
    values = [environ[name] for name in environ if looks_secret(name)]
    return [value for value in values if len(value) >= SHORTEST and value in text]


def secrets_in(text: str, environ: Mapping[str, str] | None = None) -> list[str]:
    """The parts of *text* that :func:`redact` takes out of it."""
    environ = os.environ if environ is None else environ
    found = _secret_values(environ, text)
    if mask_url(text) == text:
        return found
    found += [match["userinfo"] for match in re.finditer(_CREDENTIALS, text) if not _is_user_of_ssh(match)]
    found += [match[0][len(match[1]) :] for match in re.finditer(_SECRET_QUERY, text)]
    found += [match["secret"] for match in re.finditer(_SHORT_FORM, text)]
    return [part for part in found if part and part != MASK]
