"""The Git work tree around a local folder: its commit, and how the files differ from it. The user's index is never
written.

A submodule counts as changed when it is at another commit. Its own files are not looked at: Git would start another Git
in it, which obeys that repository's configuration alone, and so any program named there.
"""

from __future__ import annotations

import os
from datetime import datetime, timezone
from pathlib import Path

from mlproj.foundation import presence, process
from mlproj.foundation.dataclass import dataclass, replace
from mlproj.foundation.errors import ServiceError
from mlproj.sources import git_command
from mlproj.sources.base import Revision


@dataclass(frozen=True)
class Status:
    """What ``git status`` says: the commit (None before the first), the branch (None when detached), what is changed.

    ``changed`` are tracked paths and ``untracked`` paths (a folder ends with ``/``), relative to the top.
    """

    commit: str | None
    branch: str | None
    changed: tuple[str, ...]
    untracked: tuple[str, ...]


@dataclass(frozen=True)
class WorkTree:
    """A folder with ``.git`` in it; ``settings`` silence what the repository's own configuration would start."""

    top: Path
    settings: tuple[str, ...] = ()

    @classmethod
    def around(cls, folder: Path) -> WorkTree | None:
        """The work tree that *folder* lies in, found without starting Git; None where there is none."""
        real = Path(os.path.realpath(folder))
        for candidate in (real, *real.parents):
            if presence.exists(candidate / ".git"):
                top = folder if candidate == real else candidate
                return cls(top, _silenced_filters(candidate))
        return None

    def revision(self, asked: Path, project: Path) -> Revision:
        """The folder *asked* pinned, with its sub-folder *project*: commit, branch, date, and the difference when
        dirty.

        Where Git cannot be asked (not installed, a repository of somebody else's), a note says so and nothing is known.
        """
        plain = Revision("folder", str(asked), subdirectory=_below(project, asked))
        try:
            answers = self._ask(project)
        except ServiceError as error:
            return replace(plain, notes=(f"code version not recorded: {error.message}",))
        status, dated, ignored = answers
        if status.returncode != 0:
            return replace(plain, notes=(f"code version not recorded: {_reason(status)}",))
        if ignored is not None and ignored.returncode == 0:
            return replace(
                plain, notes=(f"code version not recorded: the repository at {self.top} ignores this folder",)
            )
        return self._described(
            replace(plain, subdirectory=_below(project, self.top)), parse_status(status.stdout), dated
        )

    def _ask(self, project: Path) -> tuple[process.Completed, process.Completed, process.Completed | None]:
        """Status, commit date and, below the top, whether the folder is ignored: asked side by side."""
        commands = [
            [
                "status",
                "--porcelain=v2",
                "--branch",
                "-z",
                "--untracked-files=normal",
                "--ignore-submodules=dirty",
                "--no-renames",
            ],
            ["rev-list", "--max-count=1", "--timestamp", "HEAD", "--"],
        ]
        if _below(project, self.top):
            commands.append(["check-ignore", "--quiet", "--", os.path.realpath(project)])
        env = git_command.environment()
        running = [
            process.start(git_command.arguments(command, self.settings, folder=self.top), env=env)
            for command in commands
        ]
        try:
            outputs = [(each, *each.communicate()) for each in running]
        finally:
            for each in running:
                if each.poll() is None:
                    process.kill_group(each)
        done = [process.Completed(("git",), each.returncode, out, error) for each, out, error in outputs]
        return done[0], done[1], done[2] if len(done) > 2 else None

    def _described(self, plain: Revision, status: Status, dated: process.Completed) -> Revision:
        dirty = bool(status.changed or status.untracked)
        if status.commit is None:
            return replace(plain, branch=status.branch, dirty=dirty, notes=("the Git repository has no commit yet",))
        known = replace(
            plain, commit=status.commit, branch=status.branch, dirty=dirty, commit_date=parse_date(dated.stdout)
        )
        if presence.is_file(self.top / ".gitmodules"):
            known = self._without_missing_submodules(known)
        if not dirty:
            return known
        from mlproj.sources.patch import Tree, make_patch

        patch, note = make_patch(Tree(self.top, self.settings), status.changed, status.untracked)
        combined = "; ".join(filter(None, (note, known.diff_note))) or None
        return replace(known, diff=patch, diff_note=combined, notes=(*known.notes, *([note] if note else ())))

    def _without_missing_submodules(self, known: Revision) -> Revision:
        """*known*, which says what is not there of the submodules: a checkout of the commit elsewhere would have it."""
        from mlproj.sources.gitmodules import recorded

        missing = [each.path for each in recorded(self.top) if not presence.exists(self.top / each.path / ".git")]
        if not missing:
            return known
        what = f"the submodule {', '.join(missing)} is not initialised, so its files are not here"
        return replace(known, diff_note=what, notes=(*known.notes, f"{what}: git submodule update --init"))

    def last_changed(self, path: Path) -> datetime | None:
        """Date (UTC) of the last commit that changed *path*; None when it is not committed as it is now."""
        below = os.path.relpath(os.path.realpath(path), os.path.realpath(self.top))
        if below.startswith(".."):
            return None
        literal = {"GIT_LITERAL_PATHSPECS": "1"}
        dirty = git_command.run(
            "status", "--porcelain", "-z", "--", below, folder=self.top, settings=self.settings, env=literal
        )
        if dirty.returncode != 0 or dirty.stdout:
            return None
        found = git_command.run(
            "rev-list",
            "--max-count=1",
            "--timestamp",
            "HEAD",
            "--",
            below,
            folder=self.top,
            settings=self.settings,
            env=literal,
        )
        return parse_date(found.stdout)

    def ignored(self, folder: Path) -> list[str]:
        """What Git ignores in *folder*, relative to it; nothing where that is ignored itself, or Git cannot be
        asked."""
        listed = git_command.run(
            "ls-files",
            "--others",
            "--ignored",
            "--exclude-standard",
            "--directory",
            "-z",
            folder=folder,
            settings=self.settings,
        )
        return [os.fsdecode(name).rstrip("/") for name in listed.stdout.split(b"\0") if name not in (b"", b"./")]


