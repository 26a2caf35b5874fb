"""Git LFS: the real files in a checkout, fetched by git-lfs where it is installed, else by ourselves.

What cannot be fetched stays a pointer, which is said: a program may never read it. ``GIT_LFS_SKIP_SMUDGE`` leaves all
of them.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from mlproj.foundation import quantity
from mlproj.foundation.errors import MlprojError
from mlproj.foundation.process import Completed
from mlproj.foundation.redaction import redact
from mlproj.sources import git_command, lfs_pointer
from mlproj.sources.git_url import GitUrl
from mlproj.sources.lfs_pointer import Pointer

if TYPE_CHECKING:
    from mlproj.sources.lfs_store import Store

_NAMED = 5
_RESERVE = 200_000_000  # bytes of the disk that stay free
_NO = ("", "0", "false", "no", "off", "f", "n")
_SKIPPED = "GIT_LFS_SKIP_SMUDGE is set"
_OFFLINE = "--offline forbids to fetch it"


@dataclass(frozen=True)
class Missing:
    """A file of a checkout that is a pointer still, and why."""

    path: str
    reason: str


def is_installed() -> bool:
    """Whether git-lfs is there."""
    return shutil.which("git-lfs") is not None


def is_skipped() -> bool:
    """Whether the user wants pointers only."""
    return os.environ.get("GIT_LFS_SKIP_SMUDGE", "").lower() not in _NO


def settings(*, offline: bool) -> tuple[str, ...]:
    """Settings by which a checkout brings LFS files; without git-lfs it writes their pointers."""
    if not is_installed():
        return ("filter.lfs.process=", "filter.lfs.smudge=", "filter.lfs.clean=", "filter.lfs.required=false")
    nowhere = ("lfs.url=file:///nonexistent/offline",) if offline else ()
    return (
        "filter.lfs.process=git-lfs filter-process",
        "filter.lfs.smudge=git-lfs smudge -- %f",
        "filter.lfs.clean=git-lfs clean -- %f",
        "filter.lfs.required=true",
        "lfs.skipDownloadErrors=true",
        *nowhere,
    )


def complete(url: GitUrl, folder: Path, storage: Path, result: Completed, *, offline: bool) -> tuple[Missing, ...]:
    """Bring what is a pointer in the checkout *folder* of *url*, which Git made and *result* so; returns what could not
    be had.

    *storage* is where contents are kept. Raises nothing for a server that fails: that is a reason.
    """
    pointers = lfs_pointer.in_checkout(folder)
    if not pointers or is_skipped():
        return _all(pointers, _SKIPPED)
    from mlproj.sources import lfs_settings

    unwanted = lfs_settings.unwanted(folder)
    reasons = {pointer.path: unwanted[pointer.path] for pointer in pointers if pointer.path in unwanted}
    if is_installed():
        return _left_by_git_lfs(pointers, result, offline, reasons)
    from mlproj.sources.lfs_store import Store

    store = Store(storage)
    store.sweep()
    pointers = [pointer for pointer in pointers if pointer.path not in reasons]
    for pointer in pointers:
        if pointer.oid is None:
            reasons[pointer.path] = "its pointer has extensions, which git-lfs can follow"
    left = _put(store, [pointer for pointer in pointers if pointer.oid], folder)
    if left and url.is_local:
        left = _copied(store, url, left, folder)
    if left:
        reasons |= _fetched(store, url, left, folder, offline)
    _say_unchanged(folder, [pointer.path for pointer in pointers if pointer.path not in reasons])
    return tuple(Missing(path, reason) for path, reason in sorted(reasons.items()))


def warning(missing: Sequence[Missing]) -> str | None:
    """What to say of files that stayed pointers."""
    if not missing:
        return None
    if all(each.reason == _SKIPPED for each in missing):
        names = _listed(each.path for each in missing)
        return f"{_SKIPPED}, so these are pointers of Git LFS, not the files themselves: {names}"
    reasons = dict.fromkeys(each.reason for each in missing)
    parts = [
        f"{_listed(each.path for each in missing if each.reason == reason)} ({reason})" for reason in list(reasons)[:3]
    ]
    return f"kept in Git LFS and could not be fetched, so that only their pointers are here: {'; '.join(parts)}"


def explain_failure(folder: Path) -> str | None:
    """What to say of a program that failed in *folder*, where pointers stand for files; None where there are none."""
    found = lfs_pointer.below(folder, _NAMED)
    if not found:
        return None
    names = ", ".join(found)
    return f"these are pointers of Git LFS, not the files themselves: {names}; get one that is read by git lfs pull"


def _listed(names: Iterable[str]) -> str:
    every = list(names)
    return ", ".join(every[:_NAMED]) + (f" and {len(every) - _NAMED} more" if len(every) > _NAMED else "")


def _all(pointers: Sequence[Pointer], reason: str) -> tuple[Missing, ...]:
    return tuple(Missing(pointer.path, reason) for pointer in pointers)


def _left_by_git_lfs(
    pointers: Sequence[Pointer], result: Completed, offline: bool, unwanted: Mapping[str, str]
) -> tuple[Missing, ...]:
    if offline:
        return _all(pointers, _OFFLINE)
    words = {
        found[1]: found[2]
        for found in re.finditer(r"Error downloading object: (.+?) \([0-9a-f]+\): (.*)", result.error_text)
    }
    return tuple(
        Missing(
            each.path, unwanted.get(each.path) or _git_lfs_message(words.get(each.path, "git-lfs did not fetch it"))
        )
        for each in pointers
    )


def _git_lfs_message(text: str) -> str:
    """The end of git-lfs's words, which begin with the file and its hash, several times."""
    return redact(text.rpartition('": ')[2].removeprefix("Smudge error: "))


