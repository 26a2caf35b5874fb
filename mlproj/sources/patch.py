"""What makes a dirty work tree differ from its commit, untracked files included, as a patch for ``git apply``."""

from __future__ import annotations

import os
import subprocess
from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path

from mlproj.foundation import paths, presence, process
from mlproj.foundation.dataclass import dataclass
from mlproj.foundation.secret_files import holds_secrets
from mlproj.sources import git_command

LIMIT = 10_000_000  # bytes of patch that are kept with a run
MOST_FILES = 1_000  # untracked files that are kept; of folders that hold more, none
_LOOKED_AT = 50_000  # untracked files at which Git is stopped
_NAMED = 5  # files left out that the note names


@dataclass(frozen=True)
class Tree:
    """The ``top`` of a work tree, and the ``settings`` that Git is called with there."""

    top: Path
    settings: tuple[str, ...]


def make_patch(tree: Tree, tracked: Sequence[str], untracked: Sequence[str]) -> tuple[bytes | None, str | None]:
    """The patch of the changed paths *tracked* and of *untracked* ones, and a note on what it leaves out (None when
    nothing). Of *untracked* a folder ends with ``/``.

    A file is in whole or not at all.
    """
    few, whole = _few(tree, untracked)
    secret = sorted(name for name in few if holds_secrets(name, tree.top / name))
    added, left_out = _within_limit(tree.top, [name for name in few if name not in secret])
    changed, too_large = _within_limit(tree.top, list(tracked))
    with paths.temporary_folder(paths.cache() / "tmp", "index-") as folder:
        index = folder / "index"
        _copy_index(tree, index)
        env = {"GIT_INDEX_FILE": str(index), "GIT_LITERAL_PATHSPECS": "1"}
        for unreadable in _add(tree, env, added):
            left_out.append(unreadable)
        notes = _diff(tree, env, [*changed, *added])
    patch, cut = _cut(notes)
    left_out = [*whole, *sorted({*left_out, *too_large, *cut})]
    return patch or None, "; ".join(filter(None, (_note(left_out), _secret_note(secret)))) or None


def _few(tree: Tree, untracked: Sequence[str]) -> tuple[list[str], list[str]]:
    """The untracked files, and those of *untracked* whose many files nobody wants in a patch: environments, data.

    They are counted before Git compares them, which would take minutes. Of *untracked* a folder ends with ``/``.
    """
    environments = [name for name in untracked if name.endswith("/") and _is_environment(tree.top / name)]
    rest = sorted(set(untracked) - set(environments))
    names = _listed(tree, environments) if rest else []
    if names is None:
        return [], sorted(untracked)
    groups: dict[str, list[str]] = {name: [] for name in rest}
    for name in names:
        groups.setdefault(rest[max(bisect_right(rest, name) - 1, 0)], []).append(name)
    many = []
    for group in sorted(groups, key=lambda each: -len(groups[each])):
        if sum(map(len, groups.values())) <= MOST_FILES:
            break
        many.append(group)
        del groups[group]
    return [name for found in groups.values() for name in found], sorted([*environments, *many])


def _is_environment(folder: Path) -> bool:
    return presence.exists(folder / "pyvenv.cfg") or presence.is_folder(folder / "conda-meta")


def _listed(tree: Tree, without: list[str]) -> list[str] | None:
    """The untracked files that are not ignored, but for those *without*; None when they are too many to look at."""
    excluded = [f":(top,exclude,literal){name.rstrip('/')}" for name in without]
    command = ("ls-files", "--others", "--exclude-standard", "-z", "--", ":/", *excluded)
    listing = process.start(
        git_command.arguments(command, tree.settings, folder=tree.top),
        env=git_command.environment(),
        stderr=subprocess.DEVNULL,
    )
    assert listing.stdout is not None
    notes, count = [], 0
    try:
        while (portion := listing.stdout.read(1 << 16)) and count <= _LOOKED_AT:
            notes.append(portion)
            count += portion.count(b"\0")
    finally:
        if count > _LOOKED_AT:
            process.kill_group(listing)
        listing.stdout.close()
        listing.wait()
    return None if count > _LOOKED_AT else [os.fsdecode(name) for name in b"".join(notes).split(b"\0") if name]


