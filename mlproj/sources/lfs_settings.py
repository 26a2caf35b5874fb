"""What the user's Git configuration says of large files: which are wanted, and how servers are reached."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from mlproj.foundation.errors import SourceError
from mlproj.http.fetcher import Route
from mlproj.sources import git_command

_FALSE = ("false", "no", "off", "0", "")
_PROXIES = ("http", "https", "")


def unwanted(folder: Path) -> dict[str, str]:
    """The files of the checkout *folder* that are to stay pointers, by their paths, and why: those that
    ``lfs.fetchexclude`` names, or ``lfs.fetchinclude`` does not. Patterns are those of ``.gitignore``."""
    excluded, included = _patterns(folder, "lfs.fetchexclude"), _patterns(folder, "lfs.fetchinclude")
    found: dict[str, str] = {}
    if included:
        wanted = _matching(folder, included)
        found = dict.fromkeys(_listed(folder) - wanted, "lfs.fetchinclude does not name it")
    if excluded:
        found |= dict.fromkeys(_matching(folder, excluded), "lfs.fetchexclude names it")
    return found


def _patterns(folder: Path, name: str) -> list[str]:
    """As git-lfs finds them: in the configuration, else in the project's ``.lfsconfig``."""
    for file in ((), ("--file", ".lfsconfig")):
        if file and ((folder / ".lfsconfig").is_symlink() or not (folder / ".lfsconfig").is_file()):
            continue
        outcome = git_command.run("config", *file, "--get", name, folder=folder)
        if patterns := [part.strip() for part in outcome.text.split(",") if part.strip()]:
            return patterns
    return []


def _matching(folder: Path, patterns: Iterable[str]) -> set[str]:
    return _listed(folder, "--ignored", *(f"--exclude={pattern}" for pattern in patterns))


def _listed(folder: Path, *options: str) -> set[str]:
    outcome = git_command.run("ls-files", "-z", "--cached", *options, folder=folder)
    return {os.fsdecode(name) for name in outcome.stdout.split(b"\0") if name}


def route(address: str, folder: Path) -> Route:
    """How the server at *address* is reached from the checkout *folder*: ``http.proxy``, ``http.sslVerify`` and
    ``http.sslCAInfo`` for that address, or the variables that Git takes instead. Raises :class:`SourceError`."""
    parts = urlsplit(address)
    return _route(f"{parts.scheme}://{parts.netloc}", folder)


@lru_cache(maxsize=16)
def _route(server: str, folder: Path) -> Route:
    outcome = git_command.run("config", "-z", "--get-urlmatch", "http", server, folder=folder)
    pairs = (entry.partition("\n") for entry in outcome.text.split("\0") if entry)
    known = {name.lower(): value if newline else "true" for name, newline, value in pairs}
    proxy = known.get("http.proxy")
    if proxy and "://" in proxy and urlsplit(proxy).scheme.lower() not in _PROXIES:
        raise SourceError(f"the proxy of Git's http.proxy is none for http ({urlsplit(proxy).scheme})")
    authorities = os.environ.get("GIT_SSL_CAINFO") or known.get("http.sslcainfo")
    return Route(
        proxy,
        os.path.expanduser(authorities) if authorities else None,  # noqa: PTH111  # of nobody's home it stays as it is
        "GIT_SSL_NO_VERIFY" not in os.environ and known.get("http.sslverify", "true").lower() not in _FALSE,
    )