def parse_status(output: bytes) -> Status:
    """Read ``git status --porcelain=v2 --branch -z --no-renames``."""
    commit = branch = None
    changed: list[str] = []
    untracked: list[str] = []
    for field in output.split(b"\0"):
        line = os.fsdecode(field)
        if line.startswith("# branch.oid "):
            commit = None if line.endswith("(initial)") else line[13:]
        elif line.startswith("# branch.head "):
            branch = None if line.endswith("(detached)") else line[14:]
        elif line.startswith("1 "):
            changed.append(line.split(" ", 8)[8])
        elif line.startswith("u "):
            changed.append(line.split(" ", 10)[10])
        elif line.startswith("? "):
            untracked.append(line[2:])
    return Status(commit, branch, tuple(changed), tuple(untracked))


def parse_date(output: bytes) -> datetime | None:
    """The first number of ``git rev-list --timestamp`` as a date in UTC."""
    first = output.split(b" ", 1)[0]
    try:
        return datetime.fromtimestamp(int(first), timezone.utc)
    except (ValueError, OverflowError, OSError):
        return None


def _silenced_filters(top: Path) -> tuple[str, ...]:
    """Settings that switch off every filter (save Git LFS) which the repository's own configuration defines.

    An unpacked folder may bring a ``.git/config`` along, and `mlproj show` must run nothing of it.
    """
    if not _may_define_filters(top / ".git"):
        return ()
    try:
        listed = git_command.run(
            "config", "--show-scope", "--name-only", "-z", "--get-regexp", r"^filter\.", folder=top
        )
    except ServiceError:  # without Git nothing is started, and `revision` says so
        return ()
    words = listed.text.split("\0")  # scope, name, scope, name, …
    names = [name for scope, name in zip(words[::2], words[1::2], strict=False) if scope in ("local", "worktree")]
    drivers = sorted({name.rpartition(".")[0] for name in names} - {"filter.lfs"})
    off = ("clean=", "smudge=", "process=", "required=false")
    return tuple(f"{driver}.{setting}" for driver in drivers for setting in off)


def _may_define_filters(git: Path) -> bool:
    """Whether it is worth asking Git; a ``.git`` file leads to a configuration elsewhere."""
    try:
        text = (git / "config").read_bytes().lower()
    except OSError:
        return presence.is_file(git)
    return any(word in text for word in (b"filter", b"include", b"worktreeconfig"))


def _below(path: Path, top: Path) -> str:
    below = os.path.relpath(os.path.realpath(path), os.path.realpath(top))
    return "" if below == "." else below


def _reason(status: process.Completed) -> str:
    reason = status.error_text.strip()
    if "dubious ownership" in reason:
        return (
            "the repository belongs to another user; if you trust it: git config --global --add safe.directory FOLDER"
        )
    return reason.splitlines()[0] if reason else "git status failed"
