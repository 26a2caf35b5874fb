"""The URLs that Git is given: checked, written one way, with their secrets taken out."""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import SplitResult, quote, unquote, urlsplit

from mlproj.foundation.errors import UsageError
from mlproj.foundation.redaction import mask_url

_HOSTED = {"gh": "https://github.com/", "gl": "https://gitlab.com/"}
_SCP_LIKE = re.compile(r"(?:(?P<user>[^\s/:@]+)@)?(?P<host>[^\s/:@]+|\[[0-9A-Fa-f:.]+\]):(?P<path>[^\s]+)")
_HOST = re.compile(r"(?:[\w](?:[\w.-]*[\w])?\.?|[0-9A-Fa-f:.]+)")
_USER = re.compile(r"[\w.+~][\w.+~-]*")
_DEFAULT_PORTS = {"http": 80, "https": 443, "ssh": 22, "git": 9418}


@dataclass(frozen=True)
class GitUrl:
    """A repository's URL without secrets, fit to be shown and kept, and apart from it the name and password to log in
    with.

    For ssh the user is part of the URL, as it is no secret there.
    """

    url: str
    transport: str
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)

    @property
    def is_local(self) -> bool:
        """Whether the repository is on this machine."""
        return self.transport == "file"

    @property
    def path(self) -> Path:
        """The folder of a local repository."""
        return Path(unquote(self.url.removeprefix("file://")))

    @property
    def protocols(self) -> str:
        """What Git may speak for the sake of this URL: local files only when it is one itself."""
        return "file" if self.is_local else "http:https:ssh:git"

    @property
    def key(self) -> str:
        """A folder name for what belongs to this repository; who logs in is no part of it, nor of a record."""
        name = (
            re.sub(r"[^A-Za-z0-9._-]+", "-", self.url.rstrip("/").rpartition("/")[2].removesuffix(".git"))[:40].strip(
                ".-"
            )
            or "repository"
        )
        digest = hashlib.sha256(f"{self.url}\0".encode("utf-8", "surrogateescape")).hexdigest()
        return f"{name}-{digest[:20]}"

    def related(self, text: str) -> GitUrl:
        """The URL of a submodule as ``.gitmodules`` has it: relative ones start from here, the login stays with its
        host."""
        if text.startswith(("./", "../")):
            return replace(self, url=_joined(self.url, text))
        other = parse(text)
        if other.is_local and not self.is_local:
            raise UsageError(f"{text!r} is on this machine, where a repository from elsewhere may name nothing")
        mine, theirs = urlsplit(self.url), urlsplit(other.url)
        if other.username is None and (mine.scheme, mine.netloc) == (theirs.scheme, theirs.netloc):
            return replace(other, username=self.username, password=self.password)
        return other


def parse(text: str) -> GitUrl:
    """Understand a URL, ``host:path``, ``gh:owner/repo``, ``gl:group/repo`` or an absolute path as a repository.

    Raises :class:`UsageError` for what is none, or could make Git do something else.
    """
    if text.startswith("/"):
        return GitUrl("file://" + quote(os.fsencode(os.path.normpath(text))), "file")
    if text.startswith("-") or "::" in text.partition("/")[0] or not text.isprintable() or " " in text:
        raise _malformed(text, "it holds what Git or a shell could take for something else")
    text = text.removeprefix("git+")
    prefix, _, rest = text.partition(":")
    if prefix in _HOSTED:
        return _hosted(prefix, rest, text)
    if rest.startswith("//"):
        return _from_url(text)
    return _from_scp_like(text)


def _hosted(prefix: str, rest: str, text: str) -> GitUrl:
    names = rest.strip("/").split("/")
    enough = len(names) == 2 if prefix == "gh" else len(names) >= 2
    if not enough or not all(re.fullmatch(r"[\w.][\w.-]*", name) and name.strip(".") for name in names):
        raise _malformed(text, f"expected {prefix}:owner/repository")
    return GitUrl(_HOSTED[prefix] + "/".join(names), "https")


def _from_url(text: str) -> GitUrl:
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise _malformed(text, str(error)) from None
    scheme = parts.scheme.lower()
    if scheme == "file":
        if parts.netloc not in ("", "localhost") or not parts.path.startswith("/"):
            raise _malformed(text, "expected file:///absolute/path")
        return parse(unquote(parts.path))
    if scheme not in _DEFAULT_PORTS:
        raise _malformed(text, f"{scheme}:// is not one of https, http, ssh, git and file")
    host = parts.hostname or ""
    if not _HOST.fullmatch(host):
        raise _malformed(text, "the host is missing or malformed")
    if parts.path in ("", "/"):
        raise _malformed(text, "it names a host but no repository")
    address = f"[{host}]" if ":" in host else host
    if port is not None and port != _DEFAULT_PORTS[scheme]:
        address += f":{port}"
    return _with_user(text, parts, scheme, address)


def _with_user(text: str, parts: SplitResult, scheme: str, address: str) -> GitUrl:
    path = parts.path.rstrip("/")
    user = unquote(parts.username) if parts.username else None
    password = unquote(parts.password) if parts.password else None
    if any(character in f"{user}{password}" for character in "\n\r\0"):
        raise _malformed(text, "the credentials hold a line break")
    if scheme in ("http", "https"):
        if parts.query:  # which may also hold a token
            raise _malformed(text, "a repository's URL has no query; a branch, tag or commit is given with -v")
        return GitUrl(f"{scheme}://{address}{path}", scheme, user, password)
    if password is not None:
        raise _malformed(text, f"{scheme} takes no password in a URL; use a key")
    if user is not None and not _USER.fullmatch(user):
        raise _malformed(text, "the user name is malformed")
    return GitUrl(f"{scheme}://{user + '@' if user else ''}{address}{path}", scheme)


def _from_scp_like(text: str) -> GitUrl:
    found = _SCP_LIKE.fullmatch(text)
    if found is None or not _HOST.fullmatch(found["host"].strip("[]")) or found["path"].startswith("-"):
        raise _malformed(text, "expected https://host/owner/repository or git@host:owner/repository")
    if found["user"] and not _USER.fullmatch(found["user"]):
        raise _malformed(text, "the user name is malformed")
    return GitUrl(text.rstrip("/"), "ssh")


def _joined(base: str, relative: str) -> str:
    """Git's rule for relative submodule URLs: the repository's URL counts as a folder, also in ``host:path``."""
    head, separator, path = base.rpartition(":") if "://" not in base else ("", "", "")
    if separator:
        steps = path.split("/")
    else:
        head = base[: len(base) - len(urlsplit(base).path)]
        steps = urlsplit(base).path.split("/")
    for step in relative.rstrip("/").split("/"):
        if step == ".." and len(steps) > 1:
            steps.pop()
        elif step == "..":
            raise _malformed(relative, f"it leaves the host of {mask_url(base)}")
        elif step not in (".", ""):
            steps.append(step)
    return parse(f"{head}{separator}{'/'.join(steps)}").url


def _malformed(text: str, why: str) -> UsageError:
    return UsageError(f"{mask_url(text)!r} is no repository's URL: {why}")
