"""What Git's words mean to the user: who has to do what when a repository cannot be read."""

from __future__ import annotations

import re

from mlproj.foundation.errors import SourceError
from mlproj.foundation.process import Completed
from mlproj.foundation.redaction import redact
from mlproj.sources.git_url import GitUrl

_LOGIN_HINT = {
    "https": "set up a Git credential helper (git config credential.helper) or use a URL with a token; "
    "a repository that does not exist may also ask for a login",
    "ssh": "is your key known to the host, and is the host in known_hosts? try: ssh -T {host}",
    "file": "the files of the repository may not be read by you",
}
_OWNER_HINT = "the folder belongs to another user; if you trust it: git config --global --add safe.directory {path}"

# What the other side says before it hangs up, so that it is no fault of the network or of a mirror here.
_REMOTE_IS_DAMAGED = (
    r"repository corruption on the remote side|remote: (?:fatal|error): (?:unable to read|missing|bad) "
)

# The first that matches says what is wrong: (Git's words, what they mean, what to do).
_MEANINGS: tuple[tuple[str, str, str | None], ...] = (
    (
        _REMOTE_IS_DAMAGED,
        "the repository there lacks objects of its own or they are damaged",
        "its owner has to repair it: git fsck --full names what is lost",
    ),
    (r"dubious ownership", "Git does not trust the repository", _OWNER_HINT),
    (r"transport '[^']*' not allowed", "the repository is reached by a transport that is not allowed here", None),
    (r"SSL|TLS|certificate", "no secure connection could be made", "is the host's certificate, or your clock, right?"),
    (
        r"could not resolve|name or service not known|connection (?:refused|timed out|reset)|failed to connect|couldn't"
        r" connect|"
        r"network is unreachable|no route to host|unable to connect|operation too slow|timed out|early EOF|"
        r"returned error: 5\d\d|unexpected disconnect|remote end hung up unexpectedly\Z|unable to look up",
        "the host is out of reach",
        "is there a network? --offline uses what is already here",
    ),
    (
        r"authentication failed|could not read (?:username|password)|permission denied|host key verification failed|"
        r"returned error: 40[13]|invalid (?:username|credentials)|access denied|terminal prompts disabled",
        "access was refused",
        "LOGIN",
    ),
    (
        r"not found|does not (?:exist|appear to be a git repository)|returned error: (?:404|410)|"
        r"no such (?:file|repository)|not a git repository",
        "there is no such repository",
        "is the address spelled right? A private repository may look the same",
    ),
    (r"no space left|disk quota", "the disk is full", None),
)
_NEEDS_LOGIN = re.compile(_MEANINGS[5][0], re.IGNORECASE)
_CORRUPT = re.compile(
    r"corrupt|loose object|object file .* is empty|packfile .* (?:cannot be accessed|index unavailable|does not match)|"
    r"unable to (?:read|find) (?:sha1 file|[0-9a-f]{40})|bad (?:object|tree|signature|config)|missing"
    r" (?:blob|tree|commit)|"
    r"invalid sha1 pointer|"
    r"not a git repository|unable to read tree|failed to (?:read|traverse)|did not send all necessary objects|remote"
    r" did not send|"
    r"cannot lock ref|index-pack (?:failed|abnormal)|unresolved deltas|inflate: data|"
    r"garbage at end|broken link|unknown repository (?:format|extension)",
    re.IGNORECASE,
)


class MirrorError(SourceError):
    """Our own copy of a repository is damaged: made anew once, then it is an error."""


def asks_for_login(result: Completed) -> bool:
    """Whether a password, a passphrase or a host key's confirmation by a person could have helped."""
    return bool(_NEEDS_LOGIN.search(result.error_text))


def is_corruption(result: Completed) -> bool:
    """Whether Git stumbled over our own files."""
    is_theirs = re.search(_REMOTE_IS_DAMAGED, result.error_text, re.IGNORECASE)
    return not is_theirs and bool(_CORRUPT.search(result.error_text))


def remote_failure(result: Completed, url: GitUrl) -> SourceError:
    """The error for a Git that could not read from *url*, with Git's own words."""
    words = git_message(result, url)
    for pattern, meaning, hint in _MEANINGS:
        if re.search(pattern, result.error_text, re.IGNORECASE):
            return SourceError(f"{url.url}: {meaning} ({words})", hint=_filled(hint, url))
    return SourceError(f"{url.url}: Git failed ({words})")


def git_message(result: Completed, url: GitUrl | None = None) -> str:
    """What Git said that matters, on one line, without secrets."""
    lines = [line.strip(" \0\t") for line in result.error_text.splitlines() if line.strip(" \0\t")]
    informative = [
        line
        for line in lines
        if line.startswith(
            ("fatal:", "error:", "remote:", "ERROR", "ssh:", "Error downloading", "Host key", "Permission")
        )
    ] or lines[-2:]
    text = "; ".join(dict.fromkeys(informative[:4])) or f"exit code {result.returncode}"
    for secret in (url.password, url.username) if url else ():
        if secret:
            text = text.replace(secret, "****")
    return redact(text)


def _filled(hint: str | None, url: GitUrl) -> str | None:
    if hint == "LOGIN":
        hint = _LOGIN_HINT.get(url.transport, _LOGIN_HINT["https"])
    if hint is None:
        return None
    host = url.url.partition("://")[2].partition("/")[0] or url.url.partition(":")[0]
    return hint.format(host=host, path=url.path if url.is_local else "")
