"""Fifty runs of ``python -c pass`` through the API, per run."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.benchmarks.measure import WALL, Contender, Target, benchmark, write_project

RUNS = 50

_BASH = """
import subprocess
with timed(int(sys.argv[1])):
    subprocess.run(["bash", "-c", f"for i in $(seq {sys.argv[1]}); do python -c pass; done"], check=True)
"""
_MINIMAL = """
from pathlib import Path
from tests.benchmarks.tracked_runner import run
project, store = Path(sys.argv[2]), Path(sys.argv[3])
run(project, store)
with timed(int(sys.argv[1])):
    for _ in range(int(sys.argv[1])):
        run(project, store)
"""
_MLPROJ = """
import mlproj
options = {"env_manager": sys.argv[3]}
mlproj.run(sys.argv[2], **options)
with timed(int(sys.argv[1])):
    for _ in range(int(sys.argv[1])):
        assert mlproj.run(sys.argv[2], **options).wait()
"""
_PEER = """
import mlflow.projects
mlflow.projects.run(sys.argv[2], env_manager="local")
with timed(int(sys.argv[1])):
    for _ in range(int(sys.argv[1])):
        mlflow.projects.run(sys.argv[2], env_manager="local")
"""


def main() -> None:
    with benchmark(f"many small runs: {RUNS} of `python -c pass`, per run", rounds=4) as bench:
        bare = write_project(bench.folder / "bare")
        project = write_project(bench.folder / "project", requirements=[])
        python = sys.executable
        bench.compare(
            Contender("bash loop", bench.timed_program(python, _BASH, str(RUNS))),
            Contender(
                "minimal tracked runner, in a loop",
                bench.timed_program(python, _MINIMAL, str(RUNS), bare, bench.folder / "store"),
            ),
            Contender("mlproj.run, local, in a loop", bench.timed_program(python, _MLPROJ, str(RUNS), bare, "local")),
            Contender(
                "mlproj.run, ready environment, in a loop",
                bench.timed_program(python, _MLPROJ, str(RUNS), project, "auto"),
            ),
        )
        if bench.peer:
            peer = Path(bench.peer).with_name("python")
            bench.compare(
                Contender("mlflow.projects.run, local, in a loop", bench.timed_program(peer, _PEER, str(RUNS), bare)),
                rounds=1,
            )
        limit = "minimal tracked runner, in a loop"
        bench.report(
            limit,
            Target("mlproj.run, local, in a loop", limit, 2),
            Target("mlproj.run, local, in a loop", limit, 2, WALL),
            Target("mlproj.run, ready environment, in a loop", limit, 2),
            Target("mlproj.run, local, in a loop", "mlflow.projects.run, local, in a loop", 1, WALL),
        )


if __name__ == "__main__":
    main()
