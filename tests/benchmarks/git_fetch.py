"""From a Git URL to files: the first time, and when the commit is known."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks.measure import WALL, Bench, Contender, Target, benchmark
from tests.sources.git_server import GitServer, serving

COMMITS = 200
TREE_FILES, FILE_SIZE = 100, 100_000  # 10 MB of files
CHANGED_SIZE = 190_000  # what each commit adds to the history: 48 MB in all

_FETCH = """
from mlproj import sources
import mlproj.sources.git
url, version, offline = sys.argv[1], sys.argv[2] or None, sys.argv[3] == "offline"
with timed():
    source = sources.open(url)
    checkout = source.fetch(source.pin(version, offline=offline), isolated=False)
assert (checkout.project_dir / "MLproject").exists()
checkout.release()
"""
_PEER = """
from mlflow.projects.utils import _fetch_project
with timed():
    _fetch_project(sys.argv[1], sys.argv[2] or None)
"""


def main() -> None:
    with benchmark("Git: 200 commits, a 48 MB repository, a 10 MB tree, over http", rounds=5) as bench:
        commit = write_repository(bench, bench.folder / "served" / "project.git")
        server = GitServer(bench.folder / "served")
        with serving(server):
            url = f"{server.url}/project.git"
            bench.compare(*contenders(bench, url, commit))
            if bench.peer:
                peer = bench.peer.with_name("python")
                bench.compare(
                    Contender("mlflow's own fetch", bench.timed_program(peer, _PEER, f"{url}#", commit)), rounds=2
                )
        bench.report(
            "mirror + worktree add",
            Target("mlproj, known commit, offline", "mirror + worktree add", 2, WALL),
            Target("mlproj, known commit", "mirror + worktree add", 2, WALL),
            Target("mlproj, first time", "git clone --depth 1", 1.5, WALL),
        )


def contenders(bench: Bench, url: str, commit: str) -> list[Contender]:
    mirror, tree, clone, cold = (bench.folder / name for name in ("mirror", "tree", "clone", "cold"))
    git(bench, "clone", "--quiet", "--mirror", url, mirror)
    warm = {"MLPROJ_CACHE": str(bench.folder / "warm")}
    bench.timed_program(sys.executable, _FETCH, url, "", "online", env=warm)()

    def forget_tree() -> None:
        shutil.rmtree(tree, ignore_errors=True)
        git(bench, f"--git-dir={mirror}", "worktree", "prune")

    here = ("git", f"--git-dir={mirror}")
    return [
        Contender("mirror has the commit?", bench.command(*here, "cat-file", "-e", commit)),
        Contender(
            "mirror + worktree add", bench.command(*here, "worktree", "add", "--detach", tree, commit), forget_tree
        ),
        Contender(
            "git clone --depth 1", bench.command("git", "clone", "--quiet", "--depth", "1", url, clone), removed(clone)
        ),
        Contender(
            "mlproj, first time",
            bench.timed_program(sys.executable, _FETCH, url, "", "online", env={"MLPROJ_CACHE": str(cold)}),
            removed(cold),
        ),
        Contender(
            "mlproj, known commit, offline",
            bench.timed_program(sys.executable, _FETCH, url, commit, "offline", env=warm),
        ),
        Contender("mlproj, known commit", bench.timed_program(sys.executable, _FETCH, url, commit, "online", env=warm)),
        Contender(
            "mlproj, default branch asked for again",
            bench.timed_program(sys.executable, _FETCH, url, "", "online", env=warm),
        ),
    ]


def removed(folder: Path) -> Callable[[], object]:
    return lambda: shutil.rmtree(folder, ignore_errors=True)


def write_repository(bench: Bench, bare: Path) -> str:
    """A repository of the size that the targets speak of, by one fast-import; returns its newest commit."""
    git(bench, "init", "--quiet", "--bare", "--initial-branch=main", bare)
    stream = bytearray()
    for number in range(COMMITS):
        stream += b"commit refs/heads/main\ncommitter A Tester <tester@example.org> %d +0000\ndata 1\nx\n" % (
            1_600_000_000 + number * 3600
        )
        files = {f"data/{index}.bin": os.urandom(FILE_SIZE) for index in range(TREE_FILES)} if number == 0 else {}
        files["changing.bin"] = os.urandom(CHANGED_SIZE)
        if number == 0:
            files["MLproject"] = b'entry_points:\n  main:\n    command: "true"\n'
        for name, content in files.items():
            stream += b"M 100644 inline %s\ndata %d\n%s\n" % (name.encode(), len(content), content)
    subprocess.run(
        ["git", f"--git-dir={bare}", "fast-import", "--quiet"], input=bytes(stream), env=bench.environ, check=True
    )
    return git(bench, f"--git-dir={bare}", "rev-parse", "main")


def git(bench: Bench, *arguments: str | Path) -> str:
    return subprocess.run(
        ["git", *map(str, arguments)], env=bench.environ, check=True, capture_output=True, text=True
    ).stdout.strip()


if __name__ == "__main__":
    main()
