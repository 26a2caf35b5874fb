"""What makes a dirty work tree differ from its commit, untracked files included, as a patch for ``git apply``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from mlproj.foundation import paths
from mlproj.foundation.dataclass import dataclass
from mlproj.foundation.secret_files import holds_secrets
from mlproj.sources import git_command

LIMIT = 10_000_000  # bytes of patch that are kept with a run
_NAMED = 5  # files left out that the note names


@dataclass(frozen=True)
class Tree:
    """The ``top`` of a work tree, and the ``settings`` that Git is called with there."""

    top: Path
    settings: tuple[str, ...]


def make_patch(tree: Tree, tracked: Sequence[str], *, has_untracked: bool) -> tuple[bytes | None, str | None]:
    """The patch of the changed paths *tracked* and of what Git does not know, and a note on what it leaves out (None
    when nothing).

    A file is in whole or not at all.
    """
    names = _untracked_files(tree) if has_untracked else []
    secret = {name for name in names if holds_secrets(name, tree.top / name)}
    untracked, left_out = _within_limit(tree.top, [name for name in names if name not in secret])
    changed, too_large = _within_limit(tree.top, list(tracked))
    with paths.temporary_folder(paths.cache() / "tmp", "index-") as folder:
        index = folder / "index"
        _copy_index(tree, index)
        env = {"GIT_INDEX_FILE": str(index), "GIT_LITERAL_PATHSPECS": "1"}
        for unreadable in _add(tree, env, untracked):
            left_out.append(unreadable)
        said = _diff(tree, env, [*changed, *untracked])
    patch, cut = _cut(said)
    left_out = sorted({*left_out, *too_large, *cut})
    return patch or None, "; ".join(filter(None, (_note(left_out), _secret_note(sorted(secret))))) or None


def _untracked_files(tree: Tree) -> list[str]:
    listed = git_command.run(
        "ls-files", "--others", "--exclude-standard", "-z", folder=tree.top, settings=tree.settings
    )
    return [os.fsdecode(name) for name in listed.stdout.split(b"\0") if name]


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
    said = []
    for start in range(0, len(names), 500):
        found = git_command.run(
            "diff", "--binary", "--full-index", "--no-ext-diff", "--no-textconv", "--no-renames", "--no-color",
            "--src-prefix=a/", "--dst-prefix=b/", "--submodule=short", "--ignore-submodules=dirty",
            "HEAD", "--", *names[start : start + 500],
            folder=tree.top, settings=tree.settings, env=env,
        )  # fmt: skip
        said.append(found.stdout)
    return b"".join(said)


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
    return (
        f"the diff leaves out {', '.join(left_out[:_NAMED])}{more}: it holds whole files, up to {LIMIT // 1_000_000} MB"
        " in all"
    )


def _secret_note(names: list[str]) -> str | None:
    return f"the diff leaves out {', '.join(names)}, which may hold secrets" if names else None
