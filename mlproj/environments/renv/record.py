"""A package's record in a ``renv.lock``: which version it is, and the addresses that may have its source."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from mlproj.foundation.dataclass import dataclass
from mlproj.foundation.errors import EnvironmentFailure, InvalidProject

# Names and versions of packages: https://cran.r-project.org/doc/manuals/r-release/R-exts.html#The-DESCRIPTION-file
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9.]{0,98}[A-Za-z0-9]")
_VERSION = re.compile(r"(?=.{1,100}\Z)[0-9]+(?:[.-][0-9]+)+")
_GITHUB_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}")
_SHA = re.compile(r"[0-9a-f]{7,40}")

BASE = frozenset(
    (
        *("base", "compiler", "datasets", "grDevices", "graphics", "grid", "methods", "parallel"),
        *("splines", "stats", "stats4", "tcltk", "tools", "translations", "utils"),
    )
)
"""Packages that are a part of R and have no version of their own."""

_SCHEMES = ("http", "https", "file")
_ELSEWHERE = "renv::restore() in the project's folder installs it, and --env-manager local runs with that"


@dataclass(frozen=True)
class Record:
    """One package, whose source is at the first of ``addresses`` that has it. ``sha256`` is what a former run has found
    there."""

    name: str
    version: str
    addresses: tuple[str, ...]
    sha256: str | None = None


Refuse = Callable[[str, str, str], InvalidProject]
"""What is wrong, what was expected, and a fragment of the line that it is in."""


@dataclass(frozen=True)
class Reader:
    """Reads the records of one lock, given its ``repositories`` (name → address) and the ``digests`` of sources it
    knows."""

    repositories: Mapping[str, str]
    digests: Mapping[str, str]
    refuse: Refuse

    def read(self, name: str, given: Any) -> Record | None:
        """The package *name*, None for a part of R. Raises InvalidProject, EnvironmentFailure."""
        line = f'"{name}":'
        if not _NAME.fullmatch(name):
            raise self.refuse(f"{name[:80]!r} is no name of a package", "letters, digits and dots", f'"{name}"')
        if not isinstance(given, dict):
            raise self.refuse(f"the record of {name} is no mapping", '{"Package": …, "Version": …, "Source": …}', line)
        for field, value in given.items():
            if (
                field in ("Package", "Version", "Source", "Repository") or field.startswith("Remote")
            ) and not isinstance(value, str):
                raise self.refuse(f"{field} of {name} is {value!r:.80}", "text", line)
        if given.get("Package", name) != name:
            raise self.refuse(
                f"the record of {name} is that of {given['Package'][:80]!r}", f'"Package": "{name}"', line
            )
        source = given.get("Source", "")
        if name in BASE or source.lower() == "r":
            return None
        version = given.get("Version", "")
        if not _VERSION.fullmatch(version):
            raise self.refuse(
                f"the version of {name} is {version[:80]!r}", "numbers with dots or dashes, such as 1.0-2", line
            )
        if source.lower() == "github":
            return Record(name, version, (self._github(name, given),))
        return Record(name, version, self._in_repositories(name, version, given), self.digests.get(name))

    def _in_repositories(self, name: str, version: str, given: Mapping[str, str]) -> tuple[str, ...]:
        """CRAN keeps what is not the newest version of a package in an archive, and so do those like it."""
        file = f"{name}_{version}.tar.gz"
        bases = self._bases(name, given)
        if not bases:
            raise self.refuse(
                f"{name} is from a repository, and none is named", "an address under R.Repositories", '"Repositories"'
            )
        return tuple(f"{base}/src/contrib/{place}{file}" for base in bases for place in ("", f"Archive/{name}/"))

    def _bases(self, name: str, given: Mapping[str, str]) -> list[str]:
        """The repositories that may have it: the one that the record names first, then all."""
        source, named = given.get("Source", ""), given.get("Repository", "")
        if source.lower() == "bioconductor":
            found = [url for repository, url in self.repositories.items() if repository.lower().startswith("bioc")]
            if found:
                return found
            hint = "name Bioconductor's repositories (as BioCsoft, …) under R.Repositories; or " + _ELSEWHERE
            raise EnvironmentFailure(
                f"the package {name} is from Bioconductor, and renv.lock does not say where that is", hint=hint
            )
        if source.lower() not in ("repository", "cran"):
            raise self._unsupported(name, f"its source is {source[:80]!r}" if source else "it has no source")
        first = self.repositories.get(named) or (base_url(named) if "://" in named else None)
        return list(dict.fromkeys([*([first] if first else []), *self.repositories.values()]))

    def _github(self, name: str, given: Mapping[str, str]) -> str:
        owner, repository, sha = (given.get(f"Remote{field}", "") for field in ("Username", "Repo", "Sha"))
        if given.get("RemoteHost", "api.github.com") != "api.github.com":
            raise self._unsupported(name, f"it is from {given['RemoteHost'][:80]!r}")
        if given.get("RemoteSubdir", "") not in ("", "."):
            raise self._unsupported(name, "it is in a folder of its repository")
        if not _GITHUB_NAME.fullmatch(owner) or not _GITHUB_NAME.fullmatch(repository) or not _SHA.fullmatch(sha):
            raise self.refuse(
                f"{name} is on GitHub, and it is not said where",
                "RemoteUsername, RemoteRepo and RemoteSha",
                f'"{name}":',
            )
        return f"https://codeload.github.com/{owner}/{repository}/tar.gz/{sha}"

    def _unsupported(self, name: str, why: str) -> EnvironmentFailure:
        return EnvironmentFailure(f"the package {name} of renv.lock cannot be installed: {why}", hint=_ELSEWHERE)


def base_url(text: str) -> str | None:
    """*text* as the address of a repository, None when it is none."""
    try:
        parts = urlsplit(text)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        return None
    is_plain = text.isprintable() and not re.search(r"[\s?#\\]", text)
    has_host = not parts.netloc and parts.path.startswith("/") if parts.scheme == "file" else bool(host)
    return text.rstrip("/") if is_plain and has_host and parts.scheme in _SCHEMES else None