def _put(store: Store, pointers: Sequence[Pointer], folder: Path) -> list[Pointer]:
    """Make files of what the store has; returns the others."""
    return [pointer for pointer in pointers if not (store.has(pointer) and store.put(pointer, folder))]


def _copied(store: Store, url: GitUrl, pointers: Sequence[Pointer], folder: Path) -> list[Pointer]:
    """Take what the repository on this machine has itself, as git-lfs does."""
    from mlproj.sources.lfs_store import Store as Other

    result = git_command.run("rev-parse", "--path-format=absolute", "--git-common-dir", folder=url.path)
    if result.returncode != 0:
        return list(pointers)
    theirs = Other(Path(os.fsdecode(result.stdout.rstrip(b"\n"))) / "lfs")
    for pointer in pointers:
        if theirs.has(pointer):
            store.add(pointer, theirs.path(str(pointer.oid)))
    return _put(store, pointers, folder)


def _fetched(store: Store, url: GitUrl, pointers: Sequence[Pointer], folder: Path, offline: bool) -> dict[str, str]:
    """Ask the server for *pointers*; returns the reasons for those that it did not give, by their paths."""
    if offline:
        return dict.fromkeys((pointer.path for pointer in pointers), _OFFLINE)
    wanted, reasons = _that_fit(store, pointers)
    once = list({pointer.oid: pointer for pointer in wanted}.values())
    try:
        failed = _downloaded(store, url, once, folder)
    except (MlprojError, OSError, ValueError) as error:  # whatever a server may say
        failed = {pointer.oid: str(error) for pointer in once}
    for pointer in _put(store, wanted, folder):
        reasons[pointer.path] = failed.get(pointer.oid) or "what was kept of it is damaged"
    return reasons


def _downloaded(store: Store, url: GitUrl, pointers: Sequence[Pointer], folder: Path) -> dict[str | None, str]:
    from mlproj.sources import lfs_batch, lfs_endpoint, lfs_transfer

    downloads, reasons = [], {}
    for answer in lfs_batch.ask(lfs_endpoint.find(url, folder), pointers, folder) if pointers else ():
        if isinstance(answer, lfs_batch.Download):
            downloads.append(answer)
        else:
            reasons[answer[0].oid] = answer[1]
    return reasons | dict(lfs_transfer.fetch(downloads, store))


def _that_fit(store: Store, pointers: Sequence[Pointer]) -> tuple[list[Pointer], dict[str, str]]:
    """The smallest of *pointers* that the disk has room for, kept and checked out, and the reasons for the rest."""
    free = store.room() - _RESERVE
    fitting, reasons = [], {}
    for pointer in sorted(pointers, key=lambda each: each.size):
        free -= 2 * pointer.size
        if free < 0:
            reasons[pointer.path] = (
                f"its size is given as {quantity.size(pointer.size)}, for which the disk has no room"
            )
        else:
            fitting.append(pointer)
    return fitting, reasons


def _say_unchanged(folder: Path, paths: Sequence[str]) -> None:
    """Let Git take the files for what their pointers are, as it would with git-lfs: a program may ask whether its tree
    is clean."""
    listed = b"".join(os.fsencode(path) + b"\0" for path in paths)
    if listed:
        git_command.run("update-index", "--assume-unchanged", "-z", "--stdin", folder=folder, input=listed)
