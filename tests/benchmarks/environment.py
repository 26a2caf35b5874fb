"""A Python environment: made anew, from a lock, found ready, and wanted by four runs at once.

Two figures are given for making one. *The preparation alone* is what the targets compare with uv: in a process that has
started, from the project's files to a ready environment with its lock and record. *The whole command* is ``mlproj run``
from its first instant to its last: starting, planning, the preparation, recording the run, and ``python -c pass`` in
it.

What uv keeps between two environments is warm for everybody: its package cache, and what it knows about the Pythons of
the machine. So is the latter in our cache for the preparation; for the whole command nothing of ours is there but byte
code.
"""

from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks.measure import MLPROJ, UV, WALL, Bench, Contender, Sample, Target, benchmark, write_project

PREPARATION, COMMAND = "the preparation alone", "the whole command"
NEW, LOCKED, READY = "new, mlproj: {}", "from a lock, mlproj: {}", "ready, mlproj: {}"
UV_NEW, UV_LOCKED = "new, uv venv + uv pip install", "from a lock, uv sync --frozen"
PACKAGES = ("scikit-learn==1.5.2", "pandas==2.2.3", "mlflow-skinny==2.17.2")

_MAKE = """
from mlproj.running.plan import RunRequest
from mlproj.foundation.progress import Silent
from mlproj.running.runner import planned
with timed(), planned(RunRequest(uri=sys.argv[1]), Silent()) as plan:
    assert not plan.environment.prepare(Silent()).reused
"""
_PREPARE = """
from mlproj.running.plan import RunRequest
from mlproj.foundation.progress import Silent
from mlproj.running.runner import planned
with planned(RunRequest(uri=sys.argv[1]), Silent()) as plan:
    assert plan.environment.is_ready()
    plan.environment.prepare(Silent())
    with timed():
        assert plan.environment.prepare(Silent()).reused
"""


def main() -> None:
    with benchmark(f"environment: {', '.join(PACKAGES)}", rounds=3) as bench:
        project = write_project(bench.folder / "project", requirements=PACKAGES)
        bench.compare(*new_ones(bench, project))
        bench.compare(*from_locks(bench, project))
        bench.compare(Contender(READY.format(PREPARATION), bench.timed_program(sys.executable, _PREPARE, project)))
        bench.compare(
            Contender("four runs at once", four_at_once(bench, project), removed(bench.folder / "four")), rounds=1
        )
        if bench.peer:
            peer = bench.command(bench.peer, "run", project, "--env-manager", "uv")
            bench.compare(Contender("mlflow run (uv)", peer, removed(bench.folder / "mlflow-envs")), rounds=1)
        bench.report(
            UV_NEW,
            Target(NEW.format(PREPARATION), UV_NEW, 1.2, WALL),
            Target(NEW.format(COMMAND), UV_NEW, None, WALL),
            Target(LOCKED.format(PREPARATION), UV_LOCKED, 2, WALL),
            Target(LOCKED.format(COMMAND), UV_LOCKED, None, WALL),
            Target("four runs at once", NEW.format(COMMAND), 1.5, WALL),
        )
        if READY.format(PREPARATION) in bench.results:
            print(
                f"target: {READY.format(PREPARATION)} <= 10 ms:"
                f" {bench.best(READY.format(PREPARATION), WALL) * 1000:.2f} ms"
            )


def new_ones(bench: Bench, project: Path) -> list[Contender]:
    venv, cold = bench.folder / "venv", bench.folder / "cold"
    make = [UV, "venv", "--quiet", "--python", sys.executable, str(venv)]
    install = [UV, "pip", "install", "--quiet", "--python", f"{venv}/bin/python", *PACKAGES]
    return [
        Contender("uv venv", bench.command(*make), removed(venv)),
        Contender(UV_NEW, bench.command("bash", "-c", f"{shlex.join(make)} && {shlex.join(install)}"), removed(venv)),
        *made_by_mlproj(bench, project, cold, NEW),
        Contender(READY.format(COMMAND), bench.command(*MLPROJ, "run", project)),
    ]


def made_by_mlproj(bench: Bench, project: Path, cache: Path, name: str) -> list[Contender]:
    """The two ways in which making an environment is measured."""
    alone, whole = cache / "alone", cache / "whole"

    def forget() -> None:
        for part in ("envs", "decisions"):
            removed(alone / part)()

    preparation = bench.timed_program(sys.executable, _MAKE, project, env={"MLPROJ_CACHE": str(alone)})
    command = bench.command(*MLPROJ, "run", project, env={"MLPROJ_CACHE": str(whole)})
    return [
        Contender(name.format(PREPARATION), preparation, forget),
        Contender(name.format(COMMAND), command, removed(whole)),
    ]


def from_locks(bench: Bench, project: Path) -> list[Contender]:
    """The same packages from uv's own lock, and from the lock that mlproj recorded with a run, put beside the
    project."""
    synced = bench.folder / "synced"
    synced.mkdir()
    version = ".".join(map(str, sys.version_info[:2]))
    listed = ", ".join(f'"{package}"' for package in PACKAGES)
    head = f'name = "synced"\nversion = "1"\nrequires-python = "=={version}.*"'
    (synced / "pyproject.toml").write_text(f"[project]\n{head}\ndependencies = [{listed}]\n")
    subprocess.run([UV, "lock", "--quiet", "--python", sys.executable], cwd=synced, env=bench.environ, check=True)
    locked = write_project(bench.folder / "locked")
    recorded = sorted((bench.folder / "home" / "runs").glob("*/pylock.toml"))
    sync = bench.command(UV, "sync", "--quiet", "--frozen", "--python", sys.executable, cwd=synced)
    found = [Contender(UV_LOCKED, sync, removed(synced / ".venv"))]
    if recorded:
        (locked / "pylock.toml").write_text(recorded[-1].read_text())
        found += made_by_mlproj(bench, locked, bench.folder / "cold-locked", LOCKED)
    return found


def four_at_once(bench: Bench, project: Path) -> Callable[[], Sample]:
    def execute() -> Sample:
        cache = bench.folder / "four"
        begin = time.perf_counter()
        environ = {**bench.environ, "MLPROJ_CACHE": str(cache)}
        runs = [
            subprocess.Popen([*MLPROJ, "run", project, "--quiet"], env=environ, stdin=subprocess.DEVNULL)
            for _ in range(4)
        ]
        codes = [run.wait() for run in runs]
        wall = time.perf_counter() - begin
        built = sum(folder.is_dir() and not folder.name.startswith(".") for folder in (cache / "envs").iterdir())
        print(f"four runs at once: exit codes {codes}, environments built: {built}")
        return Sample(0.0, wall)

    return execute


def removed(folder: Path) -> Callable[[], object]:
    return lambda: shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
