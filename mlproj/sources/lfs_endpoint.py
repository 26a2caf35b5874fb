"""Where a repository's Git LFS server is and what it wants to see of a login, found as git-lfs finds them.

A project may name a server of its own in ``.lfsconfig``, never a place on this machine's disk. A login is asked of
Git's own credential helpers for the very host that wants it, and one that came in a URL goes to its own host only.
"""

from __future__ import annotations

import json
import os
import shlex
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from mlproj.foundation import basic_login, process
from mlproj.foundation.errors import MlprojError, SourceError
from mlproj.sources import git_command, git_remote, git_url
from mlproj.sources.git_url import GitUrl

_SSH_PATIENCE = 60.0  # seconds


@dataclass(frozen=True)
class Endpoint:
    """The ``url`` of a server's API (http or https), the headers that it wants, and the URL whose login is good for
    it."""

    url: str
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    login: GitUrl | None = field(default=None, repr=False)


def find(url: GitUrl, folder: Path) -> Endpoint:
    """The server for the checkout in *folder* of the repository at *url*. Raises :class:`SourceError`."""
    named = _configured(folder)
    try:
        place = git_url.parse(named) if named else _rewritten(url, folder)
    except MlprojError as error:
        raise SourceError(f"the address of its Git LFS server: {error.message}") from error
    if place.is_local:
        raise SourceError(
            "its Git LFS server is a folder of this machine, which a repository from elsewhere may not name"
            if named
            else "the repository on this machine does not have it"
        )
    place = _with_login(place, url)
    if place.transport == "ssh":
        return _over_ssh(place, folder)
    address = place.url.replace("git://", "https://", 1) if place.transport == "git" else place.url
    if not named:
        address += ("" if address.endswith(".git") else ".git") + "/info/lfs"
    login = basic(place.username or "", place.password) if place.password is not None else {}
    return Endpoint(address.rstrip("/"), {**_extra_headers(address, folder), **login}, place)


def logged_in(endpoint: Endpoint, folder: Path) -> Endpoint | None:
    """*endpoint* with the login of the user's credential helpers (or netrc) for its host; None when there is none."""
    if endpoint.login is None:
        return None
    login = _credentials(endpoint.login, folder) or _from_netrc(endpoint.url)
    if login is None:
        return None
    return replace(endpoint, headers={**endpoint.headers, **basic(*login)})


def at(address: str, known: Endpoint) -> Endpoint:
    """The server at *address*, to which *known* sent us; headers and login stay with the host that they are for."""
    if same_host(address, known.url):
        return replace(known, url=address)
    parts = urlsplit(address)
    return Endpoint(address, {}, GitUrl(address, parts.scheme))


def same_host(one: str, other: str) -> bool:
    """Whether two URLs are of the same server, port and scheme included."""
    mine, theirs = urlsplit(one), urlsplit(other)
    return (mine.scheme, mine.hostname, mine.port) == (theirs.scheme, theirs.hostname, theirs.port)


def basic(user: str, password: str) -> dict[str, str]:
    """The header of a login by name and password."""
    return {"Authorization": basic_login.authorization(f"{user}:{password}")}


def _configured(folder: Path) -> str | None:
    """The address that the user's Git configuration or the project's ``.lfsconfig`` names."""
    for file in ((), ("--file", ".lfsconfig")):
        if file and ((folder / ".lfsconfig").is_symlink() or not (folder / ".lfsconfig").is_file()):
            continue
        for name in ("lfs.url", "remote.origin.lfsurl"):
            result = git_command.run("config", *file, "--get", name, folder=folder)
            if result.returncode == 0 and result.text.strip():
                return result.text.strip()
    return None


def _rewritten(url: GitUrl, folder: Path) -> GitUrl:
    """*url* as ``url.….insteadOf`` of the user's configuration has it."""
    result = git_command.run("ls-remote", "--get-url", url.url, folder=folder)
    text = result.text.strip()
    return git_url.parse(text) if result.returncode == 0 and text and text != url.url else url


def _with_login(place: GitUrl, url: GitUrl) -> GitUrl:
    if place.username is None and place.password is None and same_host(place.url, url.url):
        return replace(place, username=url.username, password=url.password)
    return place


def _over_ssh(place: GitUrl, folder: Path) -> Endpoint:
    """What the repository's host answers to ``git-lfs-authenticate``: an address with headers that are good for a
    while."""
    host, port, path = _ssh_parts(place)
    command = f"git-lfs-authenticate {shlex.quote(path)} download"
    line = ["sh", "-c", f'{_ssh(folder)} "$@"', "ssh", *(["-p", str(port)] if port else []), host, command]
    result = process.run(line, env=git_command.environment(place.protocols), timeout=_SSH_PATIENCE)
    try:
        answer = json.loads(result.stdout)
        address, headers = answer["href"], answer.get("header") or {}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        reason = (result.error_text.strip() or f"exit code {result.returncode}").splitlines()[-1]
        raise SourceError(f"its host did not say over ssh where its Git LFS server is ({reason})") from None
    if urlsplit(str(address)).scheme not in ("http", "https"):
        raise SourceError(f"its host named a Git LFS server that is none: {address!r}")
    return Endpoint(str(address).rstrip("/"), {str(name): str(value) for name, value in headers.items()})


def _ssh_parts(place: GitUrl) -> tuple[str, int | None, str]:
    if "://" not in place.url:
        host, _, path = place.url.partition(":")
        return host, None, path
    parts = urlsplit(place.url)
    user = f"{parts.username}@" if parts.username else ""
    return f"{user}{parts.hostname}", parts.port, unquote(parts.path)


def _ssh(folder: Path) -> str:
    """The user's ssh as a shell has it, in Git's order."""
    if command := os.environ.get("GIT_SSH_COMMAND"):
        return command
    result = git_command.run("config", "--get", "core.sshCommand", folder=folder)
    return result.text.strip() or shlex.quote(os.environ.get("GIT_SSH") or "ssh")


def _extra_headers(address: str, folder: Path) -> dict[str, str]:
    """The header that the user's configuration adds for this host (``http.<url>.extraHeader``), as automatic builds log
    in."""
    result = git_command.run("config", "--get-urlmatch", "http.extraHeader", address, folder=folder)
    name, colon, value = result.text.strip().partition(":")
    return {"Authorization": value.strip()} if colon and name.strip().lower() == "authorization" else {}


def _credentials(url: GitUrl, folder: Path) -> tuple[str, str] | None:
    if url.password is not None:
        return url.username or "", url.password
    parts = urlsplit(url.url)
    asked = {
        "protocol": parts.scheme,
        "host": parts.netloc,
        "path": unquote(parts.path).strip("/"),
        "username": url.username or "",
    }
    request = "".join(f"{name}={value}\n" for name, value in asked.items() if value)
    result = git_remote.run(url, "credential", "fill", folder=folder, input=request.encode())
    answer = dict(line.partition("=")[::2] for line in result.text.splitlines())
    return (
        (answer.get("username", ""), answer["password"]) if result.returncode == 0 and answer.get("password") else None
    )


def _from_netrc(address: str) -> tuple[str, str] | None:
    import netrc

    try:
        found = netrc.netrc().authenticators(urlsplit(address).hostname or "")
    except (OSError, netrc.NetrcParseError):
        return None
    return (found[0], found[2]) if found and found[2] else None
