"""Repositories made for a test with the real git."""

from __future__ import annotations

import os
import subprocess
from datetime import datetime, timezone
from pathlib import Path

LONG_AGO = datetime(2020, 1, 1, tzinfo=timezone.utc)
LATER = datetime(2021, 6, 1, 12, tzinfo=timezone.utc)


def git(folder: Path, *arguments: str, date: datetime | None = None) -> str:
    """What ``git ARGUMENTS`` prints in *folder*; commits are made at *date*."""
    env = dict(os.environ)
    if date:
        env |= {"GIT_COMMITTER_DATE": date.isoformat(), "GIT_AUTHOR_DATE": date.isoformat()}
    done = subprocess.run(["git", "-C", str(folder), *arguments], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def commit(folder: Path, files: dict[str, str | bytes], date: datetime | None = None) -> str:
    """Commit *files* in *folder*, a work tree or not yet; returns the commit."""
    if not (folder / ".git").exists():
        folder.mkdir(parents=True, exist_ok=True)
        git(folder, "init", "--quiet", "--initial-branch=main")
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--allow-empty", "--message=a change", date=date)
    return git(folder, "rev-parse", "HEAD")


def bare(work_tree: Path, target: Path) -> Path:
    """A bare copy of all branches and tags of *work_tree*, that serves partial clones as public hosts do."""
    git(work_tree, "clone", "--quiet", "--bare", str(work_tree), str(target))
    git(target, "config", "uploadpack.allowFilter", "true")
    return target
