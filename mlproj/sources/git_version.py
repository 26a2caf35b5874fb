"""Which commit a version names: the remote's word when it may be asked, else what the mirror remembers."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mlproj.foundation.errors import SourceError, UsageError, did_you_mean
from mlproj.sources import git_remote
from mlproj.sources.git_failure import remote_failure
from mlproj.sources.mirror import FULL_COMMIT, UNBRANCHED, Commit, Mirror

_SHORT_COMMIT = re.compile(r"[0-9a-fA-F]{4,63}")
# What git check-ref-format forbids, and a leading dash.
_NO_REF = re.compile(r"^[-/]|[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|/$|\.$|\.lock$|^@$")


@dataclass(frozen=True)
class Found:
    """A version's commit, the branch or tag that led to it, and what the user should know about that."""

    commit: Commit
    branch: str | None = None
    tag: str | None = None
    note: str | None = None


def resolve(mirror: Mirror, version: str | None, offline: bool) -> Found:
    """The commit that *version* names, in the mirror when this returns.

    A branch wins over a tag of the same name, as in ``git checkout``, and both over a short commit.
    Raises :class:`SourceError` when it is not there, :class:`UsageError` for what can be no version.
    """
    if version in (None, "HEAD"):
        return _remembered_default(mirror) if offline else _default(mirror)
    assert version is not None
    if not version or _NO_REF.search(version):
        raise UsageError(f"version {version!r} is no branch, tag or commit")
    if FULL_COMMIT.fullmatch(version.lower()):
        return Found(_full_commit(mirror, version.lower(), offline))
    return _remembered(mirror, version) if offline else _named(mirror, version)


def _default(mirror: Mirror) -> Found:
    if not mirror.exists and mirror.create_by_clone(None):
        commit = mirror.commit("HEAD")
        if commit is None:
            raise SourceError(f"{mirror.url.url} has no commit yet")
        return Found(commit, mirror.default_branch())
    refs = _listed(mirror, "HEAD", symref=True)
    if "HEAD" not in refs:
        raise SourceError(
            f"{mirror.url.url} has no default branch, or no commit yet", hint="name a branch, tag or commit with -v"
        )
    branch = refs.pop("ref:", None)
    ref = f"refs/heads/{branch}" if branch else UNBRANCHED
    commit = _here(mirror, refs["HEAD"], ref)
    mirror.note_head(branch)
    return Found(commit, branch)


def _remembered_default(mirror: Mirror) -> Found:
    branch = mirror.default_branch()
    commit = mirror.commit("HEAD")
    if commit is None:
        raise _offline_error(mirror, "its default branch")
    return Found(commit, branch, note=f"offline: {branch or 'HEAD'} as it was when last fetched")


def _full_commit(mirror: Mirror, name: str, offline: bool) -> Commit:
    here = mirror.commit(name)
    if here is not None:
        return here
    if offline:
        raise _offline_error(mirror, f"commit {name}")
    if not mirror.fetch(name, f"refs/mlproj/{name}"):
        mirror.fetch_everything()
    here = mirror.commit(name)
    if here is None:
        raise SourceError(f"{mirror.url.url} has no commit {name}", hint="was it pushed? is this the right repository?")
    return here


def _named(mirror: Mirror, version: str) -> Found:
    if (
        not mirror.exists
        and not _SHORT_COMMIT.fullmatch(version)
        and not version.startswith("refs/")
        and mirror.create_by_clone(version)
    ):
        return _local_ref(mirror, version) or _from_listing(mirror, version)
    return _from_listing(mirror, version)


def _from_listing(mirror: Mirror, version: str) -> Found:
    refs = _listed(mirror, version, f"{version}^{{}}")
    for ref, branch, tag in _candidates(version):
        if ref in refs:
            note = (
                f"{version} is both a branch and a tag; the branch was taken"
                if branch and f"refs/tags/{version}" in refs
                else None
            )
            return Found(_here(mirror, refs[ref], ref if branch or tag else f"refs/mlproj/{ref}"), branch, tag, note)
    if _SHORT_COMMIT.fullmatch(version):
        from mlproj.sources.history import full_name

        name = full_name(mirror, version.lower())
        if name is not None:
            return Found(_full_commit(mirror, name, offline=False))
    raise _no_version(mirror, version, _listed(mirror))


