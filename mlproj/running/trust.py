"""Which repositories the user has let run here: their names, and the file that remembers them.

What is named by a path is the user's own. What is named by a URL is somebody's, ``file://`` too: such a URL names a
repository that is shared (a mount, a colleague's folder), and is cloned like any other. Trust is given to a repository,
not to a revision or a subfolder of it; http and git (which anybody on the way can change), https, ssh and file are
different ways to it, each trusted by itself. Nobody is asked anything here.
"""

from __future__ import annotations

import json
import os
import re
from datetime import datetime, timezone
from pathlib import Path
from urllib.parse import unquote, urlsplit, urlunsplit

from mlproj.foundation import env_vars, file_lock, paths
from mlproj.foundation.errors import Interrupted, ServiceError, UsageError
from mlproj.running.plan import Proposal

# host:path, Git's other way to write ssh; one letter before the colon would be a drive.
_SCP_LIKE = re.compile(r"(?:(?P<user>[^/:@]+)@)?(?P<host>\[[^\]]+\]|[^/:@]{2,}):(?!//)(?P<path>.+)", re.DOTALL)
_HOSTED_AS = "git"  # the user that hosts of repositories have everybody log in as


class Declined(Interrupted):
    """The user declined to run a project. It ends as Ctrl-C at the question does."""

    def __init__(self, repository: str) -> None:
        super().__init__(2)
        self.message = f"not run: {repository} is not trusted; nothing was built or recorded"
        self.args = (self.message,)


def repository_of(proposal: Proposal) -> str | None:
    """The name by which the repository of *proposal* is remembered; None for what is the user's own."""
    typed = proposal.request.uri
    places = (os.path.expanduser(place) for place in (typed, typed.partition("#")[0]))  # noqa: PTH111  # that of Path may raise
    if proposal.revision.kind == "folder" or any(map(os.path.lexists, places)):
        return None
    return normalised(proposal.revision.uri)


def normalised(uri: str) -> str:
    """One spelling for all spellings of a repository's URL: without credentials, ``.git`` and slashes that say nothing.

    ``git@host:a/b`` is ``ssh://host/a/b``, as on every host of repositories. Another user's ``host:path`` begins at
    that user's home, so it stays apart.
    """
    scp_like = _SCP_LIKE.fullmatch(uri) if "://" not in uri else None
    if scp_like:
        user, path = scp_like["user"], scp_like["path"]
        if user in (None, _HOSTED_AS):
            return f"ssh://{_host(scp_like['host'])}/{_path(path)}"
        return f"ssh://{user}@{_host(scp_like['host'])}/{'' if path.startswith('/') else '~/'}{_path(path)}"
    parts = urlsplit(uri)
    if parts.scheme == "file":
        return "file://" + os.path.realpath(unquote(parts.path))
    user, _at, host = parts.netloc.rpartition("@")
    kept = f"{user}@" if parts.scheme == "ssh" and user not in ("", _HOSTED_AS) else ""
    return urlunsplit((parts.scheme, kept + _host(host), f"/{_path(parts.path)}", parts.query, ""))


def _host(host: str) -> str:
    return host.lower().rstrip(".")


def _path(path: str) -> str:
    return re.sub(r"/+", "/", path).strip("/").removesuffix(".git").rstrip("/")


def trusts_all() -> bool:
    """Whether ``MLPROJ_TRUST`` says so. Raises UsageError for a value that says nothing."""
    value = env_vars.TRUST.get()
    if value not in (None, "all"):
        raise UsageError(
            f"MLPROJ_TRUST={value!r} has no meaning; the only value is 'all'",
            hint="one repository is trusted with --trust",
        )
    return value == "all"


class Trusted:
    """The repositories that are trusted, in a file of the user's home for mlproj."""

    def __init__(self) -> None:
        self.file = paths.home() / "trusted.json"

    def problem(self) -> str | None:
        """Why the file does not count, None when it does or is not there. Nothing is trusted then, and the next answer
        begins it anew."""
        try:
            self._load()
        except (OSError, ValueError) as error:
            return (
                f"{self.file} cannot be read, so no repository is trusted: {getattr(error, 'strerror', None) or error}"
            )
        return None

    def knows(self, repository: str) -> bool:
        """Whether *repository* was let run here before."""
        try:
            return repository in self._load()
        except (OSError, ValueError):
            return False

    def remember(self, repository: str, reason: str) -> None:
        """Trust *repository* from now on. Others who remember something at the same time lose nothing. Raises
        ServiceError."""
        try:
            with file_lock.locked(self.file.with_name("trusted.lock")):
                known = self._load_or_put_aside()
                known[repository] = {
                    "since": datetime.now(timezone.utc).isoformat(timespec="seconds"),
                    "reason": reason,
                }
                paths.write_atomic(
                    self.file, json.dumps({"schema": 1, "repositories": known}, indent=2, sort_keys=True) + "\n"
                )
        except OSError as error:
            raise ServiceError(f"{self.file} cannot be written: {error.strerror}") from error

    def _load_or_put_aside(self) -> dict[str, object]:
        try:
            return self._load()
        except ValueError:
            self.file.replace(Path(f"{self.file}.broken"))
            return {}

    def _load(self) -> dict[str, object]:
        """What the file holds. Raises OSError, and ValueError when that is not what we wrote."""
        try:
            text = self.file.read_text("utf-8")
        except FileNotFoundError:
            return {}
        content = json.loads(text)
        known = content.get("repositories") if isinstance(content, dict) and content.get("schema") == 1 else None
        if not isinstance(known, dict) or not all(isinstance(entry, dict) for entry in known.values()):
            raise ValueError("it is not of the form that this version writes")
        return known
