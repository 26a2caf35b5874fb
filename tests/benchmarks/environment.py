"""A Python environment: made anew, from a lock, found ready, and wanted by four runs at once. uv's package cache is warm."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks.measure import MLPROJ, UV, WALL, Bench, Contender, Sample, Target, benchmark, write_project

PACKAGES = ("scikit-learn==1.5.2", "pandas==2.2.3", "mlflow-skinny==2.17.2")

_MAKE = """
from mlproj.plan import RunRequest
from mlproj.progress import Silent
from mlproj.runner import planned
with timed(), planned(RunRequest(uri=sys.argv[1]), Silent()) as plan:
    assert not plan.environment.prepare(Silent()).reused
"""
_PREPARE = """
from mlproj.plan import RunRequest
from mlproj.progress import Silent
from mlproj.runner import planned
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
        bench.compare(Contender("mlproj, found ready", bench.timed_program(sys.executable, _PREPARE, project)))
        bench.compare(Contender("four runs at once", four_at_once(bench, project), removed(bench.folder / "four")), rounds=1)
        if bench.peer:
            peer = bench.command(bench.peer, "run", project, "--env-manager", "uv")
            bench.compare(Contender("mlflow run (uv)", peer, removed(bench.folder / "mlflow-envs")), rounds=1)
        bench.report(
            "uv venv + uv pip install",
            Target("mlproj, new environment", "uv venv + uv pip install", 1.2, WALL),
            Target("mlproj, from a lock", "uv sync --frozen", 2, WALL),
            Target("four runs at once", "mlproj run, new environment", 1.5, WALL),
        )
        if "mlproj, found ready" in bench.results:
            print(f"target: mlproj, found ready <= 10 ms: {bench.best('mlproj, found ready', WALL) * 1000:.2f} ms")


def new_ones(bench: Bench, project: Path) -> list[Contender]:
    venv, cold = bench.folder / "venv", bench.folder / "cold"
    make = [UV, "venv", "--quiet", "--python", sys.executable, str(venv)]
    install = [UV, "pip", "install", "--quiet", "--python", f"{venv}/bin/python", *PACKAGES]
    mlproj = bench.command(*MLPROJ, "run", project, env={"MLPROJ_CACHE": str(cold)})
    return [
        Contender("uv venv", bench.command(*make), removed(venv)),
        Contender("uv venv + uv pip install", bench.command("bash", "-c", f"{shlex.join(make)} && {shlex.join(install)}"), removed(venv)),
        Contender("mlproj, new environment", made_by_mlproj(bench, project, cold), removed(cold)),
        Contender("mlproj run, new environment", mlproj, removed(cold)),
        Contender("mlproj run, environment ready", bench.command(*MLPROJ, "run", project)),
    ]


def made_by_mlproj(bench: Bench, project: Path, cache: Path) -> Callable[[], Sample]:
    """From the project's files to a ready environment with its lock and record; the run around it is left out."""
    return bench.timed_program(sys.executable, _MAKE, project, env={"MLPROJ_CACHE": str(cache)})


def from_locks(bench: Bench, project: Path) -> list[Contender]:
    """The same packages from uv's own lock, and from the lock that mlproj recorded with a run, put beside the project."""
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
    found = [Contender("uv sync --frozen", sync, removed(synced / ".venv"))]
    if recorded:
        # uv writes a lower bound for Python, yet the lock holds wheels of this minor version only.
        lock = re.sub(r'requires-python = ".*"', f'requires-python = "=={version}.*"', recorded[-1].read_text())
        (locked / "pylock.toml").write_text(lock)
        cold = bench.folder / "cold-locked"
        found.append(Contender("mlproj, from a lock", made_by_mlproj(bench, locked, cold), removed(cold)))
    return found


def four_at_once(bench: Bench, project: Path) -> Callable[[], Sample]:
    def execute() -> Sample:
        cache = bench.folder / "four"
        begin = time.perf_counter()
        environ = {**bench.environ, "MLPROJ_CACHE": str(cache)}
        runs = [subprocess.Popen([*MLPROJ, "run", project, "--quiet"], env=environ, stdin=subprocess.DEVNULL) for _ in range(4)]
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
