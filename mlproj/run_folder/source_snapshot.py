"""A copy of a project that has no history, kept with its run: a folder outside of Git is not the same tomorrow."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from mlproj.foundation.redaction import mask_channel
from mlproj.foundation.secret_files import holds_secrets
from mlproj.run_folder.outputs import Snapshot, is_passed_over

LIMIT_COUNT = 500  # files, links and folders; a run shall not wait for a copy
LIMIT_BYTES = 5_000_000  # of all files together


def keep(files: Snapshot, target: Path, kept: Callable[[Path, bytes], bytes | None]) -> str | None:
    """Copy the folder that *files* is of to *target*, unless it is too much or has credentials in it. *kept* says
    what is to be kept of the content of a file: None forbids the copy.

    Returns the copy's digest, None where there is none. Raises OSError.

    Links are kept as they are, and empty folders too. What no run changes is left out: environments, caches, Git's own
    files; and files that may hold secrets.
    """
    if len(files.files) > LIMIT_COUNT or sum(size for size, *_ in files.files.values()) > LIMIT_BYTES:
        return None
    from mlproj.foundation.tree_digest import folder_digest

    draft = target.with_name(f".{target.name}.{os.getpid()}")
    draft.mkdir(parents=True)
    try:
        for count, entry in enumerate(_walk(files.root), start=1):
            name = os.path.relpath(entry.path, files.root)
            if entry.is_file() and holds_secrets(name, Path(entry.path)):
                continue
            if count > LIMIT_COUNT or not _copy(entry, draft / name, kept):
                return None
        digest = folder_digest(draft)
        draft.rename(target)
        return digest
    finally:
        if draft.exists():
            import shutil

            shutil.rmtree(draft, ignore_errors=True)


def _walk(folder: str | Path) -> Iterator[os.DirEntry[str]]:
    """What is below *folder*, each folder before what is in it."""
    with os.scandir(folder) as scan:
        entries = list(scan)
    for entry in entries:
        if not entry.is_dir(follow_symlinks=False):
            yield entry
        elif not is_passed_over(entry):
            yield entry
            yield from _walk(entry.path)


def _copy(entry: os.DirEntry[str], target: Path, kept: Callable[[Path, bytes], bytes | None]) -> bool:
    """Make *target* what *entry* is; pipes, sockets and devices, and what is gone since, are passed over.

    False for a file that holds the credentials of an address, which no record may have.
    """
    if entry.is_symlink():
        target.symlink_to(Path(entry.path).readlink())
    elif entry.is_dir(follow_symlinks=False):
        target.mkdir()
    elif entry.is_file(follow_symlinks=False):
        return _copy_file(entry.path, target, kept)
    return True


def _copy_file(source: str, target: Path, kept: Callable[[Path, bytes], bytes | None]) -> bool:
    try:
        descriptor = os.open(source, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    with os.fdopen(descriptor, "rb") as file, target.open("wb") as copy:
        content = file.read(LIMIT_BYTES)
        part = kept(Path(source), content)
        copy.write(part or b"")
        os.fchmod(copy.fileno(), os.fstat(file.fileno()).st_mode & 0o777)
    return part is not None and not _holds_credentials(content)


def _holds_credentials(content: bytes) -> bool:
    if b"://" not in content:
        return False
    text = content.decode("utf-8", "replace")
    return mask_channel(text) != text
