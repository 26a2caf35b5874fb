"""What a user typed, understood: which kind of source it names, and why."""

from __future__ import annotations

import os
import re
from pathlib import Path

from mlproj.foundation import presence
from mlproj.foundation.dataclass import dataclass, field
from mlproj.foundation.errors import SourceError, UsageError, did_you_mean
from mlproj.foundation.redaction import mask_url

BUNDLE_SUFFIX = ".mlproj"
ARCHIVE_SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")

_SCHEME = r"[A-Za-z][A-Za-z0-9+.-]*(?=:)"
_REMOTE_HELPER = r"[A-Za-z0-9+.-]+::"
# GitHub, Gitea and the like, GitLab (/-/), Bitbucket (/src/).
_PAGE = (
    r"(?P<repository>https?://[^/]+/[^/]+/(?:[^/]+/)*?[^/]+?)(?:\.git)?/(?:-/)?(?P<kind>tree|blob|raw|src)(?:/(?:branch|tag|commit))?"
    r"/(?P<version>[^/]+)(?P<below>/.*)?"
)
_SCP_LIKE = r"(?:[^\s/:@]+@[^\s/:@]+|[^\s/:@]+\.[^\s/:@]+|\[[0-9A-Fa-f:.]+\]):[^\s]+"
_GIT_SCHEMES = ("ssh", "git", "git+https", "git+http", "git+ssh", "git+file")
_LONGEST = 300  # characters of a path that are shown


@dataclass(frozen=True)
class Address:
    """A source as named: its kind with the reason for it, the place without ``#sub/dir``, and that sub-directory.

    ``place`` may hold a URL's credentials, so it is not in the representation. ``masked`` is fit to be shown.
    """

    kind: str
    reason: str
    place: str = field(repr=False)
    subdirectory: str = ""

    @property
    def masked(self) -> str:
        """The place without secrets."""
        return mask_url(self.place)


def detect(text: str) -> Address:
    """Tell what *text* names, most specific first; an existing path always wins over any other reading.

    Raises :class:`UsageError` for what can be no source, :class:`SourceError` for a path that is not there.
    """
    _refuse_malformed(text)
    if os.path.lexists(_expanded(text)):
        return _local(text, "")
    place, _, fragment = text.partition("#")
    subdirectory = normal_subdirectory(fragment)
    if re.match(_REMOTE_HELPER, place):
        raise UsageError(
            f"{mask_url(place)!r} names a Git remote helper, which could run any program",
            hint="give an https, ssh or file URL",
        )
    scheme = re.match(_SCHEME, place)
    if place.lower().startswith("file://"):
        return _file_url(place, subdirectory)
    if os.path.lexists(_expanded(place)):
        return _local(place, subdirectory)
    if scheme and place[scheme.end() :].startswith("://"):
        return _url(place, scheme[0].lower(), subdirectory)
    if scheme and scheme[0] in ("gh", "gl"):
        return Address(
            "git", f"{scheme[0]}: stands for {'GitHub' if scheme[0] == 'gh' else 'GitLab'}", place, subdirectory
        )
    if re.fullmatch(_SCP_LIKE, place):
        return Address("git", "host:path is how Git writes a repository reached by ssh", place, subdirectory)
    if scheme and "/" not in scheme[0] and len(scheme[0]) > 1:
        return Address(scheme[0], f"the prefix {scheme[0]}: names a kind of source", place, subdirectory)
    raise missing_path(place)


def normal_subdirectory(fragment: str) -> str:
    """``#sub/dir`` as a relative path with ``/``, '' for the top. Raises :class:`UsageError` when it would leave the
    source."""
    fragment = fragment.removeprefix("subdirectory=")
    if fragment.startswith("/") or "\\" in fragment:
        raise UsageError(f"the sub-directory {fragment!r} is not relative to the source", hint="write #sub/dir")
    normal = os.path.normpath(fragment) if fragment else ""
    if normal == ".." or normal.startswith("../"):
        raise UsageError(f"the sub-directory {fragment!r} leaves the source")
    return "" if normal == "." else normal


def missing_path(place: str) -> SourceError:
    """The error for a path that is not there, with the neighbour that was probably meant."""
    path = Path(_expanded(place))
    shown = place if len(place) <= _LONGEST else f"{place[:_LONGEST]}…"
    message = f"{mask_url(shown)} is not there: no such file or folder"
    parent = path.parent
    if not presence.is_folder(parent):
        return SourceError(message, hint=_repository_hint(shown) or f"its folder {parent} is not there either")
    try:
        guess = did_you_mean(path.name, sorted(entry.name for entry in parent.iterdir())[:10_000])
    except OSError:
        guess = None
    return SourceError(message, hint=f"did you mean {parent / guess}?" if guess else _repository_hint(place))


def _repository_hint(place: str) -> str | None:
    if re.fullmatch(r"[\w.-]+/[\w.-]+", place) and not place.startswith("."):
        return f"for a repository on GitHub write gh:{place}"
    return "for a repository give its URL, such as https://host/owner/repository" if "/" in place else None