def _within_limit(top: Path, names: list[str]) -> tuple[list[str], list[str]]:
    """Split *names* into those that fit into the limit together, smallest first, and the rest."""
    sizes = sorted((_size(top / name), name) for name in names)
    taken: list[str] = []
    total = 0
    for size, name in sizes:
        total += size
        if total > LIMIT or name.endswith("/"):  # a folder is a repository of its own
            total -= size
            continue
        taken.append(name)
    chosen = set(taken)
    return taken, [name for name in names if name not in chosen]


def _size(path: Path) -> int:
    try:
        return os.lstat(path).st_size
    except OSError:  # deleted: what it held counts when the patch is there
        return 0


def _copy_index(tree: Tree, target: Path) -> None:
    """Copy the user's index; a work tree without one (nothing added yet) starts from an empty one."""
    import shutil

    found = git_command.run("rev-parse", "--git-path", "index", folder=tree.top, settings=tree.settings)
    source = tree.top / os.fsdecode(found.stdout.rstrip(b"\n"))
    if source.exists():
        # With its time: Git looks again at files that were changed in the moment in which their index was written.
        shutil.copy2(source, target)


def _add(tree: Tree, env: dict[str, str], names: list[str]) -> list[str]:
    """Mark *names* as to be added in the private index; returns those that Git would not take."""
    if not names or _intend(tree, env, names):
        return []
    return [name for name in names if not _intend(tree, env, [name])]


def _intend(tree: Tree, env: dict[str, str], names: list[str]) -> bool:
    listed = b"\0".join(os.fsencode(name) for name in names)
    added = git_command.run(
        "add",
        "--intent-to-add",
        "--pathspec-from-file=-",
        "--pathspec-file-nul",
        folder=tree.top,
        settings=tree.settings,
        env=env,
        input=listed,
    )
    return added.returncode == 0


def _diff(tree: Tree, env: dict[str, str], names: list[str]) -> bytes:
    """The patch of *names*; given in portions, as a command line holds only so much."""
    notes = []
    for start in range(0, len(names), 500):
        found = git_command.run(
            "diff", "--binary", "--full-index", "--no-ext-diff", "--no-textconv", "--no-renames", "--no-color",
            "--src-prefix=a/", "--dst-prefix=b/", "--submodule=short", "--ignore-submodules=dirty",
            "HEAD", "--", *names[start : start + 500],
            folder=tree.top, settings=tree.settings, env=env,
        )  # fmt: skip
        notes.append(found.stdout)
    return b"".join(notes)


def _cut(patch: bytes) -> tuple[bytes, list[str]]:
    """Leave out the largest files of *patch* until it fits. No line within a file's part starts like the next part."""
    if len(patch) <= LIMIT:
        return patch, []
    parts = _parts(patch)
    left_out = set()
    excess = sum(map(len, parts)) - LIMIT
    for position in sorted(range(len(parts)), key=lambda each: -len(parts[each])):
        if excess <= 0:
            break
        left_out.add(position)
        excess -= len(parts[position])
    kept = b"".join(part for position, part in enumerate(parts) if position not in left_out)
    return kept, [_name(parts[position]) for position in left_out]


def by_file(patch: bytes) -> dict[str, bytes]:
    """The parts of a patch made here, each by the name of the file that it changes."""
    return {_name(part): part for part in _parts(patch)}


def _parts(patch: bytes) -> list[bytes]:
    marker = b"diff --git "
    parts = [marker + part for part in (b"\n" + patch).split(b"\n" + marker)[1:]]
    return [part if part.endswith(b"\n") else part + b"\n" for part in parts]


def _name(part: bytes) -> str:
    header = part.split(b"\n", 1)[0].removeprefix(b"diff --git ")
    return os.fsdecode(header.partition(b" b/")[0].removeprefix(b"a/"))


def _note(left_out: list[str]) -> str | None:
    if not left_out:
        return None
    more = f" and {len(left_out) - _NAMED} more" if len(left_out) > _NAMED else ""
    names = f"{', '.join(left_out[:_NAMED])}{more}"
    holds = f"it holds whole files, up to {LIMIT // 1_000_000} MB and {MOST_FILES} untracked ones"
    return f"the diff leaves out {names}: {holds}; a .gitignore tells which are no part of the project"


def _secret_note(names: list[str]) -> str | None:
    return f"the diff leaves out {', '.join(names)}, which may hold secrets" if names else None