def _remembered(mirror: Mirror, version: str) -> Found:
    if mirror.exists:
        found = _local_ref(mirror, version)
        if found is not None:
            return Found(found.commit, found.branch, found.tag, f"offline: {version} as it was when last fetched")
        commit = mirror.commit(version.lower()) if _SHORT_COMMIT.fullmatch(version) else None
        if commit is not None:
            return Found(commit)
    raise _offline_error(mirror, f"version {version!r}", did_you_mean(version, _known_names(mirror)))


def _local_ref(mirror: Mirror, version: str) -> Found | None:
    for ref, branch, tag in _candidates(version):
        commit = mirror.commit(ref if branch or tag else f"refs/mlproj/{ref}")
        if commit is not None:
            return Found(commit, branch, tag)
    return None


def _candidates(version: str) -> list[tuple[str, str | None, str | None]]:
    """The refs that *version* may stand for, the likeliest first, as (ref, branch, tag)."""
    short = version.removeprefix("origin/")
    found: list[tuple[str, str | None, str | None]] = [
        (f"refs/heads/{version}", version, None),
        (f"refs/tags/{version}", None, version),
    ]
    if version.startswith("refs/heads/"):
        found.insert(0, (version, version.removeprefix("refs/heads/"), None))
    elif version.startswith("refs/tags/"):
        found.insert(0, (version, None, version.removeprefix("refs/tags/")))
    elif version.startswith("refs/"):
        found.insert(0, (version, None, None))
    elif short != version:
        found.append((f"refs/heads/{short}", short, None))
    return found


def _here(mirror: Mirror, name: str, ref: str) -> Commit:
    """The commit *name*, or that the tag *name* stands for, brought here if needed and noted under *ref*."""
    commit = mirror.commit(name)
    if commit is not None:
        mirror.note_ref(ref, name)
    else:
        if not mirror.fetch(
            name, ref
        ):  # the branch moved on between listing and fetching, on a server that hands out tips only
            mirror.fetch_everything()
        commit = mirror.commit(name)
    if commit is None:
        raise SourceError(f"{mirror.url.url}: {ref} names no commit")
    return commit


def _listed(mirror: Mirror, *patterns: str, symref: bool = False) -> dict[str, str]:
    """The remote's refs that end like one of *patterns* (all without), and under ``ref:`` the branch that HEAD
    names."""
    asked = [pattern.removeprefix("origin/") for pattern in patterns]
    options = ["--symref"] if symref else []
    result = git_remote.run(mirror.url, "ls-remote", *options, "--", mirror.url.url, *patterns, *asked)
    if result.returncode != 0:
        raise remote_failure(result, mirror.url)
    refs: dict[str, str] = {}
    for line in result.text.splitlines():
        value, _, ref = line.partition("\t")
        if value.startswith("ref: refs/heads/"):
            refs["ref:"] = value.removeprefix("ref: refs/heads/")
        else:
            refs[ref] = value
    return refs


def _known_names(mirror: Mirror) -> list[str]:
    """The branches and tags that the mirror remembers."""
    if not mirror.exists:
        return []
    from git import Repo

    with Repo(mirror.path) as repository:
        return [head.name for head in repository.heads] + [tag.name for tag in repository.tags]


def _offline_error(mirror: Mirror, what: str, guess: str | None = None) -> SourceError:
    return SourceError(
        f"{mirror.url.url}: {what} was never fetched, and --offline forbids to ask",
        hint=f"did you mean {guess!r}?" if guess else "run it once without --offline",
    )


def _no_version(mirror: Mirror, version: str, refs: dict[str, str]) -> SourceError:
    names = sorted(
        {
            ref.split("/", 2)[2]
            for ref in refs
            if ref.startswith(("refs/heads/", "refs/tags/")) and not ref.endswith("^{}")
        }
    )
    guess = did_you_mean(version, names)
    known = ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
    return SourceError(
        f"{mirror.url.url} has no branch, tag or commit {version!r}",
        hint=f"did you mean {guess!r}?" if guess else f"it has: {known}" if names else "it has no branches or tags",
    )