def _refuse_malformed(text: str) -> None:
    if not text.strip():
        raise UsageError(
            "the source is empty", hint="give a folder, a Git URL or an archive; . is the folder you are in"
        )
    if any(ord(character) < 32 or ord(character) == 127 for character in text):
        raise UsageError(f"the source {mask_url(text)!r} holds a control character")
    if text.startswith("-"):
        raise UsageError(
            f"the source {mask_url(text)!r} starts with a dash", hint=f"for a folder of that name write ./{text}"
        )


def _expanded(text: str) -> str:
    return os.path.expanduser(text) if text.startswith("~") else text  # noqa: PTH111  # that of Path raises for an unknown user


def is_archive_name(name: str) -> bool:
    """Whether a file of this name is an archive that can be opened."""
    return name.lower().endswith(ARCHIVE_SUFFIXES)


def is_bare_repository(folder: Path) -> bool:
    """Whether *folder* is laid out as a bare Git repository."""
    return (
        presence.is_file(folder / "HEAD")
        and presence.is_folder(folder / "objects")
        and presence.is_folder(folder / "refs")
    )


def _local(text: str, subdirectory: str) -> Address:
    path = Path(os.path.normpath(Path(_expanded(text)).absolute()))
    place = str(path)
    if presence.is_folder(path):
        if not os.access(path, os.R_OK | os.X_OK):
            raise SourceError(
                f"{text}: the folder may not be read by you", hint=f"its owner and permissions decide: ls -ld {path}"
            )
        if is_bare_repository(path):
            return Address("git", "the folder is a bare Git repository", place, subdirectory)
        return Address("folder", "the path is a folder", place, subdirectory)
    if not presence.exists(path):
        raise SourceError(f"{text} is a symbolic link to {path.readlink()}, which is not there")
    if is_archive_name(place):
        return Address("archive", "the path is an archive file", place, subdirectory)
    if place.lower().endswith(BUNDLE_SUFFIX):
        return Address("bundle", "the path is a package of mlproj", place, subdirectory)
    raise SourceError(
        f"{text} is a file, not a project",
        hint=(
            f"give its folder ({path.parent}); archives end with one of {', '.join(ARCHIVE_SUFFIXES)}, packages with"
            f" {BUNDLE_SUFFIX}"
        ),
    )


def _file_url(place: str, subdirectory: str) -> Address:
    from urllib.parse import unquote

    host, slash, rest = place[len("file://") :].partition("/")
    if host not in ("", "localhost") or not slash:
        raise UsageError(
            f"{place} names another host ({host!r})" if slash else f"{place} names no path",
            hint="write file:///absolute/path",
        )
    path = "/" + unquote(rest)
    _refuse_malformed(path)
    if not os.path.lexists(path):
        if _is_mirrored(path):
            return Address(
                "git", "the file:// URL names a Git repository that is gone, and was fetched before", path, subdirectory
            )
        raise missing_path(path)
    if presence.exists(Path(path) / ".git"):
        return Address("git", "the file:// URL names a Git repository", path, subdirectory)
    return _local(path, subdirectory)


def _refuse_page(url: str) -> None:
    """Raise UsageError for the address of a page that a host shows of a repository, as copied from a browser."""
    page = re.fullmatch(_PAGE, url)
    if not page:
        return
    below = page["below"].strip("/") if page["below"] else ""
    if page["kind"] in ("blob", "raw") or (page["kind"] == "src" and "." in below.rpartition("/")[2]):  # a file's page
        below = below.rpartition("/")[0]
    right = f"{mask_url(page['repository'])}{f'#{below}' if below else ''} -v {page['version']}"
    raise UsageError(f"{mask_url(url)} is a page about a repository, not the repository", hint=f"write {right}")


def _is_mirrored(path: str) -> bool:
    """Whether commits of the repository at *path* were fetched, so that those can be had without it."""
    from mlproj.foundation import paths
    from mlproj.sources import git_url

    return presence.exists(paths.git_mirrors() / git_url.parse(path).key / "HEAD")


def _url(place: str, scheme: str, subdirectory: str) -> Address:
    if scheme in ("http", "https"):
        path = place.partition("?")[0]
        if is_archive_name(path):
            return Address("archive", "the URL's path ends like an archive's", place, subdirectory)
        if path.lower().endswith(BUNDLE_SUFFIX):
            return Address("bundle", "the URL's path ends like a package's", place, subdirectory)
        _refuse_page(path)
        return Address(
            "git", f"{scheme} URLs name Git repositories unless they end like an archive", place, subdirectory
        )
    if scheme in _GIT_SCHEMES:
        return Address("git", f"{scheme}:// URLs name Git repositories", place, subdirectory)
    return Address(scheme, f"the prefix {scheme}: names a kind of source", place, subdirectory)
